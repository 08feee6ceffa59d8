/**
 * One step in the life of an alert, with the whole alert after it: the record on `alert-events`, keyed by driverId (UTF-8).
 *
 * Invariant: the same fields, in the same order, as lifecycle-event.avsc. An event says enough to be applied twice, or after
 * a gap, and be right.
 */
import type { FieldTable } from './field-table.ts';
import type { AlertStatus, EventType, Severity } from './vocabulary.ts';

export interface LifecycleEvent {
  /** `<alertId>:<sequence>`, the same on every replay. */
  readonly eventId: string;
  readonly alertId: string;
  /** 1 for the alert's first event, then one more each. */
  readonly sequence: number;
  readonly eventType: EventType;
  /** The named reason of the decision, such as `count_reached`. */
  readonly reason: string;
  /** Null for CREATED. */
  readonly oldStatus: AlertStatus | null;
  readonly newStatus: AlertStatus;
  readonly driverId: string;
  readonly sourceType: string;
  /** The alert's severity after the event. */
  readonly severity: Severity;
  /** Event time of this step, UTC epoch milliseconds; the due time for timeouts and purges. */
  readonly timestamp: number;
  /** The text of a JSON object about this step, such as `{"reason":"timeout","src":"overspeed"}`. */
  readonly metadata: string;
  /** The alert's own event time, UTC epoch milliseconds. */
  readonly alertTimestamp: number;
  /** The alert's metadata as it came in: the text of a JSON object. */
  readonly alertMetadata: string;
}

export const LIFECYCLE_EVENT_FIELDS = {
  eventId: 'string',
  alertId: 'string',
  sequence: 'int',
  eventType: 'string',
  reason: 'string',
  oldStatus: 'string?',
  newStatus: 'string',
  driverId: 'string',
  sourceType: 'string',
  severity: 'string',
  timestamp: 'long:timestamp-millis',
  metadata: 'string:json',
  alertTimestamp: 'long:timestamp-millis',
  alertMetadata: 'string:json',
} as const satisfies FieldTable<LifecycleEvent>;
