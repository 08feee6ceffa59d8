/**
 * A counting application that answers queries over HTTP, as a process of its own, for tests that kill it.
 * Takes its settings as JSON in the first argument; prints `RUNNING` when its tasks run. On SIGUSR2 its warm copies stop to follow.
 */
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import { startHealthServer } from '../../connectors/observability/health-server.ts';
import { createLogger } from '../../connectors/observability/pino-logger.ts';
import { PrometheusMetrics } from '../../connectors/observability/prometheus-metrics.ts';
import { applicationServer } from '../../connectors/queries/addresses.ts';
import { queryRoutes } from '../../connectors/queries/query-routes.ts';
import { remoteQuery } from '../../connectors/queries/remote-query.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { stringKey } from '../../state/codecs.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { keyValueStore } from '../../state/stores.ts';
import { KafkaStreams } from '../../streams/client/kafka-streams.ts';
import { localThreads } from '../../streams/client/local-threads.ts';
import { streamsConfig } from '../../streams/config.ts';
import type { LogClient, LogReader } from '../../streams/ports.ts';
import type { Processor } from '../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../streams/serdes.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { Topology } from '../../streams/topology.ts';

export interface QueryingAppSettings {
  readonly brokers: readonly string[];
  readonly applicationId: string;
  readonly input: string;
  readonly stateDir: string;
  readonly port: number;
}

const counting = (): Processor<string, string> => {
  let counts: KeyValueStore<string, number>;
  return {
    init: (context) => (counts = context.getStateStore('counts')),
    process: ({ key }) => counts.put(key, (counts.get(key) ?? 0) + 1),
  };
};

const topology = (input: string): Topology =>
  new Topology()
    .addSource({ name: 'in', topics: [input], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'count', supplier: counting, parents: ['in'] })
    .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count']);

/** The client, whose readers apply nothing more of what they follow once they are told to hold. */
function holdable(client: KafkaLogClient): { readonly client: LogClient; readonly hold: () => void } {
  let held = false;
  const holding = (reader: LogReader): LogReader => ({
    range: (partition) => reader.range(partition),
    read: (partition, from, until, onBatch, signal) => reader.read(partition, from, until, onBatch, signal),
    follow: (positions, onBatch, signal) => {
      const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      return reader.follow(positions, (batch) => (held ? ended : onBatch(batch)), signal);
    },
    close: () => reader.close(),
  });
  const reading = new Proxy<LogClient>(client, {
    get: (target, name) => {
      if (name === 'reader') return () => holding(target.reader());
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { client: reading, hold: () => void (held = true) };
}

const run = async (settings: QueryingAppSettings): Promise<void> => {
  const { applicationId, brokers, stateDir, port, input } = settings;
  const processId = `instance-${port}`;
  const logger = createLogger({ service: processId, level: 'info' });
  const { client, hold } = holdable(new KafkaLogClient({ brokers, clientId: processId, logger }));
  process.on('SIGUSR2', hold);
  const server = applicationServer({ host: '127.0.0.1', port, advertisedUrl: undefined }, 'counting');
  const config = { applicationId, processId, applicationServer: server, standbyReplicas: 1, sessionTimeoutMs: 6_000 };
  const streams = new KafkaStreams({
    ...{ applicationId, processId, threads: 1, clock: systemClock, logger },
    remote: remoteQuery({ apiKey: undefined, timeoutMs: 2_000 }),
    host: localThreads(async () => ({
      ...{ name: processId, topology: topology(input).build(applicationId), config: streamsConfig(config), client },
      stateFactory: new RocksDbBackendFactory({ stateDir }),
      globalBackend: await new MemoryBackendFactory().open('global'),
      ...{ clock: systemClock, metrics: new PrometheusMetrics(), logger },
    })),
  });
  streams.setStateListener((state) => console.log(state));
  await startHealthServer({
    ...{ service: processId, port, metrics: async () => '' },
    extend: (app) =>
      queryRoutes(app, { applications: new Map([['counting', streams]]), apiKeys: [], host: '127.0.0.1' }),
  });
  streams.start();
};

await run(JSON.parse(process.argv[2] ?? '{}') as QueryingAppSettings);
