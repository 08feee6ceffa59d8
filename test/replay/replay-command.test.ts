import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Comparison, type AlertDifference } from '../../cli/replay/comparison.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { SEVERITIES } from '../../schemas/vocabulary.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { HOUR, MINUTE, replayOf, runLive, SKEW_MS, type Arrival, type Rules } from '../support/replay-world.ts';

const SECOND = 1000;
const START_MS = Date.UTC(2025, 10, 24, 9, 30);

const RULES: Rules = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 4 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
};

/** Other counts, windows, lives and severities, and another set of source types. */
const OTHER_RULES: Rules = {
  overspeed: { escalate_if_count: 2, window_mins: 2, auto_close_after_mins: 4 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 60, escalate_to: 'critical' },
  fuel_theft: { escalate_if_count: 1, window_mins: 1 },
};

const EVERYTHING = { fromMs: -Infinity, toMs: Infinity };

const arrivals = fc
  .array(
    fc.record({
      stepMs: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 * SECOND }) },
        { weight: 2, arbitrary: fc.constantFrom(0, MINUTE, 2 * MINUTE, 4 * MINUTE) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 70 * MINUTE }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 20 * HOUR }) },
      ),
      // On time, a little late, long after it happened, ahead of its time.
      behindMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: MINUTE }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * HOUR }) },
        { weight: 1, arbitrary: fc.integer({ min: -SKEW_MS, max: 0 }) },
      ),
      driverId: fc.constantFrom('TEST-01', 'TEST-02', 'TEST-03'),
      sourceType: fc.constantFrom('overspeed', 'overspeed', 'feedback_negative', 'compliance', 'fuel_theft'),
      severity: fc.constantFrom(...SEVERITIES, 'unknown'),
      document_valid: fc.boolean(),
      given: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((items): Arrival[] => {
    let arrivesMs = START_MS;
    return items.map(({ stepMs, behindMs, given, document_valid, ...about }, index) => {
      arrivesMs += stepMs;
      const alertId = given ? `given-${index}` : null;
      const metadata = JSON.stringify({ index, document_valid });
      return { arrivesMs, alert: { ...about, alertId, timestamp: arrivesMs - behindMs, metadata } };
    });
  });

const endOf = (through: readonly Arrival[]): number => (through.at(-1)?.arrivesMs ?? START_MS) + 30 * HOUR;

const byId = (events: readonly LifecycleEvent[]): LifecycleEvent[] =>
  [...events].sort((one, other) => (one.eventId < other.eventId ? -1 : 1));

describe('a replay beside the live job', () => {
  test('[INV-REPLAY-COMMAND] brings every event of the live job with its id, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (through) => {
        const live = await runLive(RULES, through, endOf(through));
        const { events, totals } = await replayOf(live, RULES, EVERYTHING);
        expect(byId(events.current)).toEqual(byId(live.events));
        expect(totals.deadLetters).toBe((await live.deadLetters()).length);
        await live.close();
      }),
      { numRuns: 60 },
    );
  });

  test('[INV-REPLAY-COMMAND] of a stretch of time brings the live job’s events of that stretch, wherever it is cut', async () => {
    const rules = fc.constantFrom<Rules>(
      { overspeed: { escalate_if_count: 2, window_mins: 60, auto_close_after_mins: 1 } },
      { overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 60 } },
      { compliance: { auto_close_if: 'document_valid' }, retention: { purge_after_mins: 90 } },
      RULES,
    );
    const cut = fc.record({ event: fc.nat(200), byMs: fc.integer({ min: -1, max: 1 }), hours: fc.nat(60) });
    await fc.assert(
      fc.asyncProperty(arrivals, rules, cut, async (through, inForce, { event, byMs, hours }) => {
        const live = await runLive(inForce, through, endOf(through));
        fc.pre(live.events.length > 0);
        // Events sit where it matters on which side they fall.
        const fromMs = (live.events[event % live.events.length] as LifecycleEvent).timestamp + byMs;
        const range = { fromMs, toMs: fromMs + hours * HOUR + 1 };
        const { events } = await replayOf(live, inForce, range);
        const wanted = live.events.filter(({ timestamp }) => timestamp >= range.fromMs && timestamp < range.toMs);
        expect(byId(events.current)).toEqual(byId(wanted));
        await live.close();
      }),
      { numRuns: 150 },
    );
  });

  test('counts an alert that came ahead of its time, and before the time at which reading would begin', async () => {
    const rules = { overspeed: { escalate_if_count: 2, window_mins: 60 } };
    const early = { ...alertAt(0), alert: { ...alertAt(0).alert, timestamp: START_MS + SKEW_MS } };
    const counted = alertAt(64 * 60);
    const live = await runLive(rules, [early, counted], endOf([counted]));
    const { events, readings } = await replayOf(live, rules, { fromMs: counted.arrivesMs, toMs: Infinity });
    expect(readings.some(({ start, end }) => start < end)).toBe(true);
    expect(events.current.map(({ eventType }) => eventType)).toEqual(['CREATED', 'ESCALATED']);
    await live.close();
  });

  test('leaves the live job’s log as it was', async () => {
    const through = [alertAt(0), alertAt(10), alertAt(20)];
    const live = await runLive(RULES, through, endOf(through));
    const before = live.events.length;
    await replayOf(live, RULES, EVERYTHING);
    await live.until(endOf(through) + HOUR);
    expect(live.events).toHaveLength(before);
    expect(live.driver.log.committedOffset('alerts-replay', { topic: 'raw-alerts', partition: 0 })).toBeUndefined();
    await live.close();
  });

  test('does not read what cannot matter any more', async () => {
    const day = 24 * 60 * 60;
    const through = [alertAt(0), alertAt(10 * day), alertAt(10 * day + 10)];
    const live = await runLive(RULES, through, endOf(through));
    const range = { fromMs: START_MS + 10 * day * SECOND, toMs: Infinity };
    const { totals, events } = await replayOf(live, RULES, range);
    expect(totals.read).toBe(2);
    expect(events.current.map(({ eventType }) => eventType)).toEqual(
      live.events.slice(-6).map(({ eventType }) => eventType),
    );
    await live.close();
  });

  test('takes a day of timers in steps, each handed on before the next', async () => {
    const through = Array.from({ length: 6_000 }, (_, index) => alertAt(index / 1000, `D-${index}`));
    const live = await runLive({}, through.slice(0, 1), START_MS);
    const bulk = through.slice(1).map(({ alert }) => ({
      topic: 'raw-alerts',
      key: Buffer.from(alert.driverId),
      value: Buffer.from(JSON.stringify(alert)),
    }));
    await live.driver.log.client('bulk').plainProducer().send(bulk);
    await live.driver.clock.advance(HOUR);
    const { events } = await replayOf(live, RULES, EVERYTHING);
    const of = (type: string): number => events.current.filter(({ eventType }) => eventType === type).length;
    expect([of('CREATED'), of('AUTO_CLOSED'), of('PURGED')]).toEqual([6_000, 6_000, 6_000]);
    await live.close();
  });
});

