/**
 * A small stateful application as a process of its own, for tests that kill it: counts records per key and says `key=count`.
 * Takes its settings as JSON in the first argument; prints `running` when its tasks run; ends cleanly on SIGTERM.
 */
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import { createLogger } from '../../connectors/observability/pino-logger.ts';
import { PrometheusMetrics } from '../../connectors/observability/prometheus-metrics.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { stringKey } from '../../state/codecs.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { keyValueStore } from '../../state/stores.ts';
import { streamsConfig } from '../../streams/config.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../streams/serdes.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { StreamThread } from '../../streams/thread.ts';
import { Topology } from '../../streams/topology.ts';

export interface CountingAppSettings {
  readonly brokers: readonly string[];
  readonly applicationId: string;
  readonly input: string;
  readonly output: string;
  readonly stateDir: string;
  readonly instance: string;
  readonly standbyReplicas?: number;
}

class Counting implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #counts!: KeyValueStore<string, number>;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#counts = context.getStateStore('counts');
  }

  process({ key, timestampMs }: { key: string; timestampMs: number }): void {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.put(key, count);
    this.#context.forward({ key, value: `${key}=${count}`, timestampMs });
  }
}

const countingTopology = ({ input, output }: CountingAppSettings): Topology =>
  new Topology()
    .addSource({ name: 'in', topics: [input], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'count', supplier: () => new Counting(), parents: ['in'] })
    .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count'])
    .addSink({
      name: 'out',
      topic: output,
      key: stringSerde,
      value: stringSerde,
      parents: ['count'],
      partitioner: (_, partition) => partition,
    });

const run = async (settings: CountingAppSettings): Promise<void> => {
  const { applicationId, brokers, instance, stateDir, standbyReplicas = 0 } = settings;
  const logger = createLogger({ service: instance, level: 'info' });
  const client = new KafkaLogClient({ brokers, clientId: instance, logger });
  const thread = new StreamThread({
    name: instance,
    topology: countingTopology(settings).build(applicationId),
    config: streamsConfig({ applicationId, processId: instance, standbyReplicas, sessionTimeoutMs: 6_000 }),
    client,
    stateFactory: new RocksDbBackendFactory({ stateDir }),
    globalBackend: await new MemoryBackendFactory().open('global'),
    clock: systemClock,
    metrics: new PrometheusMetrics(),
    logger,
    onStateChange: (state) => console.log(state),
  });
  process.once('SIGTERM', () => thread.stop());
  await thread.run();
  await client.close();
};

await run(JSON.parse(process.argv[2] ?? '{}') as CountingAppSettings);
