import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { AlertRow, BatchPlan } from '../../../sink/plan-batch.ts';
import { mergeRows, planBatch } from '../../../sink/plan-batch.ts';
import { eventLog, lifecycleEvent, lifeOf, passesOver } from '../../support/sink-events.ts';
import type { TableImage } from '../../support/sink-model.ts';
import { naiveImage } from '../../support/sink-model.ts';

/** The tables as apply-batch.ts leaves them, in maps: the same steps in the same order. */
class Tables {
  readonly #alerts = new Map<string, AlertRow>();
  readonly #events = new Map<string, LifecycleEvent>();
  readonly #archivedAlerts = new Map<string, AlertRow>();
  readonly #archivedEvents = new Map<string, LifecycleEvent>();

  apply(plan: BatchPlan): void {
    plan.discard.forEach((id) => this.#delete(id));
    plan.alerts.forEach((row) => this.#upsert(this.#alerts, row));
    plan.events.forEach((event) => this.#insert(this.#events, event));
    const known = plan.alerts.map(({ alertId }) => alertId).filter((id) => this.#archivedAlerts.has(id));
    for (const id of new Set([...plan.archive, ...known])) this.#archive(id);
  }

  image(): TableImage {
    const byId = (a: AlertRow, b: AlertRow): number => (a.alertId < b.alertId ? -1 : 1);
    const byAlert = (a: LifecycleEvent, b: LifecycleEvent): number =>
      a.alertId === b.alertId ? a.sequence - b.sequence : a.alertId < b.alertId ? -1 : 1;
    return {
      alerts: [...this.#alerts.values()].sort(byId),
      events: [...this.#events.values()].sort(byAlert),
      archivedAlerts: [...this.#archivedAlerts.values()].sort(byId),
      archivedEvents: [...this.#archivedEvents.values()].sort(byAlert),
    };
  }

  #upsert(table: Map<string, AlertRow>, row: AlertRow): void {
    const stored = table.get(row.alertId);
    table.set(row.alertId, stored === undefined ? row : mergeRows(stored, row));
  }

  #insert(table: Map<string, LifecycleEvent>, event: LifecycleEvent): void {
    if (!table.has(event.eventId)) table.set(event.eventId, event);
  }

  #archive(id: string): void {
    const row = this.#alerts.get(id);
    if (row !== undefined) this.#upsert(this.#archivedAlerts, row);
    for (const event of this.#events.values()) {
      if (event.alertId === id) this.#insert(this.#archivedEvents, event);
    }
    this.#delete(id);
  }

  #delete(id: string): void {
    this.#alerts.delete(id);
    for (const { alertId, eventId } of [...this.#events.values()]) if (alertId === id) this.#events.delete(eventId);
  }
}

describe('planBatch', () => {
  it('[INV-SINK-BATCHING] gives the same tables wherever the log is cut into batches and whatever is read again', () => {
    const logAndPasses = eventLog.chain((log) => fc.tuple(fc.constant(log), passesOver(log.length)));
    fc.assert(
      fc.property(logAndPasses, ([log, passes]) => {
        const tables = new Tables();
        for (const [from, until] of passes) tables.apply(planBatch(log.slice(from, until)));
        expect(tables.image()).toEqual(naiveImage(log));
      }),
      { numRuns: 1_000 },
    );
  });

  it('[INV-SINK-ORDER] gives the same tables in whatever order the events of unpurged alerts arrive', () => {
    const lives = [lifeOf('a').slice(0, 4), lifeOf('b').slice(0, 4), lifeOf('c').slice(0, 2)].flat();
    const arrival = fc.shuffledSubarray([...lives, ...lives], { minLength: 1 });
    fc.assert(
      fc.property(arrival, fc.integer({ min: 1, max: 5 }), (log, size) => {
        const tables = new Tables();
        for (let from = 0; from < log.length; from += size) tables.apply(planBatch(log.slice(from, from + size)));
        expect(tables.image()).toEqual(naiveImage(log));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the time of the last status change through comments', () => {
    const [created, escalated, commented] = lifeOf('a') as [LifecycleEvent, LifecycleEvent, LifecycleEvent];
    const [row] = planBatch([created, escalated, commented]).alerts;
    expect(row).toMatchObject({
      statusTimeMs: escalated.timestamp,
      statusSequence: 2,
      updatedAtMs: commented.timestamp,
      sequence: 3,
      status: 'ESCALATED',
      severity: 'critical',
    });
  });

  it('takes the alert whole from the first event seen after a gap', () => {
    const commented = lifeOf('a')[2] as LifecycleEvent;
    const plan = planBatch([commented]);
    expect(plan.alerts).toMatchObject([{ alertId: 'a', status: 'ESCALATED', statusTimeMs: commented.alertTimestamp }]);
    expect(plan.events).toEqual([commented]);
  });

  it('archives a purged alert with all its events', () => {
    const plan = planBatch(lifeOf('a', true));
    expect(plan).toMatchObject({ discard: [], archive: ['a'] });
    expect(plan.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  it('writes nothing of an alert that is purged without an archive in the same batch', () => {
    expect(planBatch(lifeOf('a', false))).toEqual({ discard: ['a'], alerts: [], events: [], archive: [] });
  });

  it('takes what follows a purge without an archive for another alert', () => {
    const again = lifecycleEvent({ alertId: 'a', driverId: 'TEST-02' });
    const plan = planBatch([...lifeOf('a', false), again]);
    expect(plan).toMatchObject({ discard: ['a'], alerts: [{ alertId: 'a', driverId: 'TEST-02' }], events: [again] });
  });

  it.each(['{}', '{"archive":null}', '{"archive":"false"}', 'null', 'not JSON'])(
    'archives when a purge does not say otherwise: %s',
    (metadata) => {
      const purged = { ...(lifeOf('a')[4] as LifecycleEvent), metadata };
      expect(planBatch([purged]).archive).toEqual(['a']);
    },
  );
});
