/**
 * What the alert store holds of an alert, under its id: all that later events of it need.
 *
 * Invariants:
 * - A living alert is the last event applied: status, severity and sequence are those of the newest event.
 * - `dueAtMs` is event time worked out when the state was made, so a timer gives the same event whenever it fires:
 *   closing by the rule in force when the alert was created, purging by the settings in force when it was closed.
 * - After the purge nothing is left, unless the producer chose the id: then it is remembered for a while to know repeats.
 */
import type { AlertStatus, Severity } from '../schemas/vocabulary.ts';

export interface LivingAlert {
  readonly kind: 'living';
  readonly driverId: string;
  readonly sourceType: string;
  readonly severity: Severity;
  readonly status: AlertStatus;
  readonly sequence: number;
  /** The alert's own event time, UTC epoch milliseconds. */
  readonly timestampMs: number;
  /** JSON object as text. */
  readonly metadata: string;
  /** True when the producer chose the id; such an id can come again. */
  readonly givenId: boolean;
  /** When it is closed or purged; undefined: time does nothing to it. UTC epoch milliseconds. */
  readonly dueAtMs: number | undefined;
}

export interface RememberedAlert {
  readonly kind: 'remembered';
  /** Event time from which a repeat of the id counts as an alert of its own. UTC epoch milliseconds. */
  readonly forgetAtMs: number;
  /** When to see whether that time has come. UTC epoch milliseconds. */
  readonly dueAtMs: number;
}

export type AlertState = LivingAlert | RememberedAlert;

/** The driver of an alert that waits for somebody; undefined for any other. */
export const openAlertOf = (state: AlertState): string | undefined =>
  state.kind === 'living' && (state.status === 'OPEN' || state.status === 'ESCALATED') ? state.driverId : undefined;
