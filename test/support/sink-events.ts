/**
 * Lifecycle events for tests of the sink, and streams of them as a log could hold them.
 */
import fc from 'fast-check';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';

const BASE_MS = Date.UTC(2026, 10, 24, 9, 0, 0);

/** The first event of an alert unless told otherwise; `eventId` follows from id and sequence. */
export const lifecycleEvent = (fields: Partial<LifecycleEvent> = {}): LifecycleEvent => {
  const { alertId = 'alert-1', sequence = 1 } = fields;
  return {
    eventId: `${alertId}:${sequence}`,
    alertId,
    sequence,
    eventType: 'CREATED',
    reason: 'below_count',
    oldStatus: null,
    newStatus: 'OPEN',
    driverId: 'TEST-01',
    sourceType: 'overspeed',
    severity: 'medium',
    timestamp: BASE_MS,
    metadata: '{"reason":"below_count","src":"overspeed"}',
    alertTimestamp: BASE_MS,
    alertMetadata: '{"speed":121}',
    ...fields,
  };
};

/** The whole life of one alert: created, escalated, commented on, closed and purged. */
export const lifeOf = (alertId: string, archive = true, startMs = BASE_MS): readonly LifecycleEvent[] => {
  const step = (sequence: number, fields: Partial<LifecycleEvent>): LifecycleEvent =>
    lifecycleEvent({
      alertId,
      sequence,
      alertTimestamp: startMs,
      timestamp: startMs + (sequence - 1) * 1_000,
      alertMetadata: JSON.stringify({ of: alertId, startMs }),
      metadata: JSON.stringify({ reason: 'step', src: 'overspeed', sequence, archive }),
      ...fields,
    });
  return [
    step(1, {}),
    step(2, { eventType: 'ESCALATED', oldStatus: 'OPEN', newStatus: 'ESCALATED', severity: 'critical' }),
    step(3, { eventType: 'COMMENTED', oldStatus: 'ESCALATED', newStatus: 'ESCALATED', severity: 'critical' }),
    step(4, { eventType: 'AUTO_CLOSED', oldStatus: 'ESCALATED', newStatus: 'AUTO_CLOSED', severity: 'critical' }),
    step(5, { eventType: 'PURGED', oldStatus: 'AUTO_CLOSED', newStatus: 'AUTO_CLOSED', severity: 'critical' }),
  ];
};

/** One alert in a generated log: how much of its life there is, what was lost, whether it is archived, whether its id comes again. */
interface Life {
  readonly archive: boolean;
  readonly length: number;
  readonly lost: readonly number[];
  readonly again: boolean;
}

const life = fc.record<Life>({
  archive: fc.boolean(),
  length: fc.integer({ min: 1, max: 5 }),
  lost: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
  again: fc.boolean(),
});

const eventsOf = ({ archive, length, lost, again }: Life, index: number): readonly LifecycleEvent[] => {
  const kept = (startMs: number): readonly LifecycleEvent[] =>
    lifeOf(`alert-${index}`, archive, startMs)
      .slice(0, length)
      .filter(({ sequence }) => !lost.includes(sequence));
  const first = kept(BASE_MS + index);
  // An id comes again as another alert only once the first was purged without a trace.
  const purgedForGood = !archive && first.at(-1)?.eventType === 'PURGED';
  return again && purgedForGood ? [...first, ...kept(BASE_MS + 3_600_000 + index).slice(0, 2)] : first;
};

/** Merges the lists in an order that the picks decide, each list's own order kept. */
const interleave = <T>(lists: readonly (readonly T[])[], picks: readonly number[]): readonly T[] => {
  const rest = lists.map((list) => [...list]).filter((list) => list.length > 0);
  const merged: T[] = [];
  for (let turn = 0; rest.length > 0; turn += 1) {
    const index = (picks[turn % picks.length] ?? 0) % rest.length;
    const list = rest[index] as T[];
    merged.push(list.shift() as T);
    if (list.length === 0) rest.splice(index, 1);
  }
  return merged;
};

/** A log of interleaved lives, with events lost (sequence gaps) and ids that come again. */
export const eventLog: fc.Arbitrary<readonly LifecycleEvent[]> = fc
  .tuple(fc.array(life, { minLength: 1, maxLength: 6 }), fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 40 }))
  .map(([lives, picks]) => interleave(lives.map(eventsOf), picks));

/**
 * How a sink goes through a log of that length: stretches `[from, until)`, each beginning at or before the end of the one before
 * it (batches, repetitions, restarts from an older position), the last one reaching the end.
 */
export const passesOver = (length: number): fc.Arbitrary<readonly (readonly [from: number, until: number])[]> =>
  fc.array(fc.tuple(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 8 })), { maxLength: 30 }).map((steps) => {
    const passes: (readonly [number, number])[] = [];
    let position = 0;
    for (const [back, size] of steps) {
      const from = Math.max(0, position - back);
      const until = Math.min(length, from + size);
      passes.push([from, until]);
      position = until;
    }
    if (position < length) passes.push([position, length]);
    return passes;
  });
