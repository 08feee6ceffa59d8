/**
 * Our side of the throughput comparison: one process that runs the escalation topology until it has processed `count` alerts,
 * and prints one JSON line. Same measures as the Kafka Streams peer: from the first record on, CPU seconds of the process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../connectors/system-clock.ts';
import { alertRuleSchema } from '../../schemas/avro.ts';
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { streamsConfig } from '../../streams/config.ts';
import type { Metrics } from '../../streams/ports.ts';
import { silentLogger } from '../../streams/testing/silent.ts';
import { StreamThread } from '../../streams/thread.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { topicNames } from '../../topologies/topics.ts';
import { benchClient, lifecycleEventSerde, rawAlertSerde } from '../support/cluster.ts';

const { values } = parseArgs({
  options: {
    brokers: { type: 'string' },
    prefix: { type: 'string' },
    input: { type: 'string' },
    output: { type: 'string' },
    app: { type: 'string' },
    count: { type: 'string' },
    grace: { type: 'string', default: '5000' },
  },
});
const need = (name: keyof typeof values): string => {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
};

/** The alerts of a benchmark are ahead of the clock. */
const DAY_MS = 86_400_000;

let processed = 0;
let firstMs = 0;
const metrics: Metrics = {
  counter: (name) => ({
    add: (amount) => {
      if (name !== 'stream_task_process') return;
      if (firstMs === 0) firstMs = performance.now();
      processed += amount;
    },
  }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ record: () => undefined }),
};

const startedMs = performance.now();
const stateDir = await mkdtemp(join(tmpdir(), 'bench-state-'));
const client = benchClient(need('brokers').split(','), need('app'));
const serdes = {
  rawAlert: rawAlertSerde(),
  lifecycleEvent: lifecycleEventSerde(),
  alertRule: avroSerde({ schema: alertRuleSchema, schemaId: 1 }),
};
const topics = { ...topicNames(need('prefix')), rawAlerts: need('input'), alertEvents: need('output') };
const thread = new StreamThread({
  name: need('app'),
  topology: alertEscalationTopology({ serdes, topics, graceMs: Number(values.grace), futureSkewMs: DAY_MS }).build(
    need('app'),
  ),
  config: streamsConfig({ applicationId: need('app'), deadLetterTopic: topics.deadLetters }),
  client,
  stateFactory: new RocksDbBackendFactory({ stateDir }),
  globalBackend: await new MemoryBackendFactory().open('global'),
  clock: systemClock,
  metrics,
  logger: silentLogger,
});
const running = thread.run();
const count = Number(need('count'));
while (processed < count) await systemClock.sleep(20);
const seconds = (performance.now() - firstMs) / 1000;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    engine: 'ours',
    records: processed,
    seconds,
    recordsPerSecond: Math.round(processed / seconds),
    cpuSeconds: (user + system) / 1e6,
    startToFirstRecordSeconds: (firstMs - startedMs) / 1000,
    residentBytes: process.memoryUsage().rss,
  }),
);
thread.stop();
await running;
await client.close();
await rm(stateDir, { recursive: true, force: true });
