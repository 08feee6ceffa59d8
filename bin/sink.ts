/**
 * The sink: writes lifecycle events to MySQL.
 */
import { readSinkConfig } from '../connectors/config/processes.ts';
import { readKafkaConnection, readMysqlUrl, readRegistryConnection } from '../connectors/config/services.ts';
import { evenAssignor } from '../connectors/even-assignor.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { openMysql } from '../connectors/mysql/database.ts';
import { startHealthServer } from '../connectors/observability/health-server.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { PrometheusMetrics } from '../connectors/observability/prometheus-metrics.ts';
import { runProcess } from '../connectors/process.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../connectors/setup/set-up.ts';
import { untilAvailable } from '../connectors/setup/until-available.ts';
import { systemClock } from '../connectors/system-clock.ts';
import { lifecycleEventSchema } from '../schemas/avro.ts';
import { withBreaker } from '../sink/breaker.ts';
import { Sink } from '../sink/sink.ts';
import { topicNames } from '../topologies/topics.ts';

const SESSION_TIMEOUT_MS = 10_000;
const MAX_BATCH_RECORDS = 2_000;
const REGISTRY_WAIT_MS = 60_000;
/** For the batch in hand; a database or broker that is away must not hold the process up for longer. */
const STOP_TIMEOUT_MS = 20_000;

await runProcess('sink', async ({ environment, fail }) => {
  const config = readSinkConfig(environment);
  const logger = createLogger({ service: 'sink', level: config.logLevel });
  const metrics = new PrometheusMetrics({ processMetrics: true });
  const topics = topicNames(config.topicPrefix);
  const groupId = `${config.topicPrefix}alerts-sink`;
  const database = openMysql({ url: readMysqlUrl(environment) });
  const registry = new SchemaRegistryClient(readRegistryConnection(environment));
  const client = new KafkaLogClient({ ...readKafkaConnection(environment), clientId: groupId, logger });
  const deserializer = await untilAvailable(
    { waitMs: REGISTRY_WAIT_MS, clock: systemClock, say: (line) => logger.info(line), service: registry.url },
    () => registry.serdeFor(subjectOf(topics.alertEvents), lifecycleEventSchema),
  );
  const consumer = client.consumer({
    groupId,
    clientId: groupId,
    topics: [topics.alertEvents],
    assignor: evenAssignor,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  const sink = new Sink(
    {
      consumer,
      deserializer,
      logger,
      metrics,
      reader: client.reader(),
      deadLetters: client.plainProducer(),
      database: withBreaker(database, logger, metrics),
      clock: systemClock,
    },
    { applicationId: groupId, deadLetterTopic: topics.deadLetters, maxBatchRecords: MAX_BATCH_RECORDS },
  );
  const server = await startHealthServer({
    service: 'sink',
    host: config.host,
    port: config.port,
    ready: {
      writing: () => {
        if (!sink.status.ready) throw new Error(sink.status.reason);
      },
    },
    metrics: () => metrics.text(),
  });
  sink.run().catch((error: unknown) => {
    fail(`The sink stopped: ${error instanceof Error ? error.message : String(error)}`, { err: error });
  });
  logger.info('The sink is up', { url: server.url, topic: topics.alertEvents });
  return {
    logger,
    stop: async () => {
      await Promise.race([sink.stop(), systemClock.sleep(STOP_TIMEOUT_MS)]);
      await Promise.all([client.close(), server.close(), database.close()]);
    },
  };
});
