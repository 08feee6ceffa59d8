/**
 * A lock between processes, kept as a file that names its owner. Invariant: at most one live process holds it; the lock of
 * a dead one is taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identify, isAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { codeOf } from './stack-failure.ts';
import { waitUntil } from './wait.ts';

export interface HeldLock {
  release(): void;
}

export interface LockAttempt {
  readonly held?: HeldLock;
  /** The live process that holds the lock, when it was not obtained. */
  readonly owner?: ProcessIdentity;
}

let attempts = 0;

/** Takes the lock when it is free; its folder must exist. */
export function tryLock(path: string): LockAttempt {
  const own = `${path}.${process.pid}.${(attempts += 1)}`;
  writeFileSync(own, JSON.stringify(identify(process.pid)));
  try {
    // A link appears whole or not at all, so that nobody reads a lock without an owner.
    for (let round = 0; round < 3; round += 1) {
      if (linked(own, path)) return { held: { release: () => rmSync(path, { force: true }) } };
      const owner = readOwner(path);
      if (owner !== undefined && isAlive(owner)) return { owner };
      removeStale(path, owner, own);
    }
    return {};
  } finally {
    rmSync(own, { force: true });
  }
}

/** Waits for the lock; undefined when the time is over. */
export async function waitForLock(
  path: string,
  options: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    onWait(owner: ProcessIdentity | undefined): void;
  },
): Promise<HeldLock | undefined> {
  let held: HeldLock | undefined;
  await waitUntil(
    () => {
      const attempt = tryLock(path);
      held = attempt.held;
      if (held === undefined) options.onWait(attempt.owner);
      return held !== undefined;
    },
    { timeoutMs: options.timeoutMs, everyMs: 500, signal: options.signal },
  );
  return held;
}

function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Moves the dead owner's lock aside, and puts it back if another process renewed it in the meantime. */
function removeStale(path: string, judged: ProcessIdentity | undefined, own: string): void {
  const aside = `${own}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = readOwner(aside);
  if (moved !== undefined && moved.startedAt !== judged?.startedAt) linked(aside, path);
  rmSync(aside, { force: true });
}
