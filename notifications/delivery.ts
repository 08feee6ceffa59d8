/**
 * The life of one delivery, PENDING → DELIVERED or DEAD, and when it is tried again.
 *
 * Invariant [INV-NOTIFY-BOUNDED]: a delivery ends: after its attempts are used up, at the first failure that no repeat can mend, or
 * when its time is over. An attempt that never reached the channel (its circuit is open, or it is busy) uses none up.
 */

/** `held`: nothing was sent; `transient`: may work later; `permanent`: will fail the same way again. */
export type FailureKind = 'held' | 'transient' | 'permanent';

export interface RetryPolicy {
  readonly maxAttempts: number;
  /** About the wait after the first failure; it doubles with each one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export interface PendingDelivery {
  /** Attempts that reached the channel and failed. */
  readonly attempts: number;
  /** UTC epoch milliseconds. */
  readonly expiresAtMs: number;
}

export type DeliveryState =
  | { readonly status: 'PENDING'; readonly attempts: number; readonly nextAttemptAtMs: number }
  | { readonly status: 'DELIVERED'; readonly attempts: number }
  | { readonly status: 'DEAD'; readonly attempts: number };

export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 10, firstDelayMs: 1_000, maxDelayMs: 300_000 };

/** Between half and all of the doubled delay, so that what failed together is not repeated together. `random`: from 0 to below 1. */
export const retryDelayMs = (failures: number, policy: RetryPolicy, random: number): number => {
  const doubled = policy.firstDelayMs * 2 ** Math.min(Math.max(failures, 1) - 1, 40);
  return Math.round(Math.min(doubled, policy.maxDelayMs) * (0.5 + random / 2));
};

export const afterSuccess = ({ attempts }: PendingDelivery): DeliveryState => ({
  status: 'DELIVERED',
  attempts: attempts + 1,
});

export const afterFailure = (
  delivery: PendingDelivery,
  kind: FailureKind,
  policy: RetryPolicy,
  at: { readonly nowMs: number; readonly random: number },
): DeliveryState => {
  const attempts = delivery.attempts + (kind === 'held' ? 0 : 1);
  const nextAttemptAtMs = at.nowMs + retryDelayMs(attempts, policy, at.random);
  const isOver = attempts >= policy.maxAttempts || nextAttemptAtMs >= delivery.expiresAtMs;
  return kind === 'permanent' || isOver
    ? { status: 'DEAD', attempts }
    : { status: 'PENDING', attempts, nextAttemptAtMs };
};
