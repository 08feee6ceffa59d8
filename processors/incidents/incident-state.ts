/**
 * What the stores of the incidents topology hold.
 *
 * Invariants:
 * - An incident's state is that of its last event, and everything time will do to it stands in it as event time (`dueAtMs`),
 *   worked out when the state was made; so a timer does the same whenever it fires.
 * - A fingerprint is decided in one place at a time: that of the `here` entry reached by following `elsewhere` entries from the
 *   place of its service.
 */
import type { Incident } from '../../schemas/incident.ts';
import type { Ladder } from './escalation-ladder.ts';

export interface IncidentState {
  readonly incident: Incident;
  /** The group of services whose alerts may join it. */
  readonly place: string;
  /** The escalation under way; null: none. */
  readonly ladder: Ladder | null;
  /** When it escalates next, or is forgotten; null: time does nothing to it. UTC epoch milliseconds. */
  readonly dueAtMs: number | null;
}

/** By place and fingerprint. */
export type FingerprintEntry =
  { readonly kind: 'here'; readonly incidentId: string } | { readonly kind: 'elsewhere'; readonly place: string };

/** By place: the incidents that alerts may join, in the order they were opened. */
export interface ActiveIncidents {
  readonly ids: readonly string[];
}