const alertAt = (seconds: number, driverId = 'TEST-01'): Arrival => {
  const arrivesMs = START_MS + Math.floor(seconds * SECOND);
  const alert = { alertId: null, driverId, sourceType: 'overspeed', severity: 'low', metadata: '{}' };
  return { arrivesMs, alert: { ...alert, timestamp: arrivesMs } };
};

/** What people see of an alert. */
const fate = (events: readonly LifecycleEvent[]): string =>
  JSON.stringify(
    events
      .filter(({ eventType }) => eventType === 'ESCALATED' || eventType === 'AUTO_CLOSED')
      .map(({ eventType, timestamp, reason, severity }) => [
        eventType,
        timestamp,
        reason,
        eventType === 'ESCALATED' ? severity : '',
      ]),
  );

describe('comparing two sets of rules', () => {
  test('[INV-WHAT-IF] names exactly the alerts that fare differently in two live systems with those rules', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (through) => {
        const live = await runLive(RULES, through, endOf(through));
        const other = await runLive(OTHER_RULES, through, endOf(through));
        const { events } = await replayOf(live, RULES, EVERYTHING, OTHER_RULES);
        const differences: AlertDifference[] = [];
        const comparison = new Comparison((difference) => differences.push(difference));
        for (const side of ['current', 'candidate'] as const) {
          for (const event of events[side]) comparison.add(side, event);
        }
        comparison.finish();
        const ids = new Set(live.events.map(({ alertId }) => alertId));
        const expected = [...ids].filter((id) => fate(live.eventsOf(id)) !== fate(other.eventsOf(id)));
        expect(differences.map(({ alertId }) => alertId).sort()).toEqual(expected.sort());
        for (const system of [live, other]) await system.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('a replay that is interrupted', () => {
  test('ends with an interruption and takes its state with it', async () => {
    const through = [alertAt(0), alertAt(10)];
    const live = await runLive(RULES, through, endOf(through));
    const ending = new AbortController();
    const states = new MemoryBackendFactory();
    const replaying = replayOf(live, RULES, EVERYTHING, undefined, {
      signal: ending.signal,
      states: () => states,
      onEvents: async () => ending.abort(),
    });
    await expect(replaying).rejects.toMatchObject({ exitCode: 130 });
    expect(await states.list()).toEqual([]);
    await live.close();
  });

  test('by a fault of whoever takes the events rejects with that fault', async () => {
    const through = [alertAt(0, 'TEST-01'), alertAt(10, 'TEST-02'), alertAt(20, 'TEST-03')];
    const live = await runLive(RULES, through, endOf(through));
    const states = new MemoryBackendFactory();
    const replaying = replayOf(live, RULES, EVERYTHING, undefined, {
      states: () => states,
      onEvents: () => Promise.reject(new Error('the disk is full')),
    });
    await expect(replaying).rejects.toThrow('the disk is full');
    expect(await states.list()).toEqual([]);
    await live.close();
  });
});
