/**
 * The gateway: HTTP in front of the log and the read model.
 */
import { randomFillSync, randomUUID } from 'node:crypto';
import { readKafkaConnection, readMysqlUrl, readRegistryConnection } from '../connectors/config/services.ts';
import { tracingOf } from '../connectors/config/tracing.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { openMysql } from '../connectors/mysql/database.ts';
import { helpOf } from '../connectors/observability/metric-catalogue.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { poolMeasurements, processMeasurements } from '../connectors/observability/process-metrics.ts';
import { PrometheusMetrics } from '../connectors/observability/prometheus-metrics.ts';
import { resourceChecks } from '../connectors/observability/resource-checks.ts';
import { runProcess } from '../connectors/process.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../connectors/setup/set-up.ts';
import { untilAvailable } from '../connectors/setup/until-available.ts';
import { systemClock } from '../connectors/system-clock.ts';
import { isLoopback, readGatewayConfig } from '../gateway/config.ts';
import { ProducedPlaces } from '../gateway/drivers/produced-places.ts';
import { createGateway, idempotencyLeaseMs } from '../gateway/gateway.ts';
import { MysqlIdempotencyStore } from '../gateway/idempotency/mysql-idempotency-store.ts';
import { runGateway } from '../gateway/run-gateway.ts';
import { lifecycleEventSchema, rawAlertSchema } from '../schemas/avro.ts';
import { openReadModel } from '../sink/read-model.ts';
import { topicNames } from '../topologies/topics.ts';
import { allGatewayParts } from './gateway-parts/all-parts.ts';

const REGISTRY_WAIT_MS = 60_000;
/** What a request waits for must end before the request does. */
const CALL_TIMEOUT_MS = 2_000;

await runProcess('gateway', async ({ environment }) => {
  const config = readGatewayConfig(environment);
  const logger = createLogger({ service: 'gateway', level: config.logLevel });
  if (!isLoopback(config.host) && config.apiKeys.length === 0) {
    logger.warn('Anybody who reaches this host can send alerts; set GATEWAY_API_KEYS', { host: config.host });
  }
  const metrics = new PrometheusMetrics({ processMetrics: true, help: helpOf });
  const tracing = await tracingOf(environment, 'gateway');
  const names = topicNames(config.topicPrefix);
  const registry = new SchemaRegistryClient({ ...readRegistryConnection(environment), timeoutMs: CALL_TIMEOUT_MS });
  const say = (line: string): void => logger.info(line);
  const waiting = { service: registry.url, waitMs: REGISTRY_WAIT_MS, clock: systemClock, say };
  const [alerts, events] = await untilAvailable(waiting, () =>
    Promise.all([
      registry.serdeFor(subjectOf(names.rawAlerts), rawAlertSchema),
      registry.serdeFor(subjectOf(names.alertEvents), lifecycleEventSchema),
    ]),
  );
  const kafka = new KafkaLogClient({
    ...readKafkaConnection(environment),
    clientId: 'gateway',
    logger,
    sendTimeoutMs: config.produceTimeoutMs,
    faultTimeoutMs: CALL_TIMEOUT_MS,
  });
  const database = openMysql({
    url: readMysqlUrl(environment),
    connectTimeoutMs: CALL_TIMEOUT_MS,
    statementTimeoutMs: CALL_TIMEOUT_MS,
    metrics,
  });
  const idempotencyStore = new MysqlIdempotencyStore({
    sql: database,
    leaseMs: idempotencyLeaseMs(config),
    keepMs: config.idempotencyKeepMs,
    newAttempt: randomUUID,
  });
  metrics.observe(processMeasurements);
  metrics.observe(() => poolMeasurements(database.poolUse()));
  const alertPlaces = new ProducedPlaces(kafka.plainProducer(), names.rawAlerts);
  const shared = {
    ...{ idempotencyStore, logger, metrics, clock: systemClock, random: randomFillSync },
    ...{ producer: alertPlaces, admin: kafka.admin(), readModel: openReadModel(database) },
  };
  const partOptions = { ...shared, alertPlaces, config, kafka, registry, database };
  const parts = await untilAvailable(waiting, () => allGatewayParts(partOptions));
  const gateway = await createGateway(
    config,
    { alerts: names.rawAlerts, events: names.alertEvents },
    {
      ...{ ...shared, alerts, events, parts },
      reader: kafka.reader(),
      checks: { registry: () => registry.ping() },
      watched: resourceChecks(config),
      tracing,
      metricsText: () => metrics.text(),
    },
  );
  const running = await runGateway(gateway, config, idempotencyStore, systemClock, logger);
  return {
    logger,
    stop: async () => {
      await running.stop();
      await kafka.close();
      await database.close();
      await tracing?.close();
    },
  };
});
