/**
 * Runs a replay with its state in a temporary folder and its progress on the terminal.
 *
 * Invariant: the folder is gone when the replay has ended, however.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter } from '../../infra/local-stack/report.ts';
import { RocksDbBackendFactory } from '../../state/rocksdb-factory.ts';
import type { StateBackendFactory } from '../../streams/ports.ts';
import type { Side } from './comparison.ts';
import { progressLine } from './progress.ts';
import { MAX_PARTITIONS_AT_ONCE, replay, type ReplayJob, type ReplayTotals } from './replay.ts';

/** Memory for the stores of one set of rules. */
const STATE_BUDGET_BYTES = 256 * 1024 * 1024;

export async function runJob(
  job: Omit<ReplayJob, 'states' | 'onProgress'>,
  reporter: Reporter,
): Promise<ReplayTotals & { readonly durationMs: number }> {
  const startedMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'alerts-replay-'));
  const states = new Map<Side, StateBackendFactory>();
  const statesOf = (side: Side): StateBackendFactory => {
    const known = states.get(side) ?? newStates(join(folder, side));
    states.set(side, known);
    return known;
  };
  const onProgress = ({ read, toRead }: ReplayTotals): void => {
    const state = { done: read, total: toRead, elapsedMs: performance.now() - startedMs };
    reporter.progress(progressLine(state, 'records'));
  };
  try {
    const totals = await replay({ ...job, states: statesOf, onProgress });
    return { ...totals, durationMs: Math.round(performance.now() - startedMs) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const newStates = (stateDir: string): StateBackendFactory =>
  new RocksDbBackendFactory({ stateDir, budgetBytes: STATE_BUDGET_BYTES, maxTasks: MAX_PARTITIONS_AT_ONCE });
