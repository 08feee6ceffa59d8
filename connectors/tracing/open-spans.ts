/**
 * The spans of records that a stream thread has taken and not committed.
 *
 * Invariant: bounded: beyond the limit records are processed without a span. A span ends with the transaction that its record's
 * position is committed in, well or not; one whose record goes elsewhere is forgotten.
 */
import type { FetchedBatch, InputPosition, LogRecord, TopicPartition } from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';
import { carrierOf, isSampled, withCarrier } from './trace-headers.ts';
import type { Tracing, TraceSpan } from './tracing.ts';

const MAX_OPEN_SPANS = 10_000;

export class OpenSpans {
  readonly #tracing: Tracing;
  /** By partition, then by offset, in rising order. */
  readonly #open = new Map<string, Map<number, TraceSpan>>();
  #size = 0;

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** The batch with its sampled records under spans of their own. */
  take(batch: FetchedBatch): FetchedBatch {
    if (!batch.records.some(({ headers }) => headers !== undefined)) return batch;
    return { ...batch, records: batch.records.map((record) => this.#takeRecord(batch, record)) };
  }

  #takeRecord({ topic, partition }: FetchedBatch, record: LogRecord): LogRecord {
    const parent = carrierOf(record.headers);
    if (parent === undefined || !isSampled(parent) || this.#size >= MAX_OPEN_SPANS) return record;
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': record.offset,
    };
    const span = this.#tracing.start(`process ${topic}`, 'consumer', parent, { attributes });
    const key = topicPartitionKey({ topic, partition });
    const ofPartition = this.#open.get(key) ?? new Map<number, TraceSpan>();
    this.#open.set(key, ofPartition);
    if (!ofPartition.has(record.offset)) this.#size += 1;
    ofPartition.set(record.offset, span);
    return { ...record, headers: withCarrier(record.headers ?? [], span.carrier) };
  }

  /** Ends the spans of all records below the positions; with a reason when their transaction did not commit. */
  settle(positions: readonly InputPosition[], failure?: { readonly error: unknown }): void {
    for (const position of positions) {
      const ofPartition = this.#open.get(topicPartitionKey(position));
      if (ofPartition === undefined) continue;
      for (const [offset, span] of ofPartition) {
        if (offset >= position.offset) continue;
        if (failure !== undefined) span.fail(failure.error);
        span.end();
        ofPartition.delete(offset);
        this.#size -= 1;
      }
    }
  }

  /** The partition's records will be read again, here or elsewhere. */
  forget(partition: TopicPartition): void {
    const key = topicPartitionKey(partition);
    this.#size -= this.#open.get(key)?.size ?? 0;
    this.#open.delete(key);
  }

  /** Forgets every partition but these. */
  keep(partitions: readonly TopicPartition[]): void {
    const kept = new Set(partitions.map(topicPartitionKey));
    for (const [key, { size }] of this.#open) {
      if (kept.has(key)) continue;
      this.#size -= size;
      this.#open.delete(key);
    }
  }

  get size(): number {
    return this.#size;
  }
}
