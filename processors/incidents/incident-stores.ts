/**
 * The stores of incidents as one thing: what is kept of an incident, of the fingerprints that belong to it, and of its place.
 *
 * Invariant: the incidents listed for a place are active ones of that place, and every change of an incident goes through here, so
 * the list follows its status.
 */
import type { IncidentEvent } from '../../schemas/incident-event.ts';
import type { Incident } from '../../schemas/incident.ts';
import type { ProcessorContext } from '../../streams/processor.ts';
import type { DueKeyValueStore, KeyValueStore } from '../../streams/state-store.ts';
import type { Step } from './incident-events.ts';
import type { ActiveIncidents, FingerprintEntry, IncidentState } from './incident-state.ts';
import { isActive } from './lifecycle.ts';
import { ACTIVE_INCIDENTS_STORE, FINGERPRINTS_STORE, INCIDENT_EVENTS_OUTPUT, INCIDENTS_STORE } from './store-names.ts';

/** Alerts join the latest of the active incidents of a place; those before are old by then. */
const MAX_LISTED = 64;

export type FingerprintKey = readonly [place: string, fingerprint: string];

export class IncidentStores {
  readonly #context: ProcessorContext<string, unknown>;
  readonly #incidents: DueKeyValueStore<string, IncidentState>;
  readonly #fingerprints: KeyValueStore<FingerprintKey, FingerprintEntry>;
  readonly #active: KeyValueStore<string, ActiveIncidents>;

  constructor(context: ProcessorContext<string, unknown>) {
    this.#context = context;
    this.#incidents = context.getStateStore(INCIDENTS_STORE);
    this.#fingerprints = context.getStateStore(FINGERPRINTS_STORE);
    this.#active = context.getStateStore(ACTIVE_INCIDENTS_STORE);
  }

  get(incidentId: string): IncidentState | undefined {
    return this.#incidents.get(incidentId);
  }

  fingerprint(key: FingerprintKey): FingerprintEntry | undefined {
    return this.#fingerprints.get(key);
  }

  setFingerprint(key: FingerprintKey, entry: FingerprintEntry): void {
    this.#fingerprints.put(key, entry);
  }

  activeAt(place: string): readonly Incident[] {
    const ids = this.#active.get(place)?.ids ?? [];
    return ids.flatMap((id) => this.#incidents.get(id)?.incident ?? []);
  }

  /** Keeps what a step left and sends its event on. */
  apply({ state, event }: Step): void {
    this.keep(state);
    this.#list(state);
    this.#send(event);
  }

  /** Without an event: nothing that anybody outside sees has changed. */
  keep(state: IncidentState): void {
    this.#incidents.put(state.incident.id, state);
  }

  /** The incident and what leads to it. */
  forget({ incident, place }: IncidentState): void {
    for (const fingerprint of incident.fingerprints) {
      const entry = this.#fingerprints.get([place, fingerprint]);
      if (entry?.kind === 'here' && entry.incidentId === incident.id) this.#fingerprints.delete([place, fingerprint]);
    }
    this.#incidents.delete(incident.id);
  }

  #list({ incident, place }: IncidentState): void {
    const listed = this.#active.get(place)?.ids ?? [];
    if (listed.includes(incident.id) === isActive(incident.status)) return;
    const others = listed.filter((id) => id !== incident.id);
    const ids = isActive(incident.status) ? [...others, incident.id].slice(-MAX_LISTED) : others;
    if (ids.length === 0) this.#active.delete(place);
    else this.#active.put(place, { ids });
  }

  #send(event: IncidentEvent): void {
    const record = { key: event.incidentId, value: event, timestampMs: event.timestamp };
    this.#context.forward(record, INCIDENT_EVENTS_OUTPUT);
    this.#context.metrics.counter('incident_events', { event_type: event.eventType, severity: event.severity }).add(1);
  }
}
