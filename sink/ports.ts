/**
 * Everything the sink needs from the world, as one bundle, and its settings.
 *
 * Invariant: the sink reaches the log, the database, the clock, metrics and logs only through these.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { Clock, Deserializer, GroupConsumer, Logger, LogProducer, LogReader, Metrics } from '../connectors/log.ts';
import type { MysqlDatabase } from '../connectors/mysql/database.ts';

export interface SinkPorts {
  /** A member of the sink's group, subscribed to the topic of lifecycle events. */
  readonly consumer: GroupConsumer;
  readonly reader: LogReader;
  readonly deadLetters: LogProducer;
  readonly deserializer: Deserializer<LifecycleEvent>;
  readonly database: MysqlDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What applying events to the tables takes, wherever the events come from. */
export type WriterPorts = Omit<SinkPorts, 'consumer' | 'reader'>;

export interface SinkOptions {
  /** Named in dead letters. */
  readonly applicationId: string;
  readonly deadLetterTopic: string;
  /** Records in one transaction at most. */
  readonly maxBatchRecords: number;
}
