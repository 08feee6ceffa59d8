/**
 * The records of one input partition that were fetched and not yet processed.
 *
 * Invariant: records leave in offset order, each exactly once, and `position` is always the offset after the last one that
 * left (or after the markers behind it): the offset to commit. Records are decoded in chunks, just before they are needed.
 */
import { DeserializationError, StreamsError } from './errors.ts';
import type { FetchedBatch, LogRecord, TopicPartition } from './ports.ts';
import type { Record } from './record.ts';
import type { SourceNode } from './topology.ts';

/** A record ready to be processed, or the reason why it cannot be. */
export interface StampedRecord extends Record<unknown, unknown> {
  readonly raw: LogRecord;
  readonly error: StreamsError | undefined;
}

const CHUNK_RECORDS = 512;

export class RecordQueue {
  readonly topicPartition: TopicPartition;
  readonly source: SourceNode;
  /** Sees each chunk of records once, right after it was decoded. */
  onDecoded: (records: readonly StampedRecord[]) => void = () => undefined;
  readonly #batches: FetchedBatch[] = [];
  #rawIndex = 0;
  #decoded: StampedRecord[] = [];
  #decodedIndex = 0;
  #buffered = 0;
  #position: number;
  #endOffset: number;
  #partitionTimeMs: number;

  /**
   * `endOffset`: what a committed reader could reach when the task started. `partitionTimeMs`: the highest event time before
   * the position; -1 where there is none.
   */
  constructor(
    topicPartition: TopicPartition,
    source: SourceNode,
    position: number,
    endOffset: number,
    partitionTimeMs = -1,
  ) {
    this.topicPartition = topicPartition;
    this.source = source;
    this.#position = position;
    this.#endOffset = endOffset;
    this.#partitionTimeMs = partitionTimeMs;
  }

  get position(): number {
    return this.#position;
  }

  /** Highest event time of the records that left; -1 before the first one. */
  get partitionTimeMs(): number {
    return this.#partitionTimeMs;
  }

  /** Records waiting here. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Records known to wait in the log or here. Counts offsets, so markers are included. */
  get lag(): number {
    return Math.max(0, this.#endOffset - this.#position);
  }

  /** True when everything the log is known to hold was processed. */
  get drained(): boolean {
    return this.#buffered === 0 && this.#position >= this.#endOffset;
  }

  add(batch: FetchedBatch): void {
    this.#endOffset = Math.max(this.#endOffset, batch.endOffset);
    if (batch.nextOffset <= this.#position) return;
    this.#batches.push(batch);
    this.#buffered += batch.records.length;
    this.#skipEmptyBatches();
  }

  /** The next record without taking it; undefined when none is buffered. */
  peek(systemTimeMs: number): StampedRecord | undefined {
    if (this.#decodedIndex === this.#decoded.length) {
      if (this.#buffered === 0) return undefined;
      this.#decodeChunk(systemTimeMs);
      this.onDecoded(this.#decoded);
    }
    return this.#decoded[this.#decodedIndex];
  }

  /** Takes the record that `peek` answered. */
  take(): StampedRecord {
    const record = this.#decoded[this.#decodedIndex] as StampedRecord;
    this.#decodedIndex += 1;
    this.#buffered -= 1;
    this.#position = record.raw.offset + 1;
    if (record.error === undefined && record.timestampMs > this.#partitionTimeMs)
      this.#partitionTimeMs = record.timestampMs;
    if (this.#decodedIndex === this.#decoded.length) this.#skipEmptyBatches();
    return record;
  }

  /** Drops batches that are used up; their trailing markers count as processed once nothing before them waits. */
  #skipEmptyBatches(): void {
    while (this.#batches.length > 0) {
      const batch = this.#batches[0] as FetchedBatch;
      if (this.#rawIndex < batch.records.length || this.#decodedIndex < this.#decoded.length) return;
      this.#position = Math.max(this.#position, batch.nextOffset);
      this.#batches.shift();
      this.#rawIndex = 0;
    }
  }

  #decodeChunk(systemTimeMs: number): void {
    const batch = this.#batches[0] as FetchedBatch;
    const end = Math.min(batch.records.length, this.#rawIndex + CHUNK_RECORDS);
    const decoded: StampedRecord[] = [];
    const context = { partitionTimeMs: this.#partitionTimeMs, systemTimeMs };
    for (let at = this.#rawIndex; at < end; at++) {
      const record = this.#decode(batch.records[at] as LogRecord, batch.logAppendTime, context);
      if (record.error === undefined && record.timestampMs > context.partitionTimeMs)
        context.partitionTimeMs = record.timestampMs;
      decoded.push(record);
    }
    this.#rawIndex = end;
    this.#decoded = decoded;
    this.#decodedIndex = 0;
  }

  #decode(
    raw: LogRecord,
    logAppendTime: boolean,
    context: { partitionTimeMs: number; systemTimeMs: number },
  ): StampedRecord {
    const { key, value, timestampExtractor } = this.source;
    const { topic } = this.topicPartition;
    try {
      const decodedKey = key.deserialize(topic, raw.key, raw.headers);
      const decodedValue = value.deserialize(topic, raw.value, raw.headers);
      const timestampMs =
        timestampExtractor === undefined
          ? raw.timestampMs
          : timestampExtractor(decodedValue, { timestampMs: raw.timestampMs, logAppendTime }, context);
      return { key: decodedKey, value: decodedValue, timestampMs, headers: raw.headers, raw, error: undefined };
    } catch (cause) {
      // It takes its turn like any other record; its event time is unknown, so it stands where the partition stands.
      const error =
        cause instanceof StreamsError
          ? cause
          : new DeserializationError('DESERIALIZATION_FAILED', `Cannot read the record: ${messageOf(cause)}`, {
              cause,
            });
      return { key: null, value: null, timestampMs: context.partitionTimeMs, headers: raw.headers, raw, error };
    }
  }
}

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
