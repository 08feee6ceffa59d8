/**
 * The benchmarks that compare whole engines: the main comparison, and what threads, keys and length of a run change.
 */
import type { Benchmark, BenchmarkContext } from '../suite/benchmark.ts';
import { compareEngines, type Comparison, type ComparisonSpec } from './compare.ts';

const MILLION = 1_000_000;

const base: ComparisonSpec = {
  count: MILLION,
  drivers: 50_000,
  partitions: 4,
  rounds: 1,
  // As many as the processor has by default, and the better choice for the peer as well (see `threads`).
  threads: 2,
  store: 'ring',
  engines: ['ours', 'peer'],
};

/** Small enough for a test, with every driver seen more than once. */
const tiny: Partial<ComparisonSpec> = { count: 2_000, drivers: 200, rounds: 1 };

const sized = ({ size }: BenchmarkContext, spec: Partial<ComparisonSpec>): ComparisonSpec => ({
  ...base,
  ...spec,
  ...(size === 'tiny' && tiny),
});

/** One comparison after another, named by what varies. */
async function each(
  context: BenchmarkContext,
  variants: Readonly<Record<string, Partial<ComparisonSpec>>>,
): Promise<Record<string, Comparison>> {
  const results: Record<string, Comparison> = {};
  for (const [name, variant] of Object.entries(variants)) {
    context.say(`${name}:`);
    results[name] = await compareEngines(context, sized(context, variant));
  }
  return results;
}

export const throughput = (overrides: Partial<ComparisonSpec>): Benchmark => ({
  name: 'throughput',
  shows: 'alerts per second and CPU beside Kafka Streams in its expert form, with equal outputs',
  run: async (context) => {
    const spec = sized(context, { rounds: context.rounds, ...overrides });
    const { ours, peer, ...comparison } = await compareEngines(context, spec);
    return { ours: ours?.recordsPerSecond, peer: peer?.recordsPerSecond, ...comparison, details: { ours, peer } };
  },
});

/** The documented form ranges over a window store for every alert, so it gets fewer of them. */
export const documentedForm: Benchmark = {
  name: 'documentedForm',
  shows: 'the same beside Kafka Streams in the form of its documentation (a window store)',
  run: async (context) => ({ ...(await compareEngines(context, sized(context, { store: 'window', count: 200_000 }))) }),
};

export const threads: Benchmark = {
  name: 'threads',
  shows: 'what a second stream thread brings to either engine',
  run: (context) => each(context, { one: { threads: 1, count: MILLION / 2 }, two: { threads: 2, count: MILLION / 2 } }),
};

export const keys: Benchmark = {
  name: 'keys',
  shows: 'what the number of drivers changes',
  run: (context) =>
    each(context, {
      '50 drivers': { drivers: 50, count: MILLION / 2 },
      '50,000 drivers': { drivers: 50_000, count: MILLION / 2 },
      '1,000,000 drivers': { drivers: MILLION, count: MILLION / 2 },
    }),
};

export const length: Benchmark = {
  name: 'length',
  shows: 'whether the cost of an alert stays flat from 1 M to 5 M alerts',
  run: async (context) => {
    const runs = await each(context, {
      '1 M alerts': { count: MILLION, engines: ['ours'] },
      '5 M alerts': { count: 5 * MILLION, engines: ['ours'] },
    });
    const microsPerAlert = Object.fromEntries(
      Object.entries(runs).map(([name, { ours, settings }]) => [
        name,
        Math.round(((ours?.cpuSeconds ?? Number.NaN) * 1e7) / settings.count) / 10,
      ]),
    );
    return { cpuMicrosPerAlert: microsPerAlert, runs };
  },
};
