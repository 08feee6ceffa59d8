/**
 * The folder one stack keeps everything in. Invariant: at most one stack uses it at a time, and only a folder that a stack
 * made is ever emptied.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from './lock.ts';
import type { HeldLock } from './lock.ts';
import type { Reporter } from './report.ts';
import { StackFailure } from './stack-failure.ts';
import { stopLeftovers } from './state-file.ts';

const markerName = 'alerts-stack';
const lockName = 'stack.lock';

/** Takes the folder for this process; what a killed start left running on it is stopped first. */
export async function openDataDir(dataDir: string, reporter: Reporter, signal: AbortSignal): Promise<HeldLock> {
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
  const attempt = await tryLock(join(dataDir, lockName));
  if (attempt.held === undefined) {
    throw new StackFailure(
      `A stack runs on ${dataDir} already (process ${attempt.owner?.pid}): stop it with Ctrl-C, or set DATA_DIR and ` +
        'the ports to others for a second one.',
    );
  }
  try {
    const stopped = await stopLeftovers(dataDir, signal);
    if (stopped.length > 0) reporter.line(`Stopped what an earlier start left running: ${stopped.join(', ')}`);
    markAsOurs(dataDir);
    return attempt.held;
  } catch (error) {
    attempt.held.release();
    throw error;
  }
}

/** Removes all data; the folder must be open. */
export function emptyDataDir(dataDir: string): void {
  if (!existsSync(join(dataDir, markerName))) {
    throw new StackFailure(
      `${dataDir} holds files that no stack made, so --fresh does not empty it: set DATA_DIR to a folder of its own.`,
    );
  }
  const kept = [lockName, markerName];
  for (const name of readdirSync(dataDir)) {
    if (!kept.includes(name)) rmSync(join(dataDir, name), { recursive: true, force: true });
  }
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
}

/** Marks a folder that holds nothing but what was just made in it. */
function markAsOurs(dataDir: string): void {
  const foreign = readdirSync(dataDir).filter((name) => name !== 'logs' && name !== lockName);
  if (foreign.length === 0) writeFileSync(join(dataDir, markerName), 'This folder belongs to a local stack.\n');
}
