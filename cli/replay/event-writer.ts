/**
 * Writes the events of a replay into a database, by the sink's own way of applying batches.
 *
 * Invariant: to the tables a replay is a log of its own: its positions stand in `sink_offsets` under a name that no topic can have, so
 * the live sink's positions are never touched and an unknown outcome of a commit is found out, not guessed. They are removed
 * at the end; what a killed replay leaves of them says nothing to anybody.
 */
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { lifecycleTables } from '../../sink/lifecycle-tables.ts';
import { PartitionWriter } from '../../sink/partition-writer.ts';
import type { SinkOptions, WriterPorts } from '../../sink/ports.ts';
import { readPosition } from '../../sink/positions.ts';
import { recoveryOf } from '../../streams/errors.ts';
import type { Clock, LogRecord, TopicPartition } from '../../streams/ports.ts';
import type { Deserializer } from '../../streams/serde.ts';
import { silentLogger, silentMetrics } from '../../streams/testing/silent.ts';

export interface EventWriterOptions {
  readonly database: MysqlDatabase;
  readonly deserializer: Deserializer<LifecycleEvent>;
  readonly clock: Clock;
  /** Distinguishes this replay from every other one that writes into the database. */
  readonly replayId: string;
  readonly alertEventsTopic: string;
  readonly signal: AbortSignal;
}

const MAX_BATCH_RECORDS = 2_000;
/** How long a database that is away or busy is waited for. */
const RETRY_FOR_MS = 120_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** No topic's name holds a colon. */
export const replayPositionName = (topic: string, replayId: string): string => `${topic}:replay:${replayId}`;

export class EventWriter {
  readonly #options: EventWriterOptions;
  readonly #ports: WriterPorts<LifecycleEvent>;
  readonly #settings: SinkOptions;
  readonly #name: string;
  readonly #partitions = new Map<number, WriterOfPartition>();
  #refused = 0;

  constructor(options: EventWriterOptions) {
    const { database, deserializer, clock, alertEventsTopic, replayId } = options;
    this.#options = options;
    this.#name = replayPositionName(alertEventsTopic, replayId);
    this.#settings = { applicationId: 'alerts-replay', deadLetterTopic: '', maxBatchRecords: MAX_BATCH_RECORDS };
    this.#ports = {
      ...{ database, deserializer, clock, metrics: silentMetrics, logger: silentLogger },
      // The live sink has put these there before.
      deadLetters: {
        send: async (records) => {
          this.#refused += records.length;
          return [];
        },
        close: async () => undefined,
      },
    };
  }

  /** Events that the tables do not take. */
  get refused(): number {
    return this.#refused;
  }

  /** Resolves once they are in the tables. Events of a partition must be written one call after the other. */
  async write(partition: number, events: readonly LogRecord[]): Promise<void> {
    if (events.length === 0) return;
    let writer = this.#partitions.get(partition);
    if (writer === undefined) {
      writer = new WriterOfPartition({ topic: this.#name, partition }, this.#ports, this.#settings, this.#options);
      this.#partitions.set(partition, writer);
    }
    await writer.write(events);
  }

  /** Removes the positions. */
  async close(): Promise<void> {
    if (this.#partitions.size > 0) {
      await this.#options.database.change('DELETE FROM sink_offsets WHERE topic = ?', [this.#name]);
    }
  }
}

class WriterOfPartition {
  readonly #at: TopicPartition;
  readonly #ports: WriterPorts<LifecycleEvent>;
  readonly #settings: SinkOptions;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #next = 0;
  #writer: PartitionWriter<LifecycleEvent> | undefined;

  constructor(
    at: TopicPartition,
    ports: WriterPorts<LifecycleEvent>,
    settings: SinkOptions,
    options: EventWriterOptions,
  ) {
    this.#at = at;
    this.#ports = ports;
    this.#settings = settings;
    this.#clock = options.clock;
    this.#signal = options.signal;
  }

  async write(events: readonly LogRecord[]): Promise<void> {
    const records = events.map((event, index) => ({ ...event, offset: this.#next + index }));
    this.#next += records.length;
    const batch = { ...this.#at, records, nextOffset: this.#next, endOffset: this.#next, logAppendTime: false };
    const deadlineMs = this.#clock.now() + RETRY_FOR_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
      try {
        this.#writer ??= await this.#positioned();
        await this.#writer.write([batch]);
        return;
      } catch (error) {
        // After a failure only the table knows how far it got.
        this.#writer = undefined;
        const over = this.#clock.now() >= deadlineMs || this.#signal.aborted;
        if (recoveryOf(error) !== 'retry' || over) throw error;
      }
      await this.#clock.sleep(pauseMs, this.#signal);
    }
  }

  async #positioned(): Promise<PartitionWriter<LifecycleEvent>> {
    const position = await readPosition(this.#ports.database, this.#at, 0);
    return new PartitionWriter(this.#at, position, this.#ports, this.#settings, lifecycleTables);
  }
}
