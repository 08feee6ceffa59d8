/**
 * A thread that runs the seeds it is sent, one after the other, and answers with each one's result.
 */
import { parentPort } from 'node:worker_threads';
import { runSeed, type SeedResult } from './run-seed.ts';

let running = 0;

const answer = (result: SeedResult): void => parentPort?.postMessage(result);

// Nothing of the engine may end unheard: it would end the process.
process.on('unhandledRejection', (error) => {
  const failure = `Seed ${running} fails: a rejection that nobody handled: ${String((error as Error).stack)}`;
  answer({ seed: running, hash: '', steps: 0, failure });
});

parentPort?.on('message', (seed: number) => {
  running = seed;
  void runSeed(seed).then(answer);
});
