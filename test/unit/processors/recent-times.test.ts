import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recentTimesSerde } from '../../../processors/recent-times-serde.ts';
import { countAt, countSettings, withTime, type CountSettings } from '../../../processors/recent-times.ts';
import { maxThinned, thinTimes } from '../../../processors/thin-times.ts';

/** Keeps every time for ever and counts from scratch. */
const naiveCount = (all: readonly number[], timeMs: number, windowMs: number): number =>
  all.filter((other) => other > timeMs - windowMs && other <= timeMs).length + 1;

const sum = (times: readonly number[]): number => times.reduce((total, time) => total + time, 0);

/** Rules small enough that windows, grace and storms all come into play within a few hundred alerts. */
const rule = fc.record({
  escalateAt: fc.integer({ min: 1, max: 6 }),
  windowMs: fc.integer({ min: 1, max: 400 }),
  graceMs: fc.integer({ min: 0, max: 300 }),
});

const settingsOf = (of: { escalateAt: number; windowMs: number; graceMs: number }): CountSettings =>
  countSettings(of.escalateAt, of.windowMs, of.graceMs);

/** Steps from the newest time so far: mostly forward, often standing still, sometimes far back. */
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }) },
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: -300, max: 0 }) },
    { weight: 1, arbitrary: fc.integer({ min: -2000, max: 900 }) },
  ),
  { minLength: 1, maxLength: 250 },
);

function* arrivals(of: readonly number[]): Generator<{ timeMs: number; newestMs: number }> {
  let newestMs = 10_000;
  for (const step of of) {
    const timeMs = newestMs + step;
    yield { timeMs, newestMs };
    newestMs = Math.max(newestMs, timeMs);
  }
}

