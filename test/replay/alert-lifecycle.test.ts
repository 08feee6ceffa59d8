import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import { SEVERITIES } from '../../schemas/vocabulary.ts';
import { AlertSystem } from '../support/alert-system.ts';
import { naiveEvents, type NaiveEvent } from './naive-alerts.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START_MS = Date.UTC(2025, 10, 24, 9, 30);
const GRACE_MS = 60 * SECOND;

const RULES = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 4 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
};

/** Alerts as they arrive: `arrivesMs` after the start, `behindMs` after they happened. */
interface Arrival {
  readonly arrivesMs: number;
  readonly alert: RawAlert;
}

const arrivals = fc
  .array(
    fc.record({
      stepMs: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 * SECOND }) },
        { weight: 2, arbitrary: fc.constant(0) },
        // Exactly a window, half a window, or the time to close apart.
        { weight: 2, arbitrary: fc.constantFrom(MINUTE, 2 * MINUTE, 4 * MINUTE) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 20 * HOUR }) },
      ),
      behindMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: GRACE_MS })),
      driverId: fc.constantFrom('TEST-01', 'TEST-02'),
      sourceType: fc.constantFrom('overspeed', 'overspeed', 'feedback_negative', 'compliance', 'fuel_theft'),
      severity: fc.constantFrom(...SEVERITIES),
      document_valid: fc.boolean(),
      given: fc.option(fc.constantFrom('id-1', 'id-2', 'id-3'), { freq: 4 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((items): Arrival[] => {
    let arrivesMs = START_MS;
    return items.map(({ stepMs, behindMs, given, document_valid, ...about }, index) => {
      arrivesMs += stepMs;
      const metadata = JSON.stringify({ index, document_valid });
      return { arrivesMs, alert: { ...about, alertId: given, timestamp: arrivesMs - behindMs, metadata } };
    });
  });

const endOf = (through: readonly Arrival[]): number => (through.at(-1)?.arrivesMs ?? START_MS) + 60 * HOUR;

/** Ids stay known for a day after the purge; the naive model knows them for ever. */
const withinMemory = (through: readonly Arrival[]): boolean =>
  (through.at(-1)?.arrivesMs ?? 0) - (through[0]?.arrivesMs ?? 0) < 24 * HOUR;

const naively = ({ alertMetadata, eventType, timestamp, severity, reason, metadata }: LifecycleEvent): NaiveEvent => [
  alertMetadata,
  eventType,
  timestamp,
  severity,
  reason,
  (JSON.parse(metadata) as { count?: number }).count,
];

const sorted = <T>(items: readonly T[]): string[] => items.map((item) => JSON.stringify(item)).sort();

/** Sends every alert when it arrives; restarts after the ones named. */
async function runLive(through: readonly Arrival[], restartAfter: ReadonlySet<number> = new Set()) {
  const system = await AlertSystem.start({ rules: RULES, driver: { startTimeMs: START_MS } });
  for (const [index, { arrivesMs, alert }] of through.entries()) {
    await system.until(arrivesMs);
    await system.send(alert);
    if (restartAfter.has(index)) await system.restart();
  }
  await system.until(endOf(through));
  return system;
}

describe('any input within the grace period', () => {
  test('[INV-NAIVE-MODEL] gives the events of a model that keeps everything and works each alert out from scratch', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (through) => {
        fc.pre(withinMemory(through));
        const system = await runLive(through);
        const expected = naiveEvents(
          through.map(({ alert }) => alert),
          RULES,
          endOf(through),
        );
        expect(sorted(system.events.map(naively))).toEqual(sorted(expected));
        await system.close();
      }),
      { numRuns: 60 },
    );
  });

  test('[INV-SEQUENCE] gives every alert events numbered from 1 without a gap, each taking up the status the last one left', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (through) => {
        const system = await runLive(through);
        const last = new Map<string, LifecycleEvent>();
        for (const event of system.events) {
          const before = last.get(event.alertId);
          const again = event.eventType === 'CREATED' && before?.eventType === 'PURGED';
          expect(event.sequence).toBe(again || before === undefined ? 1 : before.sequence + 1);
          expect(event.oldStatus).toBe(again || before === undefined ? null : before.newStatus);
          expect(event.eventId).toBe(`${event.alertId}:${event.sequence}`);
          last.set(event.alertId, event);
        }
        await system.close();
      }),
      { numRuns: 30 },
    );
  });

  test('[INV-REPLAY] gives the same events live, with restarts in between, and read again from the log much later', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, fc.array(fc.nat({ max: 39 })), async (through, restartAfter) => {
        const live = await runLive(through);
        const restless = await runLive(through, new Set(restartAfter));
        expect(restless.events).toEqual(live.events);

        const replay = await AlertSystem.start({
          driver: { log: { log: live.driver.log, clock: live.driver.clock }, config: { applicationId: 'replay' } },
        });
        await replay.until(endOf(through));
        // The replay writes to the same topic, so every event is there twice now, the same to the last letter.
        expect(sorted(replay.events)).toEqual(sorted([...live.events, ...live.events]));
        for (const system of [live, restless, replay]) await system.close();
      }),
      { numRuns: 40 },
    );
  });
});
