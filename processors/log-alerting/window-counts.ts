/**
 * What one rule has counted of one service: buckets of time, from which every window is a sum.
 *
 * A tumbling window is one bucket. A sliding one ends with the bucket of the log that is looked at and reaches back over as many
 * buckets as it has steps, so it is exact to one step.
 *
 * Invariants:
 * - Values are never changed in place, so whoever holds an older one can go back to it.
 * - A bucket is kept until every window that it belongs to is past its grace period; buckets are in the order of time.
 */
import type { LogEvent } from '../../schemas/log-event.ts';
import type { ConditionValues } from './condition.ts';
import type { PreparedRule } from './prepared-rule.ts';

/** What became of the windows that a bucket belongs to. */
export type BucketOutcome = 'none' | 'suppressed' | 'fired';

export interface WindowBucket {
  readonly startMs: number;
  /** Logs that match the rule. */
  readonly count: number;
  readonly total: number;
  /** Logs with a response time, their sum and maximum in milliseconds. */
  readonly timed: number;
  readonly sumMs: number;
  readonly maxMs: number;
  readonly outcome: BucketOutcome;
}

export interface WindowCounts {
  /** Of the rule; another revision starts to count anew. */
  readonly revision: number;
  readonly buckets: readonly WindowBucket[];
  /** When nothing of this can matter any more. UTC epoch milliseconds. */
  readonly collectAtMs: number;
}

export interface Window extends WindowBucket {
  /** Exclusive. */
  readonly endMs: number;
}

export const bucketStartOf = (timeMs: number, { stepMs }: PreparedRule): number => Math.floor(timeMs / stepMs) * stepMs;

/** True when no window that a bucket belongs to takes logs any more. */
export const isPast = (startMs: number, { windowMs }: PreparedRule, graceMs: number, streamTimeMs: number): boolean =>
  startMs + windowMs + graceMs <= streamTimeMs;

const EMPTY = { count: 0, total: 0, timed: 0, sumMs: 0, maxMs: 0, outcome: 'none' } as const;

const counted = (bucket: WindowBucket, log: LogEvent, matches: boolean): WindowBucket => {
  const { responseTime } = log;
  const timed = responseTime !== null;
  return {
    startMs: bucket.startMs,
    count: bucket.count + (matches ? 1 : 0),
    total: bucket.total + 1,
    timed: bucket.timed + (timed ? 1 : 0),
    sumMs: bucket.sumMs + (responseTime ?? 0),
    maxMs: timed ? Math.max(bucket.maxMs, responseTime) : bucket.maxMs,
    outcome: bucket.outcome,
  };
};

/** The buckets with one of them replaced or put in its place. */
const withBucket = (buckets: readonly WindowBucket[], bucket: WindowBucket): readonly WindowBucket[] => {
  if (buckets.length === 1 && buckets[0]?.startMs === bucket.startMs) return [bucket];
  let at = buckets.length;
  while (at > 0 && (buckets[at - 1] as WindowBucket).startMs > bucket.startMs) at -= 1;
  const replaces = at > 0 && (buckets[at - 1] as WindowBucket).startMs === bucket.startMs;
  return [...buckets.slice(0, replaces ? at - 1 : at), bucket, ...buckets.slice(at)];
};

const collectAtMs = (buckets: readonly WindowBucket[], { windowMs }: PreparedRule, graceMs: number): number =>
  (buckets.at(-1)?.startMs ?? 0) + windowMs + graceMs;

/** The counts with one log more. The log must not be past. */
export function countLog(
  known: WindowCounts | undefined,
  log: LogEvent,
  prepared: PreparedRule,
  { graceMs, streamTimeMs }: { readonly graceMs: number; readonly streamTimeMs: number },
): WindowCounts {
  const { revision } = prepared.rule;
  const startMs = bucketStartOf(log.timestamp, prepared);
  const former = known?.revision === revision ? known.buckets : [];
  const bucket = former.findLast((each) => each.startMs === startMs) ?? { startMs, ...EMPTY };
  const first = former[0];
  const hasPast = first !== undefined && isPast(first.startMs, prepared, graceMs, streamTimeMs);
  const kept = hasPast ? former.filter((each) => !isPast(each.startMs, prepared, graceMs, streamTimeMs)) : former;
  const buckets = withBucket(kept, counted(bucket, log, prepared.matches(log)));
  return { revision, buckets, collectAtMs: collectAtMs(buckets, prepared, graceMs) };
}

/** The window that ends with the bucket of that time. */
export function windowAt({ buckets }: WindowCounts, timeMs: number, prepared: PreparedRule): Window {
  const lastStartMs = bucketStartOf(timeMs, prepared);
  const endMs = lastStartMs + prepared.stepMs;
  const startMs = endMs - prepared.windowMs;
  let sum: Window = { startMs, endMs, ...EMPTY };
  for (const bucket of buckets) {
    if (bucket.startMs < startMs || bucket.startMs > lastStartMs) continue;
    sum = {
      startMs,
      endMs,
      count: sum.count + bucket.count,
      total: sum.total + bucket.total,
      timed: sum.timed + bucket.timed,
      sumMs: sum.sumMs + bucket.sumMs,
      maxMs: Math.max(sum.maxMs, bucket.maxMs),
      outcome: bucket.outcome === 'none' || sum.outcome === 'fired' ? sum.outcome : bucket.outcome,
    };
  }
  return sum;
}

/** The counts with the outcome written down in the bucket of that time. */
export function withOutcome(
  counts: WindowCounts,
  timeMs: number,
  prepared: PreparedRule,
  outcome: BucketOutcome,
): WindowCounts {
  const startMs = bucketStartOf(timeMs, prepared);
  const buckets = counts.buckets.map((bucket) => (bucket.startMs === startMs ? { ...bucket, outcome } : bucket));
  return { ...counts, buckets };
}

export const conditionValues = (window: Window, { rule }: PreparedRule): ConditionValues => ({
  count: window.count,
  total: window.total,
  rate: window.total === 0 ? 0 : (window.count * 100) / window.total,
  avg: window.timed === 0 ? 0 : window.sumMs / window.timed,
  max: window.maxMs,
  threshold: rule.threshold,
  windowMinutes: rule.windowMinutes,
});
