/**
 * The throughput comparison: our engine and the Kafka Streams peer on the same topic, alternately, with equal outputs.
 *
 *     npm run bench -- [--count 1000000] [--rounds 3] [--peer DIR] [--store ring]
 *
 * Numbers are ratios from one run on the machine described in the result; nothing here asserts a time.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { avroSerde } from '../connectors/registry/avro-serde.ts';
import { parseRules } from '../processors/rules.ts';
import { alertRuleSchema, lifecycleEventSchema } from '../schemas/avro.ts';
import { startTestServices } from '../test/support/services-setup.ts';
import { benchClient, createTopic, produceAlerts } from './support/cluster.ts';
import { runOurs, runPeer, type Run, type RunOptions } from './throughput/engines.ts';
import { readOutputs, type Outputs } from './throughput/outputs.ts';

interface Options {
  readonly count: string;
  readonly rounds: string;
  readonly drivers: string;
  readonly partitions: string;
  readonly peer: string;
  readonly store: 'ring' | 'window';
  readonly out: string;
}

interface Measured {
  readonly run: Run;
  readonly outputs: Outputs;
}

const root = join(import.meta.dirname, '..');
const SPAN_MS = 100_000;
/** Less than the hour that a broker lets records be ahead. */
const AHEAD_MS = 30 * 60_000;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** The peer is built outside of its own folder, which may be read-only. */
function buildPeer(directory: string): string | undefined {
  if (!existsSync(join(directory, 'pom.xml'))) return undefined;
  const built = mkdtempSync(join(tmpdir(), 'bench-peer-'));
  cpSync(directory, built, { recursive: true });
  const goals = ['-q', '-B', 'compile', 'dependency:copy-dependencies', '-DoutputDirectory=target/lib'];
  execFileSync('mvn', goals, { cwd: built, stdio: ['ignore', 'ignore', 'inherit'] });
  return built;
}

async function seedRules(client: KafkaLogClient, topic: string): Promise<void> {
  const serde = avroSerde({ schema: alertRuleSchema, schemaId: 1 });
  const rules = parseRules(readFileSync(join(root, 'rules.json'), 'utf8'));
  const producer = client.plainProducer();
  for (const rule of rules) {
    const value = Buffer.from(serde.serialize(topic, rule) ?? []);
    await producer.send([{ topic, key: Buffer.from(rule.sourceType), value }]);
  }
  await producer.close();
}

async function prepare(client: KafkaLogClient, prefix: string, options: Options): Promise<string> {
  const input = `${prefix}raw-alerts`;
  const partitions = Number(options.partitions);
  await createTopic(client, input, partitions);
  for (const topic of ['alert-rules', 'dead-letters']) await createTopic(client, `${prefix}${topic}`, 1);
  await seedRules(client, `${prefix}alert-rules`);
  await produceAlerts(client, input, partitions, {
    count: Number(options.count),
    drivers: Number(options.drivers),
    // Ahead of the clock, so that no timer falls due however long the engines take: both must have the same work.
    startMs: Date.now() + AHEAD_MS,
    spanMs: SPAN_MS,
    jitterMs: 3_000,
  });
  return input;
}

const summary = (measured: readonly Measured[]) => ({
  recordsPerSecond: median(measured.map(({ run }) => run.recordsPerSecond)),
  cpuSeconds: median(measured.map(({ run }) => run.cpuSeconds)),
  residentBytes: median(measured.map(({ run }) => run.residentBytes ?? NaN)),
  events: measured[0]?.outputs.events,
  rounds: measured.map(({ run }) => run),
});

async function compare(client: KafkaLogClient, brokers: string, options: Options, peer: string | undefined) {
  const prefix = `bench-${Date.now()}-`;
  const partitions = Number(options.partitions);
  console.log(`Producing ${options.count} alerts of ${options.drivers} drivers`);
  const input = await prepare(client, prefix, options);
  const ours: Measured[] = [];
  const peers: Measured[] = [];
  const measure = async (name: string, avsc: string, start: (run: RunOptions) => Promise<Run>): Promise<Measured> => {
    const output = `${prefix}${name}`;
    await createTopic(client, output, partitions);
    const run = await start({
      brokers,
      prefix,
      input,
      output,
      app: `${prefix}${name}-app`,
      count: Number(options.count),
    });
    const outputs = await readOutputs(client, output, partitions, avsc);
    console.log(
      `${name}: ${run.recordsPerSecond} alerts/s, ${run.cpuSeconds.toFixed(1)} s CPU, ${outputs.events} events`,
    );
    return { run, outputs };
  };
  for (let round = 0; round < Number(options.rounds); round++) {
    ours.push(await measure(`ours-${round}`, lifecycleEventSchema.avsc, runOurs));
    if (peer === undefined) continue;
    const peerSchema = readFileSync(join(peer, 'LifecycleEvent.avsc'), 'utf8');
    const rawSchema = join(root, 'schemas/raw-alert.avsc');
    peers.push(await measure(`peer-${round}`, peerSchema, (run) => runPeer(run, peer, rawSchema, options.store)));
  }
  const digests = new Set([...ours, ...peers].map(({ outputs }) => `${outputs.events} ${outputs.digest}`));
  return { ours: summary(ours), peer: peers.length > 0 ? summary(peers) : undefined, equalOutputs: digests.size === 1 };
}

function report(options: Options, { ours, peer, equalOutputs }: Awaited<ReturnType<typeof compare>>): void {
  const throughput = {
    ours: ours.recordsPerSecond,
    ...(peer && {
      peer: peer.recordsPerSecond,
      ratio: ours.recordsPerSecond / peer.recordsPerSecond,
      cpuRatio: ours.cpuSeconds / peer.cpuSeconds,
    }),
    equalOutputs,
  };
  const { count, rounds, drivers, partitions, store } = options;
  const result = {
    machine: { cpus: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem() },
    date: new Date().toISOString(),
    versions: { node: process.version, v8: process.versions.v8 },
    settings: { count, rounds, drivers, partitions, store },
    throughput,
    details: { ours, peer },
  };
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'latest.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  console.table(throughput);
  if (!equalOutputs) {
    console.error('The outputs differ: no figure of this run counts.');
    process.exitCode = 1;
  }
}

const options = new Command('bench')
  .description('Runs the escalation topology and the Kafka Streams peer alternately on the same alerts.')
  .option('--count <n>', 'alerts', '1000000')
  .option('--rounds <n>', 'rounds of each engine', '3')
  .option('--drivers <n>', 'distinct drivers', '50000')
  .option('--partitions <n>', 'partitions of the topics', '4')
  .option(
    '--peer <dir>',
    'the Kafka Streams peer (a Maven project); left out of the run where it is missing',
    '../shared/peers/kafka-streams',
  )
  .option('--store <kind>', 'form of the peer: ring (expert) or window (documented)', 'ring')
  .option('--out <dir>', 'where the results go', join(root, 'bench/results'))
  .parse()
  .opts<Options>();

const peer = buildPeer(options.peer);
if (peer === undefined) console.log(`No peer in ${options.peer}: only ours is measured.`);
const services = await startTestServices(process.env);
const client = benchClient(services.addresses.kafka.split(','), 'bench');
try {
  report(options, await compare(client, services.addresses.kafka, options, peer));
} finally {
  await client.close();
  await services.stop();
  if (peer !== undefined) rmSync(peer, { recursive: true, force: true });
}
