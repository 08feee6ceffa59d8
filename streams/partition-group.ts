/**
 * The input partitions of one task, taken in timestamp order.
 *
 * Invariant: `streamTimeMs` never decreases; it is the highest event time of the records taken so far. While a partition
 * that is known to hold more records has none here, nothing is taken, so that order across partitions does not depend on
 * which fetch answered first.
 */
import type { FetchedBatch, TopicPartition } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import type { RecordQueue, StampedRecord } from './record-queue.ts';

export interface NextRecord {
  readonly record: StampedRecord;
  readonly queue: RecordQueue;
}

export class PartitionGroup {
  readonly queues: readonly RecordQueue[];
  readonly #byPartition: ReadonlyMap<string, RecordQueue>;
  readonly #onDecoded: (queue: RecordQueue, records: readonly StampedRecord[]) => void;
  #streamTimeMs = -1;

  constructor(
    queues: readonly RecordQueue[],
    onDecoded: (queue: RecordQueue, records: readonly StampedRecord[]) => void,
  ) {
    this.queues = queues;
    this.#byPartition = new Map(queues.map((queue) => [topicPartitionKey(queue.topicPartition), queue]));
    this.#onDecoded = onDecoded;
  }

  get streamTimeMs(): number {
    return this.#streamTimeMs;
  }

  get buffered(): number {
    return this.queues.reduce((sum, queue) => sum + queue.buffered, 0);
  }

  get drained(): boolean {
    return this.queues.every((queue) => queue.drained);
  }

  queue(partition: TopicPartition): RecordQueue | undefined {
    return this.#byPartition.get(topicPartitionKey(partition));
  }

  add(batch: FetchedBatch): void {
    this.queue(batch)?.add(batch);
  }

  /** Restores the stream time that the state stands for, after a restart. */
  advanceStreamTime(timestampMs: number): void {
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;
  }

  /** The record with the lowest timestamp, without taking it; of equals, that of the first partition. */
  peek(systemTimeMs: number): NextRecord | undefined {
    let next: NextRecord | undefined;
    for (const queue of this.queues) {
      const record = queue.peek(systemTimeMs, (records) => this.#onDecoded(queue, records));
      if (record === undefined) {
        if (!queue.drained) return undefined;
        continue;
      }
      if (next === undefined || record.timestampMs < next.record.timestampMs) next = { record, queue };
    }
    return next;
  }

  /** Takes the record that `peek` answered. */
  take({ record, queue }: NextRecord): void {
    queue.take();
    if (record.error === undefined) this.advanceStreamTime(record.timestampMs);
  }
}
