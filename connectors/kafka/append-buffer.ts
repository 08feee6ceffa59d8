/**
 * The records a producer has appended and not sent yet: per partition a list of record batches, encoded as they come.
 *
 * Invariant: `truncate(mark)` leaves exactly the bytes that were there when `mark()` was called, across batch boundaries
 * and partitions. A journal of where each record began makes that exact; a mark is only a count of appends, so taking one
 * for every input record costs nothing.
 */
import { RecordTooLargeError } from '../../streams/errors.ts';
import type { ProducerMark, TopicPartition } from '../../streams/ports.ts';
import type { HeaderList } from '../../streams/record.ts';
import { BATCH_HEADER_BYTES, RecordBatchEncoder, recordSizeBound } from './record-batch-encoder.ts';

const INITIAL_BATCH_BYTES = 16 * 1024;
/** Full batches stay below this, so that several of them do not come out with one tiny rest. */
const TARGET_BATCH_BYTES = 900 * 1024;
/** Buffers kept for the next transaction; beyond it they are left to the garbage collector. */
const MAX_SPARE_BYTES = 8 * 1024 * 1024;
const INITIAL_JOURNAL_ENTRIES = 1024;

export interface PartitionBatches extends TopicPartition {
  readonly batches: RecordBatchEncoder[];
}

/** One entry per append, in columns: the partition's slot, the batch's length and newest timestamp before the append. */
class Journal {
  private slots = new Int32Array(INITIAL_JOURNAL_ENTRIES);
  private lengths = new Int32Array(INITIAL_JOURNAL_ENTRIES);
  private timestamps = new Float64Array(INITIAL_JOURNAL_ENTRIES);
  count = 0;

  push(slot: number, length: number, timestampMs: number): void {
    const at = this.count;
    if (at === this.slots.length) this.grow();
    this.slots[at] = slot;
    this.lengths[at] = length;
    this.timestamps[at] = timestampMs;
    this.count = at + 1;
  }

  pop(undo: (slot: number, length: number, timestampMs: number) => void): void {
    const at = --this.count;
    undo(this.slots[at] as number, this.lengths[at] as number, this.timestamps[at] as number);
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const lengths = new Int32Array(slots.length);
    const timestamps = new Float64Array(slots.length);
    slots.set(this.slots);
    lengths.set(this.lengths);
    timestamps.set(this.timestamps);
    this.slots = slots;
    this.lengths = lengths;
    this.timestamps = timestamps;
  }
}

export class AppendBuffer {
  private readonly maxBatchBytes: number;
  private readonly targetBatchBytes: number;
  private readonly slots: PartitionBatches[] = [];
  private readonly slotsByTopic = new Map<string, number[]>();
  private readonly journal = new Journal();
  private readonly spare: Buffer[] = [];
  private spareBytes = 0;
  private bytes = 0;

  constructor(maxBatchBytes: number) {
    this.maxBatchBytes = maxBatchBytes;
    this.targetBatchBytes = Math.min(TARGET_BATCH_BYTES, maxBatchBytes);
  }

  get pendingBytes(): number {
    return this.bytes;
  }

  get empty(): boolean {
    return this.journal.count === 0;
  }

  /** Copies the record. Throws `RecordTooLargeError`, and then nothing has changed. */
  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: HeaderList | undefined,
  ): void {
    const sizeBound = recordSizeBound(key, value, headers);
    if (BATCH_HEADER_BYTES + sizeBound > this.maxBatchBytes) this.refuse(topic, partition, sizeBound);
    const slot = this.slot(topic, partition);
    const { batches } = this.slots[slot] as PartitionBatches;
    let batch = batches[batches.length - 1];
    if (!batch || batch.length + sizeBound > this.targetBatchBytes) {
      batch = new RecordBatchEncoder(this.takeSpare());
      batches.push(batch);
      this.bytes += BATCH_HEADER_BYTES;
    }
    const lengthBefore = batch.length;
    this.journal.push(slot, lengthBefore, batch.maxTimestampMs);
    batch.append(key, value, timestampMs, headers, sizeBound);
    this.bytes += batch.length - lengthBefore;
  }

  private refuse(topic: string, partition: number, sizeBound: number): never {
    throw new RecordTooLargeError(
      'RECORD_TOO_LARGE',
      `A record of about ${sizeBound} bytes for ${topic}-${partition} is larger than the ${this.maxBatchBytes} bytes ` +
        `that a batch may have: shorten it, or raise maxBatchBytes together with the topic's max.message.bytes`,
    );
  }

  mark(): ProducerMark {
    return this.journal.count;
  }

  truncate(mark: ProducerMark): void {
    if (mark > this.journal.count) {
      throw new RangeError(
        'The mark is from before the last commit or abort: fewer records are pending than it stands for',
      );
    }
    while (this.journal.count > mark) this.journal.pop(this.undo);
  }

  private readonly undo = (slot: number, length: number, maxTimestampMs: number): void => {
    const { batches } = this.slots[slot] as PartitionBatches;
    const batch = batches[batches.length - 1] as RecordBatchEncoder;
    this.bytes -= batch.length - length;
    batch.takeBack(length, maxTimestampMs);
    if (batch.count === 0) {
      batches.pop();
      this.bytes -= BATCH_HEADER_BYTES;
      this.keepSpare(batch.release());
    }
  };

  /** The partitions that have records, each with its batches in order. */
  pending(): readonly PartitionBatches[] {
    return this.slots.filter(({ batches }) => batches.length > 0);
  }

  /**
   * Forgets all records. Their buffers are reused, unless a request may still be reading them (`reuse` false).
   */
  clear(reuse = true): void {
    for (const { batches } of this.slots) {
      if (reuse) for (const batch of batches) this.keepSpare(batch.release());
      batches.length = 0;
    }
    this.journal.count = 0;
    this.bytes = 0;
  }

  private slot(topic: string, partition: number): number {
    let partitions = this.slotsByTopic.get(topic);
    if (!partitions) {
      partitions = [];
      this.slotsByTopic.set(topic, partitions);
    }
    const known = partitions[partition];
    if (known !== undefined) return known;
    const slot = this.slots.length;
    this.slots.push({ topic, partition, batches: [] });
    partitions[partition] = slot;
    return slot;
  }

  private takeSpare(): Buffer {
    const buffer = this.spare.pop();
    if (!buffer) return Buffer.allocUnsafeSlow(INITIAL_BATCH_BYTES);
    this.spareBytes -= buffer.length;
    return buffer;
  }

  private keepSpare(buffer: Buffer): void {
    if (this.spareBytes + buffer.length > MAX_SPARE_BYTES) return;
    this.spareBytes += buffer.length;
    this.spare.push(buffer);
  }
}
