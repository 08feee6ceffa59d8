/**
 * Runs the simulator over many seeds: `npm run simulate -- --seeds N [--seed FIRST] [--jobs THREADS]`. Tells the first failure
 * whole and ends with exit code 1.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runSeeds } from './seed-pool.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});

const whole = (name: string, value: string): number => {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`--${name} must be a whole number from 1 on.`);
  return number;
};

const PROGRESS_EVERY = 500;

const first = whole('seed', values.seed);
const count = whole('seeds', values.seeds);
const startedMs = performance.now();
const failed = await runSeeds({
  first,
  count,
  jobs: whole('jobs', values.jobs),
  onProgress: (done, steps) => {
    if (done % PROGRESS_EVERY !== 0 && done !== count) return;
    const perSecond = (done / ((performance.now() - startedMs) / 1_000)).toFixed(1);
    console.log(`${done} of ${count} seeds, ${perSecond} seeds/s, ${Math.round(steps / done)} steps a seed`);
  },
});
if (failed !== undefined) {
  console.error(failed.failure);
  console.error(`Found after ${failed.seed - first + 1} seeds.`);
  process.exitCode = 1;
}
