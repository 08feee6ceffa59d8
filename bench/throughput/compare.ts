/**
 * Our engine and the Kafka Streams peer on the same alerts, alternately, each in a process of its own.
 *
 * Invariant: a comparison says whether all runs put out the same events; where they did not, its figures mean nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { avroSerde } from '../../connectors/registry/avro-serde.ts';
import { parseRules } from '../../processors/rules.ts';
import { alertRuleSchema, lifecycleEventSchema } from '../../schemas/avro.ts';
import type { BenchmarkContext } from '../suite/benchmark.ts';
import { createTopic, produceAlerts } from '../support/cluster.ts';
import { cpuSecondsOf } from '../support/machine.ts';
import { median, rounded } from '../support/statistics.ts';
import { runOurs, runPeer, type Run, type RunOptions } from './engines.ts';
import { readOutputs, type Outputs } from './outputs.ts';

export type Engine = 'ours' | 'peer';

export interface InputSpec {
  readonly count: number;
  readonly drivers: number;
  readonly partitions: number;
}

export interface ComparisonSpec extends InputSpec {
  readonly rounds: number;
  /** Stream threads of either engine. */
  readonly threads: number;
  /** Form of the peer: `ring` is what an expert writes, `window` what its documentation suggests. */
  readonly store: 'ring' | 'window';
  /** The peer is left out where there is none. */
  readonly engines: readonly Engine[];
}

export interface EngineFigures {
  readonly recordsPerSecond: number;
  readonly cpuSeconds: number;
  readonly brokerCpuSeconds: number | undefined;
  readonly peakResidentBytes: number | undefined;
  readonly startToFirstRecordSeconds: number;
  readonly events: number;
  readonly rounds: readonly Run[];
}

export interface Comparison {
  readonly settings: ComparisonSpec;
  readonly ours?: EngineFigures;
  readonly peer?: EngineFigures;
  readonly ratio?: number;
  readonly cpuRatio?: number;
  readonly equalOutputs: boolean;
}

interface Measured {
  readonly run: Run;
  readonly outputs: Outputs;
}

const root = join(import.meta.dirname, '../..');
const SPAN_MS = 100_000;
/** Less than the hour that a broker lets records be ahead. */
const AHEAD_MS = 30 * 60_000;
/** Less than the grace period of the engines, so that nothing is late. */
const JITTER_MS = 3_000;

let comparisons = 0;

/** Makes topics, rules and alerts of its own; what earlier comparisons left does not matter. */
export async function compareEngines(context: BenchmarkContext, spec: ComparisonSpec): Promise<Comparison> {
  const prefix = `bench-${Date.now()}-${comparisons++}-`;
  const input = await fill(context, prefix, spec);
  const measured: Record<Engine, Measured[]> = { ours: [], peer: [] };
  for (let round = 0; round < spec.rounds; round++) {
    for (const engine of spec.engines) {
      if (engine === 'peer' && context.peer === undefined) continue;
      measured[engine].push(await measure(context, spec, engine, { prefix, input, round }));
    }
  }
  return figuresOf(spec, measured);
}

/** Makes the topics of a run, with rules and alerts, and answers the input topic. */
export async function fill(context: BenchmarkContext, prefix: string, spec: InputSpec): Promise<string> {
  const { client, say } = context;
  const input = `${prefix}raw-alerts`;
  await createTopic(client, input, spec.partitions);
  for (const topic of ['alert-rules', 'dead-letters']) await createTopic(client, `${prefix}${topic}`, 1);
  await seedRules(context, `${prefix}alert-rules`, readFileSync(join(root, 'rules.json'), 'utf8'));
  say(`Producing ${spec.count} alerts of ${spec.drivers} drivers`);
  await produceAlerts(client, input, spec.partitions, {
    count: spec.count,
    drivers: spec.drivers,
    // Ahead of the clock, so that no timer falls due however long the engines take: both must have the same work.
    startMs: Date.now() + AHEAD_MS,
    spanMs: SPAN_MS,
    jitterMs: JITTER_MS,
  });
  return input;
}

/** `rules`: the text of a rules file. */
export async function seedRules({ client }: BenchmarkContext, topic: string, rules: string): Promise<void> {
  const serde = avroSerde({ schema: alertRuleSchema, schemaId: 1 });
  const producer = client.plainProducer();
  for (const rule of parseRules(rules)) {
    const value = Buffer.from(serde.serialize(topic, rule) ?? []);
    await producer.send([{ topic, key: Buffer.from(rule.sourceType), value }]);
  }
  await producer.close();
}

async function measure(
  { client, addresses, brokerPid, peer, say }: BenchmarkContext,
  spec: ComparisonSpec,
  engine: Engine,
  { prefix, input, round }: { prefix: string; input: string; round: number },
): Promise<Measured> {
  const output = `${prefix}${engine}-${round}`;
  await createTopic(client, output, spec.partitions);
  const { count, threads, store } = spec;
  const options: RunOptions = {
    ...{ brokers: addresses.kafka, prefix, input, output, app: `${output}-app`, count, threads },
  };
  const brokerBefore = cpuSecondsOf(brokerPid);
  const rawSchema = join(root, 'schemas/raw-alert.avsc');
  const run = await (engine === 'peer' && peer !== undefined
    ? runPeer(options, { directory: peer, rawSchema, store })
    : runOurs(options));
  const brokerAfter = cpuSecondsOf(brokerPid);
  const brokerCpuSeconds =
    brokerBefore === undefined || brokerAfter === undefined ? undefined : rounded(brokerAfter - brokerBefore);
  const avsc =
    engine === 'ours' ? lifecycleEventSchema.avsc : readFileSync(join(`${peer}`, 'LifecycleEvent.avsc'), 'utf8');
  const outputs = await readOutputs(client, output, spec.partitions, avsc);
  const { recordsPerSecond, cpuSeconds } = run;
  say(`${engine}, round ${round + 1}: ${recordsPerSecond} alerts/s, ${cpuSeconds} s CPU, ${outputs.events} events`);
  return { run: { ...run, brokerCpuSeconds }, outputs };
}

function figuresOf(settings: ComparisonSpec, measured: Record<Engine, Measured[]>): Comparison {
  const ours = engineFigures(measured.ours);
  const peer = engineFigures(measured.peer);
  const digests = new Set(
    [...measured.ours, ...measured.peer].map(({ outputs }) => `${outputs.events} ${outputs.digest}`),
  );
  return {
    settings,
    ...(ours && { ours }),
    ...(peer && { peer }),
    ...(ours &&
      peer && {
        ratio: rounded(ours.recordsPerSecond / peer.recordsPerSecond),
        cpuRatio: rounded(ours.cpuSeconds / peer.cpuSeconds),
      }),
    equalOutputs: digests.size === 1,
  };
}

function engineFigures(measured: readonly Measured[]): EngineFigures | undefined {
  const first = measured[0];
  if (first === undefined) return undefined;
  const middle = (of: (run: Run) => number | undefined): number | undefined => {
    const values = measured.map(({ run }) => of(run)).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  return {
    recordsPerSecond: middle((run) => run.recordsPerSecond) ?? Number.NaN,
    cpuSeconds: middle((run) => run.cpuSeconds) ?? Number.NaN,
    brokerCpuSeconds: middle((run) => run.brokerCpuSeconds),
    peakResidentBytes: middle((run) => run.peakResidentBytes),
    startToFirstRecordSeconds: middle((run) => run.startToFirstRecordSeconds) ?? Number.NaN,
    events: first.outputs.events,
    rounds: measured.map(({ run }) => run),
  };
}
