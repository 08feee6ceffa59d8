import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TREND_RANGES, trendOf, trendPoints } from '../../../gateway/logs/error-trend.ts';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 10, 24, 9, 33, 24);

describe('the buckets of a range', () => {
  it.each([
    ['1h', 60, 'minute', '2026-11-24T08:34:00.000Z', '2026-11-24T09:33:00.000Z'],
    ['24h', 288, 'minute', '2026-11-23T09:35:00.000Z', '2026-11-24T09:30:00.000Z'],
    ['7d', 168, 'hour', '2026-11-17T10:00:00.000Z', '2026-11-24T09:00:00.000Z'],
    ['30d', 120, 'hour', '2026-10-25T12:00:00.000Z', '2026-11-24T06:00:00.000Z'],
    ['3m', 91, 'day', '2026-08-26T00:00:00.000Z', '2026-11-24T00:00:00.000Z'],
    ['6m', 182, 'day', '2026-05-27T00:00:00.000Z', '2026-11-24T00:00:00.000Z'],
    ['1y', 53, 'day', '2025-11-24T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
  ] as const)('%s are %i, from counts by %s', (range, buckets, resolution, first, last) => {
    const trend = trendOf(range, NOW_MS);
    expect([trend.buckets, trend.resolution]).toEqual([buckets, resolution]);
    const points = trendPoints(trend, []);
    expect([points.length, points[0]?.time, points.at(-1)?.time]).toEqual([buckets, first, last]);
    expect(points.every(({ count }) => count === 0)).toBe(true);
  });

  it('hold the counts that begin in them, and no others', () => {
    const trend = trendOf('24h', NOW_MS);
    const count = (bucketStartMs: number, errors: number) => ({ bucketStartMs, count: errors });
    const last = Date.UTC(2026, 10, 24, 9, 30);
    const points = trendPoints(trend, [
      count(last, 1),
      count(last + 4 * MINUTE_MS, 2),
      count(last - MINUTE_MS, 4),
      count(trend.fromMs - MINUTE_MS, 8),
      count(trend.toMs, 16),
    ]);
    expect(points.slice(-2).map(({ count: errors }) => errors)).toEqual([4, 3]);
    expect(points.reduce((sum, { count: errors }) => sum + errors, 0)).toBe(7);
  });

  it('reach to the present and follow each other without gaps, whenever they are asked for', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TREND_RANGES), fc.integer({ min: 0, max: 4e12 }), (range, nowMs) => {
        const { fromMs, toMs, bucketMs, buckets } = trendOf(range, nowMs);
        expect(toMs - fromMs).toBe(buckets * bucketMs);
        expect(nowMs < toMs && nowMs >= toMs - bucketMs).toBe(true);
      }),
    );
  });
});
