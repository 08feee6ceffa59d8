/**
 * One of the sinks of the process: a topic, the tables it goes to and a consumer group of its own.
 *
 * Invariant: sinks share the database and the connection to Kafka and nothing else, so that a fault in one topic does not hold the
 * others up.
 */
import { evenAssignor } from '../../connectors/even-assignor.ts';
import type { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { Logger, Metrics } from '../../connectors/log.ts';
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import type { SchemaRegistryClient } from '../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { untilAvailable } from '../../connectors/setup/until-available.ts';
import type { Tracing } from '../../connectors/tracing/tracing.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import type { RecordSchema } from '../../schemas/avro.ts';
import type { ApplyObserver, SinkTables } from '../../sink/ports.ts';
import { Sink } from '../../sink/sink.ts';
import { tracedDeadLetters } from '../../sink/traced-applies.ts';

export interface SinkParts {
  readonly client: KafkaLogClient;
  readonly registry: SchemaRegistryClient;
  readonly database: MysqlDatabase;
  readonly deadLetterTopic: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracing: Tracing | undefined;
}

export interface SinkFeed<T> {
  readonly topic: string;
  readonly groupId: string;
  readonly schema: RecordSchema<T>;
  readonly tables: SinkTables<T>;
  readonly observer?: ApplyObserver<T> | undefined;
  /** What its positions are called where another sink reads the same topic. */
  readonly positionName?: string;
}

const SESSION_TIMEOUT_MS = 10_000;
const MAX_BATCH_RECORDS = 2_000;
const REGISTRY_WAIT_MS = 60_000;

/** Does not run yet. Rejects when the registry stays away. */
export const createSink = async <T>(parts: SinkParts, feed: SinkFeed<T>): Promise<Sink<T>> => {
  const { client, registry, database, deadLetterTopic, logger, metrics, tracing } = parts;
  const { topic, groupId, schema, tables, observer, positionName } = feed;
  const deserializer = await untilAvailable(
    { waitMs: REGISTRY_WAIT_MS, clock: systemClock, say: (line) => logger.info(line), service: registry.url },
    () => registry.serdeFor(subjectOf(topic), schema),
  );
  const deadLetters = client.plainProducer();
  return new Sink(
    {
      consumer: client.consumer({
        groupId,
        clientId: groupId,
        topics: [topic],
        assignor: evenAssignor,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
      }),
      reader: client.reader(),
      deadLetters: tracing === undefined ? deadLetters : tracedDeadLetters(deadLetters, tracing),
      deserializer,
      database,
      clock: systemClock,
      logger,
      metrics,
      observer,
    },
    { applicationId: groupId, deadLetterTopic, maxBatchRecords: MAX_BATCH_RECORDS, positionName },
    tables,
  );
};
