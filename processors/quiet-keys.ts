/**
 * When what is kept under a key is forgotten.
 *
 * Invariant: forgetting follows stream time, that is the input alone. The timer that frees the space may fire early (by the wall
 * clock, while a partition is quiet) or late; a decision asks `isPast` and so comes out the same in a replay.
 */

/** How long after the moment of forgetting the timer comes by, so that it rarely comes in vain. */
const SLACK_MS = 60 * 60_000;

/** Times are UTC epoch milliseconds, here and below. */
export const isPast = (forgetAtMs: number, streamTimeMs: number): boolean => forgetAtMs <= streamTimeMs;

/** When the timer of something that is forgotten at `forgetAtMs` comes by first. */
export const firstCollectAtMs = (forgetAtMs: number): number => forgetAtMs + SLACK_MS;

/**
 * When it comes by again after finding it still wanted at `nowMs`: because the key has been in use, or because its partition is
 * quiet and stream time stands still; then it is enough to come every `intervalMs`.
 */
export const nextCollectAtMs = (forgetAtMs: number, dueMs: number, nowMs: number, intervalMs: number): number =>
  forgetAtMs > dueMs ? firstCollectAtMs(forgetAtMs) : Math.max(dueMs, nowMs) + intervalMs;
