/**
 * From the events of a batch to what the tables must take in, as data.
 *
 * Invariant: a plan depends only on the events and their order, and applying the plans of consecutive batches leaves the same
 * tables wherever the log is cut into batches and however often a stretch of it is applied again. It holds because rows are
 * merged by sequence number: the state of an alert is that of its highest sequence, its status time that of the highest
 * sequence that changed the status.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';

/** A row of `alerts`. Times are UTC epoch milliseconds. */
export interface AlertRow {
  readonly alertId: string;
  readonly driverId: string;
  readonly sourceType: string;
  readonly severity: string;
  readonly status: string;
  /** When the status last changed. */
  readonly statusTimeMs: number;
  /** The text of a JSON object. */
  readonly metadata: string;
  /** The alert's own time. */
  readonly createdAtMs: number;
  /** The time of its last event. */
  readonly updatedAtMs: number;
  readonly sequence: number;
  /** The sequence number of the event that `statusTimeMs` comes from; 0 when none was seen. */
  readonly statusSequence: number;
}

export interface BatchPlan {
  /** Alerts whose rows, with their events, are deleted before anything else: purged without an archive. */
  readonly discard: readonly string[];
  readonly alerts: readonly AlertRow[];
  /** Grouped by alert, in log order within each. Their alerts are all in `alerts`. */
  readonly events: readonly LifecycleEvent[];
  /** Alerts that go to the archive, with their events, after everything else. */
  readonly archive: readonly string[];
}

/** What one batch says about one alert. */
interface Planned {
  row: AlertRow;
  readonly events: LifecycleEvent[];
}

const toRow = (event: LifecycleEvent): AlertRow => {
  const changesStatus = event.oldStatus !== event.newStatus;
  return {
    alertId: event.alertId,
    driverId: event.driverId,
    sourceType: event.sourceType,
    severity: event.severity,
    status: event.newStatus,
    statusTimeMs: changesStatus ? event.timestamp : event.alertTimestamp,
    metadata: event.alertMetadata,
    createdAtMs: event.alertTimestamp,
    updatedAtMs: event.timestamp,
    sequence: event.sequence,
    statusSequence: changesStatus ? event.sequence : 0,
  };
};

/** The row after both; the same in either order, and `mergeRows(a, a)` is `a`. */
export const mergeRows = (a: AlertRow, b: AlertRow): AlertRow => {
  const latest = b.sequence > a.sequence ? b : a;
  const { statusTimeMs, statusSequence } = b.statusSequence > a.statusSequence ? b : a;
  return { ...latest, statusTimeMs, statusSequence };
};

/** Archiving is what a PURGED event asks for unless it says `"archive": false`; that loses nothing when it is unclear. */
const asksForArchive = (event: LifecycleEvent): boolean => {
  try {
    return (JSON.parse(event.metadata) as { archive?: unknown } | null)?.archive !== false;
  } catch {
    // The database refuses the metadata of this event, so the plan is never applied with it.
    return true;
  }
};

const addEvent = (planned: Map<string, Planned>, event: LifecycleEvent): void => {
  const known = planned.get(event.alertId);
  if (known === undefined) {
    planned.set(event.alertId, { row: toRow(event), events: [event] });
    return;
  }
  known.row = mergeRows(known.row, toRow(event));
  known.events.push(event);
};

/** The events must have passed `problemWith`. */
export const planBatch = (events: readonly LifecycleEvent[]): BatchPlan => {
  const planned = new Map<string, Planned>();
  const discard = new Set<string>();
  const archive = new Set<string>();
  for (const event of events) {
    if (event.eventType === 'PURGED' && !archive.has(event.alertId)) {
      if (asksForArchive(event)) {
        archive.add(event.alertId);
      } else {
        // What follows under the same id is another alert.
        planned.delete(event.alertId);
        discard.add(event.alertId);
        continue;
      }
    }
    addEvent(planned, event);
  }
  const rows = [...planned.values()];
  return {
    discard: [...discard],
    alerts: rows.map(({ row }) => row),
    events: rows.flatMap(({ events: ofAlert }) => ofAlert),
    archive: [...archive],
  };
};
