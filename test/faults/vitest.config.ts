import { defineConfig } from 'vitest/config';

/**
 * Faults on real services: `npm run faults`. One file after the other, each on a broker, registry and database of its own.
 * FAULTS_SEED=<number> repeats a run's faults; FAULTS_ROUNDS sets the rounds of the long one;
 * FAULTS_KEEP=1 keeps logs and data; `-- -t <name>` picks tests.
 */
export default defineConfig({
  test: {
    name: 'faults',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    fileParallelism: false,
    disableConsoleIntercept: true,
    // The warning is of kafkajs on Node 24: it passes timers a delay below zero, which the timers treat as at once.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    testTimeout: 30 * 60_000,
    hookTimeout: 10 * 60_000,
    teardownTimeout: 60_000,
  },
});
