/**
 * Everything the sink needs from the world, as one bundle, and its settings.
 *
 * Invariant: the sink reaches the log, the database, the clock, metrics and logs only through these.
 */
import type {
  Clock,
  Deserializer,
  GroupConsumer,
  Logger,
  LogProducer,
  LogReader,
  LogRecord,
  Metrics,
  TopicPartition,
} from '../connectors/log.ts';
import type { MysqlDatabase } from '../connectors/mysql/database.ts';
import type { PositionChange } from './positions.ts';

export interface SinkPorts<T> {
  /** A member of the sink's group, subscribed to one topic. */
  readonly consumer: GroupConsumer;
  readonly reader: LogReader;
  readonly deadLetters: LogProducer;
  readonly deserializer: Deserializer<T>;
  readonly database: MysqlDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: nobody is told what was applied. */
  readonly observer?: ApplyObserver<T> | undefined;
}

export interface AppliedEvent<T> {
  readonly record: LogRecord;
  readonly event: T;
}

/** Hears of events once they are in the tables. Must not throw. */
export interface ApplyObserver<T> {
  /** After the transaction of these events is committed; `startMs`: when it began, in UTC epoch milliseconds. */
  applied(at: TopicPartition, events: readonly AppliedEvent<T>[], startMs: number): void;
}

/** What applying events to the tables takes, wherever the events come from. */
export type WriterPorts<T> = Omit<SinkPorts<T>, 'consumer' | 'reader'>;

/** The tables that the records of one topic go to. */
export interface SinkTables<T> {
  /** Names a record in messages. */
  nameOf(event: T): string;
  /** What makes it impossible to store, in words that follow "… cannot be stored: "; undefined when nothing does. */
  problemWith(event: T): string | undefined;
  /**
   * Applies events and position in one transaction (see `claimPosition`) and resolves with the rows it sent to each table.
   * `offsets`: where each event stands in its partition. Rejects as `MysqlDatabase.transaction` does, or with `PositionMovedError`.
   */
  apply(
    database: MysqlDatabase,
    events: readonly T[],
    position: PositionChange,
    offsets: readonly number[],
  ): Promise<Readonly<Record<string, number>>>;
}

export interface SinkOptions {
  /** Named in dead letters. */
  readonly applicationId: string;
  readonly deadLetterTopic: string;
  /** Records in one transaction at most. */
  readonly maxBatchRecords: number;
  /** What its positions are called where another sink reads the same topic; undefined: as the topic. */
  readonly positionName?: string | undefined;
}
