import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareRule } from '../../../../processors/log-alerting/prepared-rule.ts';
import {
  bucketStartOf,
  countLog,
  isPast,
  windowAt,
  type WindowCounts,
} from '../../../../processors/log-alerting/window-counts.ts';
import type { LogEvent } from '../../../../schemas/log-event.ts';
import { logOf, ruleOf, START_MS } from '../../../support/log-system.ts';

const GRACE_MS = 30_000;

const logs = fc
  .array(
    fc.record({
      gapMs: fc.integer({ min: -40_000, max: 20_000 }),
      level: fc.constantFrom('info', 'error'),
      responseTime: fc.option(fc.integer({ min: 1, max: 5_000 })),
    }),
    { maxLength: 120 },
  )
  .map((steps) => {
    let timestamp = START_MS;
    return steps.map(({ gapMs, level, responseTime }) => {
      timestamp += gapMs;
      return logOf({ timestamp, level, responseTime });
    });
  });

const rules = fc.record({
  windowType: fc.constantFrom('TUMBLING', 'SLIDING'),
  windowMinutes: fc.constantFrom(0.25, 0.5, 1, 1.7),
});

describe('the counts of a window', () => {
  it('[INV-LOG-WINDOWS] are those of all logs in it, late ones included up to the grace period', () => {
    fc.assert(
      fc.property(logs, rules, (all, shape) => {
        const prepared = prepareRule(ruleOf({ type: 'ERROR_RATE', threshold: 5, ...shape }));
        const counted: LogEvent[] = [];
        let counts: WindowCounts | undefined;
        let streamTimeMs = -1;
        for (const log of all) {
          streamTimeMs = Math.max(streamTimeMs, log.timestamp);
          const startMs = bucketStartOf(log.timestamp, prepared);
          if (isPast(startMs, prepared, GRACE_MS, streamTimeMs)) continue;
          counts = countLog(counts, log, prepared, { graceMs: GRACE_MS, streamTimeMs });
          counted.push(log);
          // Older windows may have lost their first buckets already.
          if (log.timestamp < streamTimeMs - GRACE_MS + prepared.stepMs) continue;
          const window = windowAt(counts, log.timestamp, prepared);
          const within = counted.filter(({ timestamp }) => {
            const bucketMs = bucketStartOf(timestamp, prepared);
            return bucketMs <= startMs && bucketMs > startMs - prepared.windowMs;
          });
          const timed = within.flatMap(({ responseTime }) => responseTime ?? []);
          expect(window).toMatchObject({
            total: within.length,
            count: within.filter(({ level }) => level === 'error').length,
            timed: timed.length,
            sumMs: timed.reduce((sum, timeMs) => sum + timeMs, 0),
            maxMs: Math.max(0, ...timed),
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stay bounded: a bucket goes with the last window that it belongs to', () => {
    const prepared = prepareRule(ruleOf({ type: 'ERROR_RATE', threshold: 5, windowType: 'SLIDING', windowMinutes: 1 }));
    let counts: WindowCounts | undefined;
    for (let second = 0; second < 600; second += 1) {
      const streamTimeMs = START_MS + second * 1_000;
      counts = countLog(counts, logOf({ timestamp: streamTimeMs }), prepared, { graceMs: GRACE_MS, streamTimeMs });
      expect(counts.buckets.length).toBeLessThanOrEqual(91);
    }
  });
});
