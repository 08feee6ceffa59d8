/**
 * Waiting for the log to change.
 *
 * Invariant: a waiter resumes as soon as its condition holds after some change, or its time is over, or its signal aborts;
 * waiters that a change concerns resume in the order in which they began to wait.
 */
import type { Clock } from '../ports.ts';

interface Waiter {
  readonly ready: () => boolean;
  readonly wake: () => void;
}

/** Given as the reason of an abort; without one, each would make an error with a stack, which costs more than all the rest. */
const WOKEN = 'woken';

export class LogChanges {
  readonly #waiters = new Set<Waiter>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something changed: whoever waited for just that goes on. */
  notify(): void {
    for (const waiter of [...this.#waiters]) if (waiter.ready()) waiter.wake();
  }

  /** Resolves when `ready` holds, when the signal aborts, or after `timeoutMs` where one is given. */
  async until(ready: () => boolean, timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    if (ready() || signal?.aborted) return;
    const over = timeoutMs === undefined ? undefined : new AbortController();
    await new Promise<void>((resolve) => {
      const waiter: Waiter = {
        ready,
        wake: () => {
          this.#waiters.delete(waiter);
          signal?.removeEventListener('abort', waiter.wake);
          over?.abort(WOKEN);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', waiter.wake, { once: true });
      if (timeoutMs !== undefined) void this.#clock.sleep(timeoutMs, over?.signal).then(waiter.wake);
    });
  }
}
