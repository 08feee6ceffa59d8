/**
 * A naive sink: one event at a time onto maps, each alert's row worked out anew from all of its events.
 *
 * It says what the tables must hold; it knows nothing of batches, plans or SQL.
 */
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { AlertRow } from '../../sink/plan-batch.ts';

type EventsBySequence = Map<number, LifecycleEvent>;

export interface TableImage {
  readonly alerts: readonly AlertRow[];
  readonly events: readonly LifecycleEvent[];
  readonly archivedAlerts: readonly AlertRow[];
  readonly archivedEvents: readonly LifecycleEvent[];
}

const inOrder = (events: EventsBySequence): readonly LifecycleEvent[] =>
  [...events.values()].sort((a, b) => a.sequence - b.sequence);

const rowOf = (events: EventsBySequence): AlertRow => {
  const ordered = inOrder(events);
  const last = ordered.at(-1) as LifecycleEvent;
  const lastChange = ordered.findLast(({ oldStatus, newStatus }) => oldStatus !== newStatus);
  return {
    alertId: last.alertId,
    driverId: last.driverId,
    sourceType: last.sourceType,
    severity: last.severity,
    status: last.newStatus,
    statusTimeMs: lastChange?.timestamp ?? last.alertTimestamp,
    metadata: last.alertMetadata,
    createdAtMs: last.alertTimestamp,
    updatedAtMs: last.timestamp,
    sequence: last.sequence,
    statusSequence: lastChange?.sequence ?? 0,
  };
};

const imageOf = (alerts: ReadonlyMap<string, EventsBySequence>): [readonly AlertRow[], readonly LifecycleEvent[]] => {
  const ids = [...alerts.keys()].sort();
  const lives = ids.map((id) => alerts.get(id) as EventsBySequence);
  return [lives.map(rowOf), lives.flatMap(inOrder)];
};

export class NaiveSink {
  readonly #live = new Map<string, EventsBySequence>();
  readonly #archive = new Map<string, EventsBySequence>();

  apply(event: LifecycleEvent): void {
    const { alertId, sequence, eventType, metadata } = event;
    const archived = this.#archive.get(alertId);
    const purged = eventType === 'PURGED';
    const keep = (JSON.parse(metadata) as { archive?: boolean }).archive !== false;
    if (archived === undefined && purged && !keep) {
      this.#live.delete(alertId);
      return;
    }
    const events: EventsBySequence = archived ?? this.#live.get(alertId) ?? new Map<number, LifecycleEvent>();
    if (!events.has(sequence)) events.set(sequence, event);
    if (archived === undefined) this.#live.set(alertId, events);
    if (archived === undefined && purged) {
      this.#archive.set(alertId, events);
      this.#live.delete(alertId);
    }
  }

  image(): TableImage {
    const [alerts, events] = imageOf(this.#live);
    const [archivedAlerts, archivedEvents] = imageOf(this.#archive);
    return { alerts, events, archivedAlerts, archivedEvents };
  }
}

export const naiveImage = (log: readonly LifecycleEvent[]): TableImage => {
  const sink = new NaiveSink();
  for (const event of log) sink.apply(event);
  return sink.image();
};
