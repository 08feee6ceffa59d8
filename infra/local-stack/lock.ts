/**
 * A lock between processes, kept as a file that names its owner. Invariant: at most one live process holds it; the lock of
 * a dead one is taken over.
 */
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
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

const rounds = 50;
const betweenRoundsMs = 10;
const longestTakeoverMs = 10_000;
let attempts = 0;

/** Takes the lock when it is free; its folder must exist. */
export async function tryLock(path: string): Promise<LockAttempt> {
  const own = `${path}.${process.pid}.${(attempts += 1)}`;
  writeFileSync(own, JSON.stringify(identify(process.pid)));
  try {
    for (let round = 0; round < rounds; round += 1) {
      if (linked(own, path)) return { held: { release: () => rmSync(path, { force: true }) } };
      const owner = readOwner(path);
      if (owner !== 'nobody' && owner !== 'unreadable' && isAlive(owner)) return { owner };
      removeDead(path, own);
      await delay(betweenRoundsMs);
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
    async () => {
      const attempt = await tryLock(path);
      held = attempt.held;
      if (held === undefined) options.onWait(attempt.owner);
      return held !== undefined;
    },
    { timeoutMs: options.timeoutMs, everyMs: 500, signal: options.signal },
  );
  return held;
}

/** Gives a written file the name of the lock; a link appears whole or not at all, so no lock is without an owner. */
function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(path: string): ProcessIdentity | 'nobody' | 'unreadable' {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'nobody';
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
}

/**
 * Removes the lock of a dead owner. One process at a time may do so: nobody else changes such a lock, so that it is still
 * the judged one when it is removed.
 */
function removeDead(path: string, own: string): void {
  const takeover = `${path}.takeover`;
  if (!linked(own, takeover)) {
    if (ageMs(takeover) > longestTakeoverMs) rmSync(takeover, { force: true });
    return;
  }
  try {
    const owner = readOwner(path);
    if (owner === 'nobody') return;
    if (owner === 'unreadable' || !isAlive(owner)) rmSync(path, { force: true });
  } finally {
    rmSync(takeover, { force: true });
  }
}

function ageMs(path: string): number {
  const entry = statSync(path, { throwIfNoEntry: false });
  return entry === undefined ? 0 : Date.now() - entry.ctimeMs;
}
