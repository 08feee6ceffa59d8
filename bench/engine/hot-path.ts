/**
 * What one alert costs in CPU on its way through the engine: the real topology, task, stores and RocksDB on a log without a broker.
 * For comparing two versions of the code; CPU seconds say more than alerts per second while others use the machine.
 *
 *     node bench/engine/hot-path.ts [--count 300000] [--drivers 50000] [--partitions 4] [--commit-ms 15] [--fetch-bytes n] [--buffered n]
 *     node --cpu-prof --cpu-prof-dir DIR bench/engine/hot-path.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { parseRules } from '../../processors/rules.ts';
import { alertRuleSchema } from '../../schemas/avro.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import { defaultStreamsConfig, streamsConfig } from '../../streams/config.ts';
import { partitionForKey } from '../../streams/partitioner.ts';
import type { FetchedBatch, Metrics } from '../../streams/ports.ts';
import { silentLogger } from '../../streams/testing/silent.ts';
import { StreamThread } from '../../streams/thread.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { topicNames } from '../../topologies/topics.ts';
import { alerts } from '../support/alerts.ts';
import { lifecycleEventSerde, rawAlertSerde } from '../support/cluster.ts';
import { CannedPartition, cannedLog, sent } from './canned-log.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '300000' },
    drivers: { type: 'string', default: '50000' },
    partitions: { type: 'string', default: '4' },
    'commit-ms': { type: 'string', default: '15' },
    'fetch-bytes': { type: 'string', default: String(2 * 1024 * 1024) },
    buffered: { type: 'string', default: String(defaultStreamsConfig.maxBufferedRecords) },
  },
});
const [count, drivers, partitions] = [values.count, values.drivers, values.partitions].map(Number) as [
  number,
  number,
  number,
];
const DAY_MS = 86_400_000;
const AHEAD_MS = 3_600_000;
const topics = topicNames('');

function inputs(): readonly CannedPartition[] {
  const serde = rawAlertSerde();
  const made = Array.from({ length: partitions }, () => new CannedPartition(Number(values['fetch-bytes'])));
  const spec = { count, drivers, startMs: Date.now() + AHEAD_MS, spanMs: count / 10, jitterMs: 3_000 };
  for (const alert of alerts(spec)) {
    const key = Buffer.from(alert.driverId);
    const value = serde.serialize(topics.rawAlerts, alert);
    made[partitionForKey(key, partitions)]?.append(key, value ?? key, alert.timestamp);
  }
  for (const partition of made) partition.flush();
  return made;
}

async function rules(): Promise<FetchedBatch> {
  const serde = avroSerde({ schema: alertRuleSchema, schemaId: 1 });
  const text = await readFile(join(import.meta.dirname, '../../rules.json'), 'utf8');
  const records = parseRules(text).map((rule, offset) => ({
    offset,
    timestampMs: 0,
    key: Buffer.from(rule.sourceType),
    value: Buffer.from(serde.serialize(topics.alertRules, rule) ?? []),
    headers: undefined,
  }));
  const place = { topic: topics.alertRules, partition: 0, nextOffset: records.length, endOffset: records.length };
  return { ...place, records, logAppendTime: false };
}

let processed = 0;
const metrics: Metrics = {
  counter: (name) => ({
    add: (amount) => {
      if (name === 'stream_task_process') processed += amount;
    },
  }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ record: () => undefined }),
};

const stateDir = await mkdtemp(join(tmpdir(), 'bench-state-'));
const client = cannedLog(
  {
    inputTopic: topics.rawAlerts,
    inputs: inputs(),
    partitionsOf: (topic) => (topic === topics.alertRules || topic === topics.deadLetters ? 1 : partitions),
    commitMs: Number(values['commit-ms']),
  },
  new Map([[`${topics.alertRules}-0`, await rules()]]),
);
const thread = new StreamThread({
  name: 'hot-path',
  topology: alertEscalationTopology({
    serdes: {
      rawAlert: rawAlertSerde(),
      lifecycleEvent: lifecycleEventSerde(),
      alertRule: avroSerde({ schema: alertRuleSchema, schemaId: 1 }),
    },
    graceMs: 5_000,
    futureSkewMs: DAY_MS,
  }).build('hot-path'),
  config: streamsConfig({
    applicationId: 'hot-path',
    deadLetterTopic: topics.deadLetters,
    maxBufferedRecords: Number(values.buffered),
  }),
  client,
  stateFactory: new RocksDbBackendFactory({ stateDir }),
  globalBackend: await new MemoryBackendFactory().open('global'),
  clock: systemClock,
  metrics,
  logger: silentLogger,
});
const startedMs = performance.now();
const before = process.cpuUsage();
const running = thread.run();
while (processed < count) await systemClock.sleep(10);
thread.stop();
await running;
const { user, system } = process.cpuUsage(before);
const seconds = (performance.now() - startedMs) / 1000;
await rm(stateDir, { recursive: true, force: true });
console.log(
  `${count} alerts: ${((user + system) / count).toFixed(2)} µs CPU each (${(user / count).toFixed(2)} user), ` +
    `${Math.round(count / seconds)}/s; ${sent.transactions} transactions, ` +
    `${(sent.records / count).toFixed(2)} records and ${Math.round(sent.bytes / count)} bytes an alert`,
);
