/**
 * One stream thread of our side, in a worker thread as in the processor. It goes on until it is told to stop.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import { readProcessorConfig } from '../../connectors/config/processes.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { alertRuleSchema } from '../../schemas/avro.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { streamsConfig } from '../../streams/config.ts';
import type { Metrics } from '../../streams/ports.ts';
import { silentLogger, silentMetrics } from '../../streams/testing/silent.ts';
import { StreamThread } from '../../streams/thread.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { topicNames } from '../../topologies/topics.ts';
import { benchClient, lifecycleEventSerde, rawAlertSerde } from '../support/cluster.ts';
import { FIRST_RECORD, LIFECYCLE_EVENTS, PROCESSED, type OursThreadData } from './ours-counters.ts';

const { name, brokers, prefix, input, output, app, graceMs, threads, counters } = workerData as OursThreadData;

/** The alerts of a benchmark are ahead of the clock. */
const DAY_MS = 86_400_000;

const countedAs = new Map([
  ['stream_task_process', PROCESSED],
  ['alerts_lifecycle_events', LIFECYCLE_EVENTS],
]);

const metrics: Metrics = {
  counter: (metric) => {
    const counter = countedAs.get(metric);
    if (counter === undefined) return silentMetrics.counter(metric);
    return {
      add: (amount) => {
        if (counters[FIRST_RECORD] === 0) counters[FIRST_RECORD] = Date.now();
        counters[counter] = (counters[counter] ?? 0) + amount;
      },
    };
  },
  gauge: (...gauge) => silentMetrics.gauge(...gauge),
  histogram: (...histogram) => silentMetrics.histogram(...histogram),
};

const stateDir = await mkdtemp(join(tmpdir(), 'bench-state-'));
const client = benchClient(brokers, name);
const serdes = {
  rawAlert: rawAlertSerde(),
  lifecycleEvent: lifecycleEventSerde(),
  alertRule: avroSerde({ schema: alertRuleSchema, schemaId: 1 }),
};
const topics = { ...topicNames(prefix), rawAlerts: input, alertEvents: output };
const thread = new StreamThread({
  name,
  topology: alertEscalationTopology({ serdes, topics, graceMs, futureSkewMs: DAY_MS }).build(app),
  config: streamsConfig({ applicationId: app, deadLetterTopic: topics.deadLetters }),
  client,
  stateFactory: new RocksDbBackendFactory({
    stateDir,
    budgetBytes: Math.floor(readProcessorConfig({}).stateBudgetBytes / threads),
  }),
  globalBackend: await new MemoryBackendFactory().open('global'),
  clock: systemClock,
  metrics,
  logger: silentLogger,
});
parentPort?.once('message', () => thread.stop());
await thread.run();
await client.close();
await rm(stateDir, { recursive: true, force: true });
parentPort?.close();
