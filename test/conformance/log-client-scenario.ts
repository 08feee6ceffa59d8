/**
 * What the log conformance tests stand on: the harness that an implementation provides, and one scenario's own topics,
 * clients and helpers.
 *
 * Invariant: a scenario only relies on what the port promises. It waits in bounded loops for what a real broker does a moment
 * later, and leaves nothing running behind.
 */
import { test } from 'vitest';
import type {
  Clock,
  FetchedBatch,
  LogClient,
  LogRecord,
  TopicPartition,
  TopicSpec,
  TransactionalProducer,
} from '../../streams/ports.ts';

export interface OpenTransaction {
  readonly transactionalId: string;
  readonly partition: TopicPartition;
  readonly values: readonly string[];
  /** Offsets of a group that are part of the transaction. */
  readonly offsets?: { readonly groupId: string; readonly positions: readonly PartitionOffset[] };
}

export type PartitionOffset = TopicPartition & { readonly offset: number };

export interface LogHarness {
  /** The clock that the log lives by. */
  readonly clock: Clock;
  /** One process's client. The suite closes it. */
  client(clientId: string): LogClient;
  createTopic(spec: TopicSpec): Promise<void>;
  /** A name that nobody else uses on this log. */
  uniqueName(prefix: string): string;
  /** Runs a whole test; where time is virtual, this is what moves it. On a real log: `(work) => work()`. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Deletes the partition's records before the offset. */
  deleteRecordsBefore(partition: TopicPartition, offset: number): Promise<void>;
  /** Compacts the partition, or leaves that to a broker that does it by itself soon. */
  compact(partition: TopicPartition): Promise<void>;
  /**
   * Sends a transaction's records and offsets and never ends it, as a process does that dies just before its commit. The
   * transaction must stay open for a minute, unless a producer with the same id is initialised.
   */
  openTransaction(transaction: OpenTransaction): Promise<void>;
  close(): Promise<void>;
}

/** Bounds every wait for something that a broker does a moment later. */
const DEADLINE_MS = 40_000;
const RETRY_MS = 50;
const TEST_TIMEOUT_MS = 60_000;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null): string | null => value && new TextDecoder().decode(value);
export const valuesOf = (records: readonly LogRecord[]): (string | null)[] => records.map(({ value }) => text(value));

export class LogScenario {
  readonly harness: LogHarness;
  readonly #clients: LogClient[] = [];

  constructor(harness: LogHarness) {
    this.harness = harness;
  }

  get clock(): Clock {
    return this.harness.clock;
  }

  client(name = 'client'): LogClient {
    const client = this.harness.client(this.harness.uniqueName(name));
    this.#clients.push(client);
    return client;
  }

  async topic(partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = this.harness.uniqueName('topic');
    await this.harness.createTopic({ name, partitions, config });
    return name;
  }

  /** The only partition of a topic of its own. */
  async partition(config?: Readonly<Record<string, string>>): Promise<TopicPartition> {
    return { topic: await this.topic(1, config), partition: 0 };
  }

  async producer(transactionalId = this.harness.uniqueName('producer')): Promise<TransactionalProducer> {
    const producer = this.client().producer(transactionalId);
    await producer.init();
    return producer;
  }

  /** Writes values outside of transactions. Returns the offset after the last one. */
  async write({ topic, partition }: TopicPartition, values: readonly string[]): Promise<number> {
    const producer = this.client().plainProducer();
    const sent = await producer.send(
      values.map((value) => ({ topic, partition, key: bytes(value), value: bytes(value) })),
    );
    await producer.close();
    return (sent.at(-1)?.offset ?? -1) + 1;
  }

  /** Reads `[from, until)`. */
  async read(
    partition: TopicPartition,
    until: number,
    from = 0,
  ): Promise<{ records: LogRecord[]; batches: FetchedBatch[]; position: number }> {
    const reader = this.client().reader();
    const batches: FetchedBatch[] = [];
    const position = await reader.read(partition, from, until, (batch) => void batches.push(batch));
    await reader.close();
    return { records: batches.flatMap(({ records }) => records), batches, position };
  }

  /** The committed values in the partition, once its last stable offset has reached `until`. */
  async values(partition: TopicPartition, until: number): Promise<(string | null)[]> {
    return valuesOf((await this.read(partition, until)).records);
  }

  async end(partition: TopicPartition): Promise<number> {
    const reader = this.client().reader();
    const { end } = await reader.range(partition);
    await reader.close();
    return end;
  }

  /** Asks until the answer satisfies the condition; fails with the last answer past the deadline. */
  async eventually<T>(ask: () => T | Promise<T>, condition: (answer: T) => boolean): Promise<T> {
    const deadlineMs = this.clock.now() + DEADLINE_MS;
    for (;;) {
      const answer = await ask();
      if (condition(answer)) return answer;
      if (this.clock.now() > deadlineMs)
        throw new Error(`Still not so after ${DEADLINE_MS} ms: ${JSON.stringify(answer)}`);
      await this.clock.sleep(RETRY_MS);
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
  }
}

/** Declares a test that runs with a scenario of its own on the harness. */
export const scenario = (name: string, harness: () => LogHarness, body: (log: LogScenario) => Promise<void>): void => {
  test(name, { timeout: TEST_TIMEOUT_MS }, () =>
    harness().run(async () => {
      const log = new LogScenario(harness());
      try {
        await body(log);
      } finally {
        await log.close();
      }
    }),
  );
};

export type DeclareScenario = (name: string, body: (log: LogScenario) => Promise<void>) => void;
