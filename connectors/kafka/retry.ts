/**
 * Waiting between attempts: exponential, capped, with jitter, and always bounded by a deadline or a signal.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../streams/ports.ts';

export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** For faults of brokers and connections. */
export const BROKER_BACKOFF: BackoffPolicy = { initialMs: 20, maxMs: 1_000 };

/** The coordinator writes the markers of a transaction after it answered its end; that takes a couple of milliseconds. */
export const CONCURRENT_TRANSACTION_BACKOFF: BackoffPolicy = { initialMs: 2, maxMs: 50 };

const GROWTH = 1.7;
const JITTER = 0.3;

export class Backoff {
  private readonly policy: BackoffPolicy;
  private delayMs: number;

  constructor(policy: BackoffPolicy) {
    this.policy = policy;
    this.delayMs = policy.initialMs;
  }

  /** The pause before the next attempt, in milliseconds. */
  next(): number {
    const current = this.delayMs;
    this.delayMs = Math.min(this.policy.maxMs, current * GROWTH);
    return current * (1 - JITTER + Math.random() * 2 * JITTER);
  }

  reset(): void {
    this.delayMs = this.policy.initialMs;
  }
}

/** Resolves after the time, or at once when the signal aborts. */
export const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
  try {
    await delay(Math.max(1, ms), undefined, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
};

const REPEAT_AFTER_MS = 10_000;

/** Logs the first fault of a row, then one in ten seconds, and the end of the row: an outage is not a flood of lines. */
export class FaultLog {
  private readonly logger: Logger;
  private since: number | undefined;
  private lastLoggedAt = 0;
  private attempts = 0;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  fault(what: string, error: unknown): void {
    const now = Date.now();
    this.since ??= now;
    this.attempts++;
    if (now - this.lastLoggedAt < REPEAT_AFTER_MS) return;
    this.lastLoggedAt = now;
    this.logger.warn(`${what}; trying again`, {
      error: error instanceof Error ? error.message : String(error),
      attempts: this.attempts,
      forMs: now - this.since,
    });
  }

  recovered(what: string): void {
    if (this.since === undefined) return;
    this.logger.info(what, { afterMs: Date.now() - this.since, attempts: this.attempts });
    this.since = undefined;
    this.lastLoggedAt = 0;
    this.attempts = 0;
  }
}

/**
 * Calls `attempt` until it resolves. An error that is not retriable, or the last one before the deadline (`Date.now()`),
 * rejects. `pause` may give another backoff for an error.
 */
export const retryUntil = async <T>(
  deadline: number,
  isRetriable: (error: unknown) => boolean,
  attempt: () => Promise<T>,
  options: {
    readonly backoffFor?: (error: unknown) => BackoffPolicy;
    readonly onFault?: (error: unknown) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<T> => {
  const backoffs = new Map<BackoffPolicy, Backoff>();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const policy = options.backoffFor?.(error) ?? BROKER_BACKOFF;
      const backoff = backoffs.get(policy) ?? new Backoff(policy);
      backoffs.set(policy, backoff);
      const pauseMs = backoff.next();
      if (!isRetriable(error) || options.signal?.aborted === true || Date.now() + pauseMs > deadline) throw error;
      options.onFault?.(error);
      await sleep(pauseMs, options.signal);
    }
  }
};
