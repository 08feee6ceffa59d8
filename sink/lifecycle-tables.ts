/**
 * The tables of the driver alerts, as the sink writes them.
 *
 * Invariant: what a batch means is planned before the transaction (`plan-batch.ts`), and the transaction only carries it out.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import { applyBatch } from './apply-batch.ts';
import { problemWith } from './check-event.ts';
import { planBatch } from './plan-batch.ts';
import type { SinkTables } from './ports.ts';

export const lifecycleTables: SinkTables<LifecycleEvent> = {
  nameOf: ({ eventId }) => eventId,
  problemWith,
  apply: async (database, events, position) => {
    const plan = planBatch(events);
    await applyBatch(database, plan, position);
    return { alerts: plan.alerts.length, alert_events: plan.events.length };
  },
};
