/**
 * One stream thread of the processor, in a worker thread of its own.
 */
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { type ApplicationName, readProcessorConfig } from '../connectors/config/processes.ts';
import { readKafkaConnection, readRegistryConnection } from '../connectors/config/services.ts';
import { tracingOf } from '../connectors/config/tracing.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { memberFile } from '../connectors/kafka/member-file.ts';
import { helpOf } from '../connectors/observability/metric-catalogue.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { PrometheusMetrics } from '../connectors/observability/prometheus-metrics.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { untilAvailable } from '../connectors/setup/until-available.ts';
import { applicationServer } from '../connectors/queries/addresses.ts';
import { serveStreamThread } from '../connectors/stream-threads/serve-stream-thread.ts';
import type { StreamThreadData } from '../connectors/stream-threads/stream-threads.ts';
import { systemClock } from '../connectors/system-clock.ts';
import { tracedLogClient } from '../connectors/tracing/traced-log-client.ts';
import { MemoryBackendFactory } from '../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../state/rocksdb-factory.ts';
import { streamsConfig } from '../streams/config.ts';
import { StreamThread } from '../streams/thread.ts';
import { MAX_BATCH_BYTES, topicNames } from '../topologies/topics.ts';
import { applications } from './applications/applications.ts';

const REGISTRY_WAIT_MS = 60_000;

const { application: chosen, threadIndex, processThreads, processId } = workerData as StreamThreadData;
const config = readProcessorConfig(process.env);
const application = applications[chosen as ApplicationName];
const applicationId = `${config.topicPrefix}${application.id}`;
const name = `${applicationId}-${threadIndex}`;

await serveStreamThread(async (listeners) => {
  const logger = createLogger({ service: 'processor', level: config.logLevel }).child({
    application: chosen,
    thread: threadIndex,
  });
  const metrics = new PrometheusMetrics({
    labels: { application: chosen, thread: String(threadIndex) },
    help: helpOf,
  });
  const registry = new SchemaRegistryClient(readRegistryConnection(process.env));
  const waiting = { waitMs: REGISTRY_WAIT_MS, clock: systemClock, say: (line: string) => logger.info(line) };
  const connection = readKafkaConnection(process.env);
  const client = new KafkaLogClient({ ...connection, clientId: name, logger, maxBatchBytes: MAX_BATCH_BYTES });
  const tracing = await tracingOf(process.env, 'processor');
  const admin = client.admin();
  const partitionsOf = async (topic: string): Promise<number | undefined> =>
    (await admin.partitionCounts([topic])).get(topic);
  const service = `${registry.url} and Kafka at ${connection.brokers.join(', ')}`;
  const topology = await untilAvailable({ ...waiting, service }, () =>
    application.topology({ config, registry, partitionsOf }),
  );
  const { topicPrefix, commitIntervalMs, standbyReplicas, stateBudgetBytes, dataDir } = config;
  const stateDir = join(dataDir, 'state', applicationId);
  const thread = new StreamThread({
    name,
    topology: topology.build(applicationId),
    config: streamsConfig({
      applicationId,
      processId,
      applicationServer: applicationServer(config, chosen),
      standbyReplicas,
      commitIntervalMs,
      deadLetterTopic: topicNames(topicPrefix).deadLetters,
    }),
    client: tracing === undefined ? client : tracedLogClient(client, tracing),
    stateFactory: new RocksDbBackendFactory({
      stateDir,
      // The threads of one application share its part of the budget by the tasks that they may have.
      budgetBytes: Math.floor((stateBudgetBytes * application.threads(config)) / processThreads),
    }),
    globalBackend: await new MemoryBackendFactory().open('global'),
    memberMemory: memberFile(join(stateDir, `member-${threadIndex}`), logger),
    clock: systemClock,
    metrics,
    logger,
    ...listeners,
    onStateChange: (state) => {
      logger.info(`Stream thread is ${state}`, { state });
      listeners.onStateChange(state);
    },
  });
  metrics.observe(() => thread.measurements());
  return {
    thread,
    metrics: () => metrics.snapshot(),
    close: async () => void (await Promise.all([client.close(), tracing?.close()])),
  };
});
