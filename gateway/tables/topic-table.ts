/**
 * A compacted topic as a table in memory: read from its beginning, followed, and written.
 *
 * Invariant: `entries` holds what was read from the log and nothing else, and a write resolves once this table has read it back; so
 * whoever writes through a gateway sees the write there, and all gateways come to the same table.
 */
import type {
  Clock,
  Deserializer,
  FetchedBatch,
  Logger,
  LogProducer,
  LogReader,
  LogRecord,
} from '../../connectors/log.ts';
import { RetriableLogError } from '../../connectors/log.ts';

export interface TopicTableOptions<T> {
  readonly topic: string;
  readonly reader: LogReader;
  readonly producer: LogProducer;
  readonly value: Deserializer<T>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Longest wait for the table to be read, and for a write to come back, in milliseconds. */
  readonly timeoutMs: number;
}

const RESTART_PAUSE_MS = 500;
const text = new TextDecoder();

interface Waiting {
  readonly offset: number;
  readonly resolve: () => void;
}

export class TopicTable<T> {
  readonly #options: TopicTableOptions<T>;
  readonly #entries = new Map<string, T>();
  readonly #waiting = new Set<Waiting>();
  /** Offsets below this were read. */
  #position = 0;
  #end = Infinity;

  constructor(options: TopicTableOptions<T>) {
    this.#options = options;
  }

  /** By key. Rejects with `RetriableLogError` while the table was not read yet. */
  async entries(): Promise<ReadonlyMap<string, T>> {
    while (this.#position < this.#end) await this.#reached(this.#end);
    return this.#entries;
  }

  /** Null removes. Rejects when the log does not take it, or, with `RetriableLogError`, when it does not come back in time. */
  async write(key: string, value: Uint8Array | null): Promise<void> {
    const { producer, topic } = this.#options;
    const [at] = await producer.send([{ topic, partition: 0, key: Buffer.from(key), value }]);
    if (at !== undefined) await this.#reached(at.offset + 1);
  }

  /** Runs until the signal aborts; reads the topic again after a fault. Does not reject. */
  async follow(signal: AbortSignal): Promise<void> {
    const { reader, topic, clock, logger } = this.#options;
    const at = { topic, partition: 0 };
    let failing = false;
    while (!signal.aborted) {
      try {
        const { beginning, end } = await reader.range(at);
        this.#end = end;
        this.#position = Math.max(this.#position, beginning);
        this.#settle();
        failing = false;
        await reader.follow([{ ...at, offset: this.#position }], (batch) => this.#take(batch), signal);
      } catch (error) {
        if (!failing)
          logger.warn('reading a table from its topic failed; trying until it works', { topic, err: error });
        failing = true;
        // What was deleted meanwhile can only be told from the beginning.
        this.#entries.clear();
        this.#position = 0;
        this.#end = Infinity;
      }
      await clock.sleep(RESTART_PAUSE_MS, signal);
    }
  }

  async #take(batch: FetchedBatch): Promise<void> {
    await this.#options.value.prepare?.(batch.topic, batch.records);
    for (const record of batch.records) this.#apply(batch.topic, record);
    this.#position = batch.nextOffset;
    this.#settle();
  }

  #apply(topic: string, { key, value, headers, offset }: LogRecord): void {
    if (key === null) return;
    const name = text.decode(key);
    if (value === null) {
      this.#entries.delete(name);
      return;
    }
    try {
      this.#entries.set(name, this.#options.value.deserialize(topic, value, headers));
    } catch (error) {
      this.#options.logger.warn('a record of a table cannot be read and is passed over', { topic, offset, err: error });
    }
  }

  #settle(): void {
    for (const waiting of this.#waiting) {
      if (waiting.offset > this.#position) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  async #reached(offset: number): Promise<void> {
    if (this.#position >= offset) return;
    const { clock, topic, timeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const waiting: Waiting = { offset: offset === Infinity ? 0 : offset, resolve: () => resolve(undefined) };
    this.#waiting.add(waiting);
    const done = new AbortController();
    const late = clock.sleep(timeoutMs, done.signal).then(() => 'late' as const);
    try {
      if ((await Promise.race([promise, late])) !== 'late') return;
    } finally {
      this.#waiting.delete(waiting);
      done.abort('over');
    }
    throw new RetriableLogError('TABLE_NOT_READ', `The table of ${topic} was not read within ${timeoutMs} ms.`);
  }
}
