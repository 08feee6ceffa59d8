/**
 * The notifier: queues what committed incident events have to say, and tells it to the channels.
 */
import { randomUUID } from 'node:crypto';
import { type NotifierConfig, readNotifierConfig } from '../connectors/config/notifier.ts';
import { readKafkaConnection, readMysqlUrl, readRegistryConnection } from '../connectors/config/services.ts';
import { tracingOf } from '../connectors/config/tracing.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import type { Logger } from '../connectors/log.ts';
import { type MysqlPool, openMysql } from '../connectors/mysql/database.ts';
import { addressPolicy } from '../connectors/notifications/address-policy.ts';
import { createSenders } from '../connectors/notifications/senders.ts';
import { measuredInBackground } from '../connectors/observability/background-measurement.ts';
import { startHealthServer } from '../connectors/observability/health-server.ts';
import { helpOf } from '../connectors/observability/metric-catalogue.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { poolMeasurements, processMeasurements } from '../connectors/observability/process-metrics.ts';
import { PrometheusMetrics } from '../connectors/observability/prometheus-metrics.ts';
import { resourceChecks } from '../connectors/observability/resource-checks.ts';
import { databaseCheck, kafkaCheck } from '../connectors/observability/service-checks.ts';
import { runProcess } from '../connectors/process.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { systemClock } from '../connectors/system-clock.ts';
import { DEFAULT_GUARD } from '../notifications/channel-guard.ts';
import { ChannelStore } from '../notifications/channel-store.ts';
import { DEFAULT_RETRY } from '../notifications/delivery.ts';
import { Dispatcher } from '../notifications/dispatcher.ts';
import { NotificationStore } from '../notifications/notification-store.ts';
import { queueTables } from '../notifications/queue-tables.ts';
import { incidentEventSchema } from '../schemas/avro.ts';
import type { IncidentEvent } from '../schemas/incident-event.ts';
import { withBreaker } from '../sink/breaker.ts';
import type { Sink } from '../sink/sink.ts';
import { incidentTopicNames } from '../topologies/incident-topics.ts';
import { topicNames } from '../topologies/topics.ts';
import { createSink } from './sinks/create-sink.ts';

/** For what is in hand; receivers that hang must not hold the process up for longer. */
const STOP_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 200;
const MAX_IN_FLIGHT = 256;
const KEEP_MS = 30 * 86_400_000;
const LAG_INTERVAL_MS = 2_000;

interface DispatcherParts {
  readonly config: NotifierConfig;
  readonly database: MysqlPool;
  readonly logger: Logger;
  readonly metrics: PrometheusMetrics;
}

const createDispatcher = ({ config, database, logger, metrics }: DispatcherParts): Dispatcher => {
  const { allowedNetworks, timeoutMs, maxAttempts, smtpUrl, smtpFrom, pagerdutyUrl } = config;
  const mayReach = addressPolicy(allowedNetworks) ?? (() => false);
  const senders = createSenders({
    ...{ mayReach, pagerdutyUrl, smtpUrl, timeoutMs, from: smtpFrom },
    now: () => systemClock.now(),
  });
  return new Dispatcher(
    {
      ...{ senders, logger, metrics, clock: systemClock, random: Math.random, newClaim: randomUUID },
      channels: new ChannelStore(database),
      queue: new NotificationStore(database),
    },
    {
      guard: { ...DEFAULT_GUARD, timeoutMs },
      retry: { ...DEFAULT_RETRY, maxAttempts },
      ...{ pollIntervalMs: POLL_INTERVAL_MS, maxInFlight: MAX_IN_FLIGHT, keepMs: KEEP_MS },
    },
  );
};

const observe = (
  { database, logger, metrics }: DispatcherParts,
  sink: Sink<IncidentEvent>,
  dispatcher: Dispatcher,
): void => {
  const inBackground = { clock: systemClock, logger, intervalMs: LAG_INTERVAL_MS };
  const queue = new NotificationStore(database);
  metrics.observe(processMeasurements);
  metrics.observe(() => poolMeasurements(database.poolUse()));
  metrics.observe(() => [...sink.measurements(), ...dispatcher.measurements()]);
  metrics.observe(measuredInBackground({ ...inBackground, what: 'lag', ask: () => sink.measureLag() }));
  metrics.observe(measuredInBackground({ ...inBackground, what: 'queue', ask: () => queue.measureWaiting() }));
};

await runProcess('notifier', async ({ environment, fail }) => {
  const config = readNotifierConfig(environment);
  const logger = createLogger({ service: 'notifier', level: config.logLevel });
  const tracing = await tracingOf(environment, 'notifier');
  const metrics = new PrometheusMetrics({ processMetrics: true, help: helpOf });
  const topic = incidentTopicNames(config.topicPrefix).incidentEvents;
  const groupId = `${config.topicPrefix}notifier`;
  const database = openMysql({ url: readMysqlUrl(environment), metrics });
  const registry = new SchemaRegistryClient(readRegistryConnection(environment));
  const client = new KafkaLogClient({ ...readKafkaConnection(environment), clientId: groupId, logger });
  const parts = { config, database, logger, metrics };
  const dispatcher = createDispatcher(parts);
  const deadLetterTopic = topicNames(config.topicPrefix).deadLetters;
  const sink = await createSink(
    { client, registry, logger, metrics, tracing, deadLetterTopic, database: withBreaker(database, logger, metrics) },
    {
      ...{ topic, groupId, schema: incidentEventSchema, tables: queueTables(() => systemClock.now()) },
      // No topic has a name with a slash.
      positionName: `notifier/${topic}`,
      observer: { applied: () => dispatcher.wake() },
    },
  );
  observe(parts, sink, dispatcher);
  const server = await startHealthServer({
    ...{ service: 'notifier', host: config.host, port: config.port },
    ready: {
      queueing: () => {
        if (!sink.status.ready) throw new Error(sink.status.reason);
      },
      kafka: kafkaCheck(client.admin(), topic),
      database: databaseCheck(database),
    },
    watched: { registry: () => registry.ping(), ...resourceChecks(config) },
    metrics: () => metrics.text(),
  });
  const stopped = (error: unknown): void =>
    fail(`The notifier stopped: ${error instanceof Error ? error.message : String(error)}`, { err: error });
  sink.run().catch(stopped);
  const dispatching = dispatcher.run().catch(stopped);
  logger.info('The notifier is up', { url: server.url, allowedNetworks: config.allowedNetworks });
  return {
    logger,
    stop: async () => {
      dispatcher.stop();
      await Promise.race([Promise.all([sink.stop(), dispatching]), systemClock.sleep(STOP_TIMEOUT_MS)]);
      await Promise.all([client.close(), server.close(), database.close(), tracing?.close()]);
    },
  };
});
