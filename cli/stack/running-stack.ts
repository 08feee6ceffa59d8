/**
 * The stack that runs on a data folder, if any, as its lock tells.
 *
 * Invariant: only the very process that holds the lock is signalled; process ids are given out again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../../infra/local-stack/process-identity.ts';
import type { Reporter } from '../../infra/local-stack/report.ts';
import { codeOf } from '../../infra/local-stack/stack-failure.ts';
import { stopLeftovers } from '../../infra/local-stack/state-file.ts';
import { waitUntil } from '../../infra/local-stack/wait.ts';
import { failure } from '../exit-codes.ts';

/** Longer than what the stack gives its processes to end. */
const STOP_TIMEOUT_MS = 180_000;
const LOOK_EVERY_MS = 100;

/** The process that runs the stack. Only looks: to take the lock for a moment could keep a stack from starting. */
export function runningStack(dataDir: string): ProcessIdentity | undefined {
  const lock = join(dataDir, 'stack.lock');
  if (!existsSync(lock)) return undefined;
  let owner: ProcessIdentity;
  try {
    owner = JSON.parse(readFileSync(lock, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return isAlive(owner) ? owner : undefined;
}

/** Stops it and waits for its end; also what a killed one left behind. Resolves with whether there was anything to stop. */
export async function stopStack(dataDir: string, reporter: Reporter): Promise<boolean> {
  const owner = runningStack(dataDir);
  const waiting = { timeoutMs: STOP_TIMEOUT_MS, everyMs: LOOK_EVERY_MS, signal: new AbortController().signal };
  if (owner !== undefined) {
    reporter.progress(`Stopping the stack (process ${owner.pid})`);
    process.kill(owner.pid, 'SIGTERM');
    if (!(await waitUntil(() => !isAlive(owner), waiting))) {
      throw failure(`The stack (process ${owner.pid}) did not end within ${STOP_TIMEOUT_MS / 1000} s.`);
    }
  }
  const left = existsSync(dataDir) ? await stopLeftovers(dataDir, waiting.signal) : [];
  if (left.length > 0) reporter.line(`Stopped what an earlier start had left running: ${left.join(', ')}`);
  return owner !== undefined || left.length > 0;
}
