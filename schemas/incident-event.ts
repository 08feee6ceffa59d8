/**
 * One step in the life of an incident, with the whole incident after it: the record on `incident-events`, keyed by incidentId
 * (UTF-8).
 *
 * Invariant: the same fields, in the same order, as incident-event.avsc. An event says enough to be applied twice, or after a
 * gap, and be right.
 */
import type { FieldTable } from './field-table.ts';
import type { IncidentEventType, IncidentSeverity, IncidentStatus } from './incident.ts';

export interface IncidentEvent {
  /** `<incidentId>:<sequence>`. */
  readonly eventId: string;
  readonly incidentId: string;
  /** 1 for the incident's first event, then one more each. */
  readonly sequence: number;
  readonly eventType: IncidentEventType;
  /** Null for CREATED. */
  readonly oldStatus: IncidentStatus | null;
  readonly newStatus: IncidentStatus;
  readonly severity: IncidentSeverity;
  readonly title: string;
  /** Of the alert behind this event, or else the incident's. */
  readonly service: string | null;
  readonly ruleId: string | null;
  readonly alertId: string | null;
  readonly errorCount: number | null;
  readonly windowMinutes: number | null;
  /** Only for ESCALATED, from 1. */
  readonly tier: number | null;
  readonly assignee: string | null;
  /** Who caused it; null: the system. */
  readonly actor: string | null;
  /** Event time of this step, UTC epoch milliseconds; the due time for escalations. */
  readonly timestamp: number;
  /** The text of an `Incident` as JSON: the whole incident after this step. */
  readonly incident: string;
  /** The text of a JSON object about this step; it always has `reason`. */
  readonly metadata: string;
}

export const INCIDENT_EVENT_FIELDS = {
  eventId: 'string',
  incidentId: 'string',
  sequence: 'int',
  eventType: 'string',
  oldStatus: 'string?',
  newStatus: 'string',
  severity: 'string',
  title: 'string',
  service: 'string?',
  ruleId: 'string?',
  alertId: 'string?',
  errorCount: 'long?',
  windowMinutes: 'double?',
  tier: 'int?',
  assignee: 'string?',
  actor: 'string?',
  timestamp: 'long:timestamp-millis',
  incident: 'string:json',
  metadata: 'string:json',
} as const satisfies FieldTable<IncidentEvent>;
