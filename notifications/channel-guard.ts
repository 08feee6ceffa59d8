/**
 * What stands between the notifier and one channel: a limit of sends at once, a circuit breaker, a time-out for each send.
 *
 * Invariant [INV-NOTIFY-BREAKER]: after some failures in a row nothing is sent for a while, then one trial decides; a slow channel
 * takes up its own places only. What can never be delivered says nothing about the channel and counts for nothing here.
 */
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { DeliveryError } from '../connectors/notifications/sender.ts';
import type { BreakerState } from './channel-store.ts';
import type { FailureKind } from './delivery.ts';

export interface GuardOptions {
  /** For one send. */
  readonly timeoutMs: number;
  /** Sends at once, and how many more may wait for a place; not more than that, so that none waits for two of them. */
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  /** Failures in a row that open the circuit, and how long it stays open. */
  readonly failures: number;
  readonly halfOpenAfterMs: number;
}

export const DEFAULT_GUARD: GuardOptions = {
  timeoutMs: 5_000,
  maxConcurrent: 16,
  maxQueued: 16,
  failures: 5,
  halfOpenAfterMs: 10_000,
};

export interface Failure {
  readonly kind: FailureKind;
  /** For operators. */
  readonly reason: string;
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  // Nobody isolates a circuit here; to those who look it is one that lets nothing through.
  [CircuitState.Isolated]: 'open',
};

const failureOf = (error: unknown, timeoutMs: number): Failure => {
  if (error instanceof BrokenCircuitError) {
    return {
      kind: 'held',
      reason: 'The circuit is open: the channel failed repeatedly and is left alone for a while.',
    };
  }
  if (error instanceof BulkheadRejectedError) return { kind: 'held', reason: 'The channel is busy.' };
  if (error instanceof TaskCancelledError) {
    return { kind: 'transient', reason: `The channel did not answer within ${timeoutMs} ms.` };
  }
  if (error instanceof DeliveryError) {
    return { kind: error.permanent ? 'permanent' : 'transient', reason: error.message };
  }
  // Whatever a sender did not foresee must not come back with every attempt.
  return { kind: 'permanent', reason: `Unexpected: ${error instanceof Error ? error.message : String(error)}.` };
};

export class ChannelGuard {
  readonly #policy;
  readonly #breaker;
  readonly #timeoutMs: number;

  /** `changed` hears of every change of the circuit and must not throw. */
  constructor(options: GuardOptions, changed: (state: BreakerState) => void) {
    const { timeoutMs, maxConcurrent, maxQueued, failures, halfOpenAfterMs } = options;
    this.#timeoutMs = timeoutMs;
    this.#breaker = circuitBreaker(
      handleWhen((error) => !(error instanceof DeliveryError && error.permanent)),
      { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: halfOpenAfterMs },
    );
    this.#breaker.onStateChange((state) => changed(STATES[state]));
    this.#policy = wrap(
      bulkhead(maxConcurrent, Math.min(maxQueued, maxConcurrent)),
      this.#breaker,
      timeout(timeoutMs, TimeoutStrategy.Aggressive),
    );
  }

  get state(): BreakerState {
    return STATES[this.#breaker.state];
  }

  /** Undefined once it was sent. Does not reject. */
  async send(send: (signal: AbortSignal) => Promise<void>): Promise<Failure | undefined> {
    try {
      await this.#policy.execute(({ signal }) => send(signal));
      return undefined;
    } catch (error) {
      return failureOf(error, this.#timeoutMs);
    }
  }
}
