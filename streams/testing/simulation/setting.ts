/**
 * What a seed decides before the run begins: the cluster, the settings of the engine, the weather and the disruptions to come.
 */
import { streamsConfig, type StreamsConfig } from '../../config.ts';
import type { ClockSkew } from './process-clock.ts';
import type { SeededRandom } from './random.ts';
import type { Ambush, Blow, Step, Weather } from './simulated-faults.ts';

export interface SimulationSetting {
  readonly partitions: number;
  readonly machines: readonly {
    readonly name: string;
    readonly threads: number;
    readonly skew: ClockSkew;
    readonly startsAtOnce: boolean;
  }[];
  readonly config: StreamsConfig;
  readonly fetchMaxRecords: number;
  readonly rebalanceTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly diskLossRate: number;
  readonly maxRestartMs: number;
  readonly weather: Weather;
  /** How long disruptions and new records go on, in virtual milliseconds. */
  readonly durationMs: number;
  /** In order of time, relative to the start. */
  readonly disruptions: readonly { readonly atMs: number; readonly disruption: Disruption }[];
}

export type Disruption =
  | { readonly kind: 'ambush'; readonly ambush: Ambush }
  /** Something befalls a machine wherever its process is at the time. */
  | { readonly kind: 'kill' | 'start' | 'stop'; readonly machine: string }
  | { readonly kind: 'pause'; readonly machine: string; readonly ms: number }
  /** Stops and starts all machines, one after the other. */
  | { readonly kind: 'roll' }
  /** A machine's process dies, and the state of one of its tasks cannot be read afterwards. */
  | { readonly kind: 'damage'; readonly machine: string }
  | { readonly kind: 'compact' };

/** No clock is further off than this at any time of a run, in milliseconds. */
export const MAX_SKEW_MS = 600;

/** How often each step is chosen for an ambush; those of the commit and of taking a task over count most. */
const steps: Readonly<Record<Step, number>> = {
  'producer.append': 6,
  'producer.offsets': 6,
  'producer.commit': 12,
  'state.write': 10,
  'producer.init': 6,
  'consumer.committed': 5,
  'reader.range': 4,
  'reader.fetch': 6,
  'consumer.join': 6,
  'consumer.fetch': 4,
  'consumer.leave': 2,
  'admin.describe': 1,
  'admin.create': 1,
  'producer.abort': 0,
  'producer.send': 0,
};

export function drawSetting(applicationId: string, deadLetterTopic: string, random: SeededRandom): SimulationSetting {
  const durationMs = random.between(4, 14) * 1_000;
  const names = ['m1', 'm2', 'm3', 'm4'].slice(0, random.between(1, 4));
  const stormy = random.chance(0.25);
  return {
    partitions: random.between(1, 3),
    machines: names.map((name, index) => ({
      name,
      threads: random.between(1, 2),
      skew: { offsetMs: random.between(-400, 400), drift: random.between(-10, 10) / 10_000 },
      startsAtOnce: index === 0 || random.chance(0.6),
    })),
    config: drawConfig(applicationId, deadLetterTopic, random),
    fetchMaxRecords: random.pick([1, 3, 10, 100]),
    rebalanceTimeoutMs: random.pick([1_500, 3_000, 5_000]),
    transactionTimeoutMs: random.pick([1_000, 3_000, 6_000]),
    diskLossRate: random.pick([0, 0.3, 0.7]),
    maxRestartMs: random.pick([200, 2_000, 4_000]),
    weather: {
      failRate: stormy ? random.pick([0.005, 0.02]) : 0,
      delayRate: random.pick([0, 0.05, 0.3]),
      maxDelayMs: random.pick([5, 50, 300]),
      maxRestoreMs: random.pick([0, 0, 100, 1_000]),
      maxMarkerMs: random.pick([0, 0, 20, 200]),
      maxPrepareMs: random.pick([0, 0, 0, 300]),
    },
    durationMs,
    disruptions: drawDisruptions(durationMs, names, random),
  };
}

function drawConfig(applicationId: string, deadLetterTopic: string, random: SeededRandom): StreamsConfig {
  return streamsConfig({
    applicationId,
    deadLetterTopic,
    standbyReplicas: random.pick([0, 0, 1, 1, 2]),
    commitIntervalMs: random.pick([10, 50, 200]),
    maxDirtyEntries: random.pick([2, 20, 1_000]),
    maxPendingBytes: random.pick([500, 100_000]),
    maxBufferedRecords: random.pick([2, 10, 1_000]),
    maxRecordsPerTurn: random.pick([1, 3, 10, 100]),
    sessionTimeoutMs: random.pick([1_000, 2_000, 4_000]),
    retryBackoffMs: random.pick([20, 100]),
    retryBackoffMaxMs: 1_000,
  });
}

function drawDisruptions(
  durationMs: number,
  names: readonly string[],
  random: SeededRandom,
): SimulationSetting['disruptions'] {
  const count = random.between(3, 14);
  const disruptions = Array.from({ length: count }, () => ({
    atMs: random.between(0, durationMs),
    disruption: drawDisruption(names, random),
  }));
  return disruptions.sort((a, b) => a.atMs - b.atMs);
}

function drawDisruption(names: readonly string[], random: SeededRandom): Disruption {
  const machine = random.pick(names);
  const kind = random.weighted({ ambush: 60, kill: 4, pause: 5, start: 9, stop: 8, roll: 3, damage: 4, compact: 4 });
  switch (kind) {
    case 'ambush':
      return { kind, ambush: drawAmbush(names, random) };
    case 'pause':
      return { kind, machine, ms: pauseMs(random) };
    case 'kill':
    case 'start':
    case 'stop':
    case 'damage':
      return { kind, machine };
    case 'roll':
    case 'compact':
      return { kind };
  }
}

function drawAmbush(names: readonly string[], random: SeededRandom): Ambush {
  const step = random.weighted(steps);
  const phase = random.pick(['before', 'after'] as const);
  const process = random.chance(0.4) ? random.pick(names) : undefined;
  return { step, phase, process, blow: drawBlow(step, phase, random) };
}

function drawBlow(step: Step, phase: 'before' | 'after', random: SeededRandom): Blow {
  const state = step === 'state.write';
  const kind = random.weighted({
    crash: 10,
    pause: 5,
    fail: state ? 0 : 6,
    repeat: state || phase === 'before' ? 0 : 3,
    delay: state ? 0 : 3,
    damage: state && phase === 'before' ? 3 : 0,
  });
  switch (kind) {
    case 'pause':
      return { kind, ms: pauseMs(random) };
    case 'delay':
      return { kind, ms: random.between(100, 3_000) };
    case 'crash':
    case 'fail':
    case 'repeat':
    case 'damage':
      return { kind };
  }
}

/** From a hiccup to far beyond every timeout. */
const pauseMs = (random: SeededRandom): number => random.pick([100, 1_500, 3_000, 5_000, 9_000]);
