/**
 * One partition of a topic on its way into the tables.
 *
 * Invariant: `position` is what `sink_offsets` holds as far as this writer knows, and every record below it is in the tables or
 * in the dead letters. After a rejection the writer is finished: the position must be read again.
 */
import type { FetchedBatch, LogRecord, TopicPartition } from '../connectors/log.ts';
import { StreamsError } from '../connectors/log.ts';
import { DatabaseRowError } from '../connectors/mysql/errors.ts';
import { sendDeadLetters } from './dead-letters.ts';
import type { Progress } from './lag.ts';
import type { RejectedRecord } from './dead-letters.ts';
import type { AppliedEvent, SinkOptions, SinkTables, WriterPorts } from './ports.ts';

/** The event cannot be stored; the message says why. */
export class UnstorableEventError extends StreamsError {
  readonly recovery = 'skip-record';
}

export class PartitionWriter<T> {
  readonly #at: TopicPartition;
  readonly #ports: WriterPorts<T>;
  readonly #options: SinkOptions;
  readonly #tables: SinkTables<T>;
  #position: number;
  #readTo: number;
  #sinceMs: number;

  constructor(
    at: TopicPartition,
    position: number,
    ports: WriterPorts<T>,
    options: SinkOptions,
    tables: SinkTables<T>,
  ) {
    this.#at = at;
    this.#position = position;
    this.#readTo = position;
    this.#sinceMs = ports.clock.now();
    this.#ports = ports;
    this.#options = options;
    this.#tables = tables;
  }

  get position(): number {
    return this.#position;
  }

  /**
   * Applies batches that follow the position. Rejects with errors of recovery `retry` (outage, another sink) and `stop`.
   */
  async write(batches: readonly FetchedBatch[]): Promise<void> {
    const last = batches.at(-1);
    if (last === undefined) return;
    const records = batches.flatMap((batch) => batch.records).filter(({ offset }) => offset >= this.#position);
    await this.#ports.deserializer.prepare?.(this.#at.topic, records);
    const { maxBatchRecords } = this.#options;
    for (let from = 0; from < records.length; from += maxBatchRecords) {
      const following = records[from + maxBatchRecords];
      await this.#store(records.slice(from, from + maxBatchRecords), following?.offset ?? last.nextOffset);
    }
    this.#readTo = last.nextOffset;
    this.#sinceMs = records.at(-1)?.timestampMs ?? this.#sinceMs;
  }

  get progress(): Progress {
    return { at: this.#at, readTo: this.#readTo, sinceMs: this.#sinceMs };
  }

  async #store(records: readonly LogRecord[], next: number): Promise<void> {
    const readable: AppliedEvent<T>[] = [];
    const rejected: RejectedRecord[] = [];
    for (const record of records) {
      const read = this.#read(record);
      if ('event' in read) readable.push(read);
      else rejected.push(read);
    }
    if (rejected.length > 0) await sendDeadLetters(this.#ports, this.#options, this.#at, rejected);
    await this.#apply(readable, next);
  }

  #read(record: LogRecord): AppliedEvent<T> | RejectedRecord {
    let event: T;
    try {
      event = this.#ports.deserializer.deserialize(this.#at.topic, record.value, record.headers);
    } catch (cause) {
      const error =
        cause instanceof StreamsError ? cause : new UnstorableEventError('UNREADABLE', String(cause), { cause });
      return { record, stage: 'deserialization', error };
    }
    const problem = this.#tables.problemWith(event);
    if (problem === undefined) return { record, event };
    const message = `The event ${this.#tables.nameOf(event).slice(0, 100)} cannot be stored: ${problem}.`;
    return { record, stage: 'sink', error: new UnstorableEventError('UNSTORABLE_EVENT', message) };
  }

  /** Halves what the database refuses until the event that it refuses stands alone; everything else is stored, in order. */
  async #apply(entries: readonly AppliedEvent<T>[], next: number): Promise<void> {
    try {
      await this.#commit(entries, next);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseRowError) || entries.length === 0) throw error;
      const [only] = entries;
      if (entries.length === 1 && only !== undefined) {
        await sendDeadLetters(this.#ports, this.#options, this.#at, [{ record: only.record, stage: 'sink', error }]);
        await this.#commit([], next);
        return;
      }
    }
    const middle = entries.length >> 1;
    const second = entries.slice(middle);
    await this.#apply(entries.slice(0, middle), second[0]?.record.offset ?? next);
    await this.#apply(second, next);
  }

  async #commit(entries: readonly AppliedEvent<T>[], next: number): Promise<void> {
    const { clock, database, logger, observer } = this.#ports;
    const startMs = clock.now();
    const expected = this.#position;
    const events = entries.map(({ event }) => event);
    const offsets = entries.map(({ record }) => record.offset);
    const topic = this.#options.positionName ?? this.#at.topic;
    const position = { topic, partition: this.#at.partition, expected, next };
    const rows = await this.#tables.apply(database, events, position, offsets);
    this.#position = next;
    observer?.applied(this.#at, entries, startMs);
    const durationMs = clock.now() - startMs;
    this.#measure(rows, entries.length, durationMs);
    logger.debug('batch applied', {
      ...this.#at,
      fromOffset: expected,
      nextOffset: next,
      records: entries.length,
      rows,
      durationMs,
    });
  }

  #measure(rows: Readonly<Record<string, number>>, records: number, durationMs: number): void {
    const { metrics } = this.#ports;
    metrics.histogram('sink_apply_duration_ms').record(durationMs);
    metrics.counter('sink_batches_total').add(1);
    metrics.counter('sink_events_total').add(records);
    for (const [table, count] of Object.entries(rows)) metrics.counter('sink_rows_total', { table }).add(count);
    metrics.gauge('sink_batch_records').set(records);
  }
}
