/**
 * Error counts as the buckets of a range, from the counts that are kept by minute, hour and day.
 *
 * Invariant: a trend has one entry for each bucket of its range, in order, the last one holding the present; a bucket without errors
 * is 0.
 */
import type { Resolution } from '../../schemas/log-error-count.ts';

export const TREND_RANGES = ['1h', '24h', '7d', '30d', '3m', '6m', '1y'] as const;
export type TrendRange = (typeof TREND_RANGES)[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Weeks begin on Mondays, and 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

interface Shape {
  readonly bucketMs: number;
  readonly buckets: number;
  /** The counts that its buckets are made of. */
  readonly resolution: Resolution;
}

const SHAPES: Readonly<Record<TrendRange, Shape>> = {
  '1h': { bucketMs: MINUTE_MS, buckets: 60, resolution: 'minute' },
  '24h': { bucketMs: 5 * MINUTE_MS, buckets: 288, resolution: 'minute' },
  '7d': { bucketMs: HOUR_MS, buckets: 168, resolution: 'hour' },
  '30d': { bucketMs: 6 * HOUR_MS, buckets: 120, resolution: 'hour' },
  '3m': { bucketMs: DAY_MS, buckets: 91, resolution: 'day' },
  '6m': { bucketMs: DAY_MS, buckets: 182, resolution: 'day' },
  '1y': { bucketMs: WEEK_MS, buckets: 53, resolution: 'day' },
};

export interface Trend extends Shape {
  /** Start of the first bucket. UTC epoch milliseconds. */
  readonly fromMs: number;
  /** End of the last one, exclusive. */
  readonly toMs: number;
}

/** The buckets of a range that ends now. */
export const trendOf = (range: TrendRange, nowMs: number): Trend => {
  const shape = SHAPES[range];
  const { bucketMs, buckets } = shape;
  const anchorMs = bucketMs === WEEK_MS ? FIRST_MONDAY_MS : 0;
  const lastMs = Math.floor((nowMs - anchorMs) / bucketMs) * bucketMs + anchorMs;
  return { ...shape, fromMs: lastMs - (buckets - 1) * bucketMs, toMs: lastMs + bucketMs };
};

export interface TrendPoint {
  readonly time: string;
  readonly count: number;
}

/** `counts`: of the trend's resolution, any order. Counts outside of its range are left out. */
export const trendPoints = (
  { fromMs, bucketMs, buckets }: Trend,
  counts: readonly { readonly bucketStartMs: number; readonly count: number }[],
): readonly TrendPoint[] => {
  const sums = new Array<number>(buckets).fill(0);
  for (const { bucketStartMs, count } of counts) {
    const index = Math.floor((bucketStartMs - fromMs) / bucketMs);
    if (index >= 0 && index < buckets) sums[index] = (sums[index] as number) + count;
  }
  return sums.map((count, index) => ({ time: new Date(fromMs + index * bucketMs).toISOString(), count }));
};