describe('counting a key’s alerts', () => {
  test('counts (t - window, t] and the alert itself', () => {
    const times = [1000, 1500, 2000, 2000, 2500];
    expect(countAt(times, 2000, 1000)).toBe(4);
    expect(countAt(times, 2000, 1001)).toBe(5);
    expect(countAt(times, 999, 1000)).toBe(1);
    expect(countAt([], 5, 1000)).toBe(1);
  });

  test('[INV-COUNT-EXACT] within the grace period every decision is that of a count over all alerts, in any order, in any storm', () => {
    fc.assert(
      fc.property(rule, steps, fc.boolean(), (of, through, alwaysThin) => {
        const settings = alwaysThin ? { ...settingsOf(of), capacity: 0 } : settingsOf(of);
        const all: number[] = [];
        let known: readonly number[] = [];
        for (const { timeMs, newestMs } of arrivals(through)) {
          const exact = naiveCount(all, timeMs, of.windowMs);
          const counted = countAt(known, timeMs, of.windowMs);
          if (timeMs >= newestMs - of.graceMs) expect(counted >= of.escalateAt).toBe(exact >= of.escalateAt);
          expect(counted).toBeLessThanOrEqual(exact);
          known = withTime(known, timeMs, settings);
          all.push(timeMs);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('the count itself is exact as long as the record was not thinned', () => {
    fc.assert(
      fc.property(rule, steps, (of, through) => {
        const settings = { ...settingsOf(of), capacity: Infinity };
        const all: number[] = [];
        let known: readonly number[] = [];
        for (const { timeMs, newestMs } of arrivals(through)) {
          if (timeMs >= newestMs - of.graceMs) {
            expect(countAt(known, timeMs, of.windowMs)).toBe(naiveCount(all, timeMs, of.windowMs));
          }
          known = withTime(known, timeMs, settings);
          all.push(timeMs);
        }
      }),
    );
  });

  test('[INV-COUNT-BOUNDED] a record never holds more than its capacity, whatever comes', () => {
    fc.assert(
      fc.property(rule, steps, (of, through) => {
        const settings = settingsOf(of);
        let known: readonly number[] = [];
        for (const { timeMs } of arrivals(through)) {
          known = withTime(known, timeMs, settings);
          expect(known.length).toBeGreaterThan(0);
          expect(known.length).toBeLessThanOrEqual(settings.capacity);
          expect(known).toEqual(known.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  test('a storm of ten thousand alerts in one millisecond stays small and escalates', () => {
    const settings = countSettings(3, 120_000, 60_000);
    let known: readonly number[] = [];
    for (let index = 0; index < 10_000; index++) known = withTime(known, 1_000_000, settings);
    expect(known.length).toBeLessThanOrEqual(32);
    expect(countAt(known, 1_000_000, 120_000)).toBeGreaterThanOrEqual(3);
    expect(countAt(known, 1_000_000 + 120_000, 120_000)).toBe(1);
  });

  test('counting leaves the earlier record as it was', () => {
    const before = Object.freeze([1, 2, 3]);
    const after = withTime(before, 2, countSettings(3, 1000, 1000));
    expect(before).toEqual([1, 2, 3]);
    expect(after).toEqual([1, 2, 2, 3]);
  });

  test('times that no alert within the grace period can ask for are dropped', () => {
    const settings = countSettings(3, 1000, 500);
    expect(withTime([8_499, 8_500, 8_501], 10_000, settings)).toEqual([8_501, 10_000]);
    expect(withTime([10_000], 8_500, settings)).toEqual([10_000]);
    expect(withTime([10_000], 8_501, settings)).toEqual([8_501, 10_000]);
  });
});

describe('thinning', () => {
  const crowd = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 120 });

  test('changes no capped count for any window end from the given one on', () => {
    fc.assert(
      fc.property(rule, crowd, ({ escalateAt, windowMs, graceMs }, crowded) => {
        const times = crowded.toSorted((a, b) => a - b);
        const newestMs = times.at(-1) as number;
        const needed = escalateAt - 1;
        const fromMs = newestMs - graceMs;
        const thinned = thinTimes(times, { needed, windowMs, fromMs });
        expect(thinned.at(-1)).toBe(newestMs);
        for (let endMs = fromMs; endMs <= newestMs + windowMs; endMs++) {
          const capped = (of: readonly number[]): number => Math.min(needed, countAt(of, endMs, windowMs) - 1);
          if (capped(thinned) !== capped(times)) expect(`window end ${endMs}`).toBe('the same before and after');
        }
      }),
      { numRuns: 300 },
    );
  });

  test('leaves at most what the bound says', () => {
    fc.assert(
      fc.property(rule, crowd, ({ escalateAt, windowMs, graceMs }, crowded) => {
        const newestMs = Math.max(...crowded);
        const times = crowded.filter((time) => time > newestMs - graceMs - windowMs).toSorted((a, b) => a - b);
        const thinned = thinTimes(times, { needed: escalateAt - 1, windowMs, fromMs: newestMs - graceMs });
        expect(thinned.length).toBeLessThanOrEqual(maxThinned(escalateAt - 1, windowMs, graceMs));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the stored form', () => {
  const serde = recentTimesSerde();
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1 }), time, time, (unsorted, windowMs, collectAtMs) => {
        const value = { timesMs: unsorted.toSorted((a, b) => a - b), windowMs, collectAtMs };
        expect(serde.deserialize('', serde.serialize('', value))).toEqual(value);
      }),
    );
  });

  test('takes about a hundred bytes for a full record of a two-minute window', () => {
    const timesMs = Array.from({ length: 32 }, (_, index) => 1_763_976_804_000 + index * 5_600);
    const bytes = serde.serialize('', { timesMs, windowMs: 120_000, collectAtMs: 1_763_976_804_000 });
    expect(bytes?.length).toBeLessThan(100);
    expect(sum(timesMs)).toBe(sum([...serde.deserialize('', bytes).timesMs]));
  });

  test.each([
    ['bytes that end too soon', Uint8Array.of(1, 5)],
    ['another layout', Uint8Array.of(9, 1, 1, 0)],
    ['nothing', null],
  ])('%s are refused as corrupted state', (_, bytes) => {
    expect(() => serde.deserialize('', bytes)).toThrow('must be restored from its changelog');
  });
});
