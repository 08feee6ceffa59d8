/**
 * Runs many seeds on several threads.
 *
 * Invariant: seeds are handed out in order and none is handed out after a failure, so the failure that is told is the first one
 * among them, however many threads there are. A seed that does not end is a failure too.
 */
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run-seed.ts';

export interface SeedRange {
  readonly first: number;
  readonly count: number;
  /** Threads. */
  readonly jobs: number;
  readonly onProgress?: (done: number, steps: number) => void;
}

/** A seed takes well below a second; this many mean that it goes round in circles. */
const SEED_LIMIT_MS = 120_000;

/** The failure of the lowest seed, or undefined when all passed. */
export async function runSeeds({ first, count, jobs, onProgress }: SeedRange): Promise<SeedResult | undefined> {
  let next = first;
  let done = 0;
  let steps = 0;
  let failed: SeedResult | undefined;
  const take = (): number | undefined => (failed === undefined && next < first + count ? next++ : undefined);
  const lane = async (): Promise<void> => {
    const thread = new SeedThread();
    for (let seed = take(); seed !== undefined; seed = take()) {
      const result = await thread.run(seed);
      done += 1;
      steps += result.steps;
      if (result.failure !== undefined && (failed === undefined || seed < failed.seed)) failed = result;
      onProgress?.(done, steps);
    }
    await thread.end();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, lane));
  return failed;
}

class SeedThread {
  readonly #worker = new Worker(new URL('./seed-worker.ts', import.meta.url));

  run(seed: number): Promise<SeedResult> {
    return new Promise((resolve) => {
      const fail = (why: string): void => settle({ seed, hash: '', steps: 0, failure: `Seed ${seed} fails: ${why}` });
      const onError = (error: Error): void => fail(String(error.stack));
      const limit = setTimeout(() => fail(`it does not end within ${SEED_LIMIT_MS} ms`), SEED_LIMIT_MS);
      const settle = (result: SeedResult): void => {
        clearTimeout(limit);
        this.#worker.off('message', settle).off('error', onError);
        resolve(result);
      };
      this.#worker.on('message', settle).on('error', onError);
      this.#worker.postMessage(seed);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
