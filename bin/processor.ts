/**
 * The processor: runs stream applications, each on stream threads of its own.
 */
import { readProcessorConfig } from '../connectors/config/processes.ts';
import { readKafkaConnection, readRegistryConnection } from '../connectors/config/services.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { startHealthServer } from '../connectors/observability/health-server.ts';
import { helpOf } from '../connectors/observability/metric-catalogue.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { processMeasurements } from '../connectors/observability/process-metrics.ts';
import { resourceChecks } from '../connectors/observability/resource-checks.ts';
import { kafkaCheck } from '../connectors/observability/service-checks.ts';
import { mergedText, PrometheusMetrics, type MetricsSnapshot } from '../connectors/observability/prometheus-metrics.ts';
import { queryRoutes } from '../connectors/queries/query-routes.ts';
import { remoteQuery } from '../connectors/queries/remote-query.ts';
import { readingKey } from '../connectors/http/api-keys.ts';
import { StreamThreads } from '../connectors/stream-threads/stream-threads.ts';
import type { Measurement } from '../connectors/log.ts';
import { runProcess } from '../connectors/process.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { topicNames } from '../topologies/topics.ts';
import { applications } from './applications/applications.ts';

const STOP_TIMEOUT_MS = 20_000;
const QUERY_TIMEOUT_MS = 8_000;

await runProcess('processor', async ({ environment, fail }) => {
  const config = readProcessorConfig(environment);
  const logger = createLogger({ service: 'processor', level: config.logLevel });
  const metrics = new PrometheusMetrics({ processMetrics: true, help: helpOf });
  metrics.observe(processMeasurements);
  const planned = config.applications.map((name) => ({ name, threads: applications[name].threads(config) }));
  const processThreads = planned.reduce((sum, { threads }) => sum + threads, 0);
  const running = planned.map(
    ({ name, threads }) =>
      new StreamThreads({
        workerUrl: new URL('./processor-thread.ts', import.meta.url),
        application: name,
        applicationId: `${config.topicPrefix}${applications[name].id}`,
        threads,
        processThreads,
        threadHeapBytes: config.threadHeapBytes,
        logger: logger.child({ application: name }),
        remote: remoteQuery({ apiKey: readingKey(config.apiKeys), timeoutMs: QUERY_TIMEOUT_MS }),
        onUncaughtException: config.onFailure,
        onFailure: (failure) => fail(`The application ${name} has stopped: ${failure.message}`, { failure }),
      }),
  );
  metrics.observe(() => running.flatMap((threads, index) => threadStates(planned[index]?.name ?? '', threads.states)));
  const states = (): readonly string[] => running.flatMap((threads) => threads.states);
  const kafka = new KafkaLogClient({ ...readKafkaConnection(environment), clientId: 'processor-health', logger });
  const registry = new SchemaRegistryClient(readRegistryConnection(environment));
  const { rawAlerts } = topicNames(config.topicPrefix);
  const server = await startHealthServer({
    service: 'processor',
    host: config.host,
    port: config.port,
    live: { threads: () => refuse(!running.every(({ alive }) => alive), states()) },
    ready: {
      tasks: () => refuse(!running.every(({ ready }) => ready), states()),
      kafka: kafkaCheck(kafka.admin(), rawAlerts),
    },
    // Schemas are kept once they were read, so the registry may be away for a while.
    watched: { registry: () => registry.ping(), ...resourceChecks(config) },
    metrics: async () => {
      const snapshots = await Promise.all(running.map((threads) => threads.metrics()));
      return (await metrics.text()) + (await mergedText(snapshots.flat() as MetricsSnapshot[]));
    },
    extend: (app) =>
      queryRoutes(app, {
        ...{ apiKeys: config.apiKeys, host: config.host },
        applications: new Map(planned.map(({ name }, index) => [name, running[index]!.client])),
      }),
  });
  logger.info('Processor is up', { url: server.url, applications: planned });
  return {
    logger,
    stop: async () => {
      await Promise.all(running.map((threads) => threads.stop(STOP_TIMEOUT_MS)));
      await server.close();
      await kafka.close();
    },
  };
});

function threadStates(application: string, states: readonly string[]): readonly Measurement[] {
  const failed = states.filter((state) => state === 'dead').length;
  return [
    { name: 'stream_client_alive_stream_threads', labels: { application }, value: states.length - failed },
    { name: 'stream_client_failed_stream_threads', labels: { application }, value: failed },
  ];
}

function refuse(refused: boolean, threads: readonly string[]): void {
  if (refused) throw new Error(`stream threads are ${threads.join(', ')}`);
}
