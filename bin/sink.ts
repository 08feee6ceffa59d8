/**
 * The sink: writes what the processor decided to MySQL, a sink for each topic.
 */
import { type ApplicationName, readSinkConfig } from '../connectors/config/processes.ts';
import { readKafkaConnection, readMysqlUrl, readRegistryConnection } from '../connectors/config/services.ts';
import { tracingOf } from '../connectors/config/tracing.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { openMysql } from '../connectors/mysql/database.ts';
import { startHealthServer } from '../connectors/observability/health-server.ts';
import { helpOf } from '../connectors/observability/metric-catalogue.ts';
import { createLogger, standardOutput } from '../connectors/observability/pino-logger.ts';
import { PrometheusMetrics } from '../connectors/observability/prometheus-metrics.ts';
import { resourceChecks } from '../connectors/observability/resource-checks.ts';
import { databaseCheck, kafkaCheck } from '../connectors/observability/service-checks.ts';
import { runProcess } from '../connectors/process.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { systemClock } from '../connectors/system-clock.ts';
import { lifecycleEventSchema } from '../schemas/avro.ts';
import { withBreaker } from '../sink/breaker.ts';
import { lifecycleTables } from '../sink/lifecycle-tables.ts';
import { topicNames } from '../topologies/topics.ts';
import { createSink } from './sinks/create-sink.ts';
import { createIncidentSink } from './sinks/incident-sink.ts';
import { createLogSinks } from './sinks/log-sinks.ts';
import { lifecycleObserver } from './sinks/lifecycle-observer.ts';
import { observeSinks } from './sinks/measurements.ts';

/** For the batches in hand; a database or broker that is away must not hold the process up for longer. */
const STOP_TIMEOUT_MS = 20_000;

await runProcess('sink', async ({ environment, fail }) => {
  const config = readSinkConfig(environment);
  const destination = standardOutput();
  const logger = createLogger({ service: 'sink', level: config.logLevel, destination });
  const tracing = await tracingOf(environment, 'sink');
  const metrics = new PrometheusMetrics({ processMetrics: true, help: helpOf });
  const { topicPrefix: prefix } = config;
  const topics = topicNames(prefix);
  const alertsGroup = `${prefix}alerts-sink`;
  const database = openMysql({ url: readMysqlUrl(environment), metrics });
  const registry = new SchemaRegistryClient(readRegistryConnection(environment));
  const client = new KafkaLogClient({ ...readKafkaConnection(environment), clientId: alertsGroup, logger });
  const parts = {
    ...{ client, registry, logger, metrics, tracing, deadLetterTopic: topics.deadLetters },
    database: withBreaker(database, logger, metrics),
  };
  const runs = (name: ApplicationName): boolean => config.applications.includes(name);
  const alertSinks = async () => [
    await createSink(parts, {
      topic: topics.alertEvents,
      groupId: alertsGroup,
      schema: lifecycleEventSchema,
      tables: lifecycleTables,
      observer: lifecycleObserver({ config, tracing, write: (lines) => destination.write(lines) }),
    }),
  ];
  const sinks = [
    ...(runs('alerts') ? await alertSinks() : []),
    ...(runs('log-alerting') ? await createLogSinks(parts, prefix) : []),
    ...(runs('incidents') ? [await createIncidentSink(parts, prefix)] : []),
  ];
  observeSinks(metrics, { sinks, database, reader: client.reader(), deadLetterTopic: topics.deadLetters, logger });
  const server = await startHealthServer({
    service: 'sink',
    host: config.host,
    port: config.port,
    ready: {
      writing: () => {
        const waiting = sinks.find(({ status }) => !status.ready);
        if (waiting !== undefined) throw new Error(waiting.status.reason);
      },
      kafka: kafkaCheck(client.admin(), topics.alertEvents),
      database: databaseCheck(database),
    },
    watched: { registry: () => registry.ping(), ...resourceChecks(config) },
    metrics: () => metrics.text(),
  });
  for (const sink of sinks) {
    sink.run().catch((error: unknown) => {
      fail(`The sink stopped: ${error instanceof Error ? error.message : String(error)}`, { err: error });
    });
  }
  logger.info('The sink is up', { url: server.url, applications: config.applications });
  return {
    logger,
    stop: async () => {
      await Promise.race([Promise.all(sinks.map((sink) => sink.stop())), systemClock.sleep(STOP_TIMEOUT_MS)]);
      await Promise.all([client.close(), server.close(), database.close(), tracing?.close()]);
    },
  };
});
