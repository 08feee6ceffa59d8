/**
 * Sinks on an in-memory log and the real database, for tests of the loop.
 */
import { expect, vi } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { Deserializer, LogProducer } from '../../../connectors/log.ts';
import { evenAssignor } from '../../../connectors/even-assignor.ts';
import type { MysqlDatabase } from '../../../connectors/mysql/database.ts';
import { openMysql } from '../../../connectors/mysql/database.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { withBreaker } from '../../../sink/breaker.ts';
import { lifecycleTables } from '../../../sink/lifecycle-tables.ts';
import type { SinkOptions, SinkPorts } from '../../../sink/ports.ts';
import { Sink } from '../../../sink/sink.ts';
import type { InMemoryClient } from '../../../streams/testing/in-memory-client.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';

export const TOPIC = 'alert-events';
export const DEAD_LETTERS = 'dead-letters';

const utf8 = new TextEncoder();

/** Events as JSON text: the tests of the serdes are elsewhere. */
export const encodeEvent = (event: LifecycleEvent): Uint8Array => utf8.encode(JSON.stringify(event));

const jsonEvents: Deserializer<LifecycleEvent> = {
  deserialize: (_topic, data) => JSON.parse(new TextDecoder().decode(data ?? new Uint8Array())) as LifecycleEvent,
};

export const newLog = (partitions = 2): InMemoryLog => {
  const log = new InMemoryLog({ clock: systemClock, rebalanceTimeoutMs: 5_000, fetchMaxRecords: 50 });
  log.createTopics([
    { name: TOPIC, partitions, config: {} },
    { name: DEAD_LETTERS, partitions: 1, config: {} },
  ]);
  return log;
};

export const append = async (log: InMemoryLog, partition: number, values: readonly Uint8Array[]): Promise<void> => {
  const key = utf8.encode('driver');
  await log
    .client('writer')
    .plainProducer()
    .send(values.map((value) => ({ topic: TOPIC, partition, key, value })));
};

export interface HarnessOptions {
  readonly url: string;
  readonly maxBatchRecords?: number;
  readonly statementTimeoutMs?: number;
  /** A group of its own makes a sink that knows nothing of the others: a zombie. */
  readonly groupId?: string;
  readonly wrapDeadLetters?: (producer: LogProducer) => LogProducer;
}

/** A sink that runs, as one process would have it. */
export class RunningSink {
  readonly sink: Sink<LifecycleEvent>;
  readonly done: Promise<void>;
  readonly client: InMemoryClient;
  readonly #database: MysqlDatabase;

  constructor(log: InMemoryLog, options: HarnessOptions) {
    const { url, statementTimeoutMs = 2_000, maxBatchRecords = 10, groupId = 'alerts-sink' } = options;
    this.client = log.client('sink');
    this.#database = openMysql({ url, statementTimeoutMs, connectTimeoutMs: 1_000, connectionLimit: 4 });
    const consumer = this.client.consumer({
      groupId,
      clientId: 'sink',
      topics: [TOPIC],
      assignor: evenAssignor,
      sessionTimeoutMs: 10_000,
    });
    const deadLetters = this.client.plainProducer();
    const ports: SinkPorts<LifecycleEvent> = {
      consumer,
      reader: this.client.reader(),
      deadLetters: options.wrapDeadLetters?.(deadLetters) ?? deadLetters,
      deserializer: jsonEvents,
      database: withBreaker(this.#database, silentLogger, silentMetrics, {
        failures: 3,
        initialDelayMs: 50,
        maxDelayMs: 400,
      }),
      clock: systemClock,
      logger: silentLogger,
      metrics: silentMetrics,
    };
    const settings: SinkOptions = { applicationId: 'alerts-sink', deadLetterTopic: DEAD_LETTERS, maxBatchRecords };
    this.sink = new Sink(ports, settings, lifecycleTables);
    this.done = this.sink.run();
    // Tests await `done` themselves where it may reject.
    this.done.catch(() => undefined);
  }

  async stop(): Promise<void> {
    await this.sink.stop();
    await this.#database.close();
  }
}

/** Waits for what other work brings about. */
export const eventually = async (assertion: () => unknown, timeoutMs = 20_000): Promise<void> => {
  await vi.waitFor(assertion, { timeout: timeoutMs, interval: 25 });
};

export const eventuallyEqual = async <T>(read: () => Promise<T>, expected: T, timeoutMs?: number): Promise<void> => {
  await eventually(async () => expect(await read()).toEqual(expected), timeoutMs);
};
