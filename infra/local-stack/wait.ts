/**
 * Bounded waiting. Invariant: every wait ends: by its condition, by its deadline or by the signal that stops the stack.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** Asks until the answer is yes; false when the time is over. Rejects when the signal fires. */
export async function waitUntil(isTrue: () => boolean | Promise<boolean>, options: WaitOptions): Promise<boolean> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal.throwIfAborted();
    if (await isTrue()) return true;
    if (performance.now() + options.everyMs > deadlineMs) return false;
    await delay(options.everyMs, undefined, { signal: options.signal });
  }
}

/** Sleeps; false when the signal cut it short. */
export async function sleeps(timeMs: number, signal: AbortSignal): Promise<boolean> {
  return delay(timeMs, true, { signal }).catch(() => false);
}

/** True when `event` settles within the time; it is not cancelled otherwise. */
export async function settlesWithin(event: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const timeUp = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const settled = await Promise.race([
    event.then(
      () => true,
      () => true,
    ),
    timeUp,
  ]);
  timer.abort();
  return settled;
}
