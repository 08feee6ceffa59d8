import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Violation } from './audit/evidence.ts';
import { runSeed } from './run-seed.ts';
import { runSeeds } from './seed-pool.ts';

/** About a minute on two cores; the limit is for machines that have other things to do. */
const SEEDS = 2_000;
const LIMIT_MS = 900_000;

/**
 * What would break in one of these runs: [INV-EXACTLY-ONCE] [INV-COMMIT-ORDER] [INV-FENCING] [INV-READ-ASSIGNED]
 * [INV-STALE-BATCH] [INV-RESTORE] [INV-NO-WASTE] [INV-STANDBY] [INV-SETTLES] [INV-ATOMIC-RECORD] [INV-PARTITION-ORDER]
 * [INV-TIMER-ORDER] [INV-STREAM-TIME] [INV-ASSIGNMENT].
 */
describe('the simulated application', () => {
  it(
    `holds and has written what its inputs say, after ${SEEDS} runs full of faults`,
    async () => {
      const failed = await runSeeds({ first: 1, count: SEEDS, jobs: availableParallelism() });
      expect(failed?.failure).toBeUndefined();
    },
    LIMIT_MS,
  );

  it('takes the same steps for the same seed, and others for another [INV-SIMULATION-REPLAY]', async () => {
    const hashes = async () => {
      const taken: string[] = [];
      for (let seed = 1; seed <= 10; seed++) taken.push((await runSeed(seed)).hash);
      return taken;
    };
    const first = await hashes();
    expect(await hashes()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });

  it('tells a failure with its seed and its story, and the same one again when it is replayed [INV-SIMULATION-REPLAY]', async () => {
    const judge = (): never => {
      throw new Violation('something is lost');
    };
    const { failure } = await runSeed(17, judge);
    expect(failure).toMatch(/^Seed 17 fails: something is lost\n/);
    expect(failure).toContain('m1: starts as m1.1');
    expect(failure).toMatch(/\nReplay it: npm run simulate -- --seed 17 --seeds 1$/);
    expect((await runSeed(17, judge)).failure).toBe(failure);
  });
});
