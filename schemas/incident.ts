/**
 * An incident as everybody outside the topology sees it: what the API shows, what stands in each event as JSON, what the read model
 * stores. Also the closed vocabularies of incidents.
 *
 * Invariant: the word lists are the only place that spells the words. Times are UTC epoch milliseconds of event time.
 */

export const INCIDENT_STATUSES = ['OPEN', 'ACK', 'RESOLVED'] as const;
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];

/** From the gravest to the lightest. */
export const INCIDENT_SEVERITIES = ['P1', 'P2', 'P3'] as const;
export type IncidentSeverity = (typeof INCIDENT_SEVERITIES)[number];

export const INCIDENT_EVENT_TYPES = [
  'CREATED',
  'UPDATED',
  'STATUS_CHANGED',
  'REOPENED',
  'COMMENTED',
  'ESCALATED',
  'CORRELATED',
] as const;
export type IncidentEventType = (typeof INCIDENT_EVENT_TYPES)[number];

/** What brought the incident into being. */
export type IncidentSource = 'log-alert' | 'driver-alert' | 'api';

export interface Incident {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly severity: IncidentSeverity;
  readonly status: IncidentStatus;
  readonly source: IncidentSource;
  /** The first service concerned; null for an incident that names none. */
  readonly service: string | null;
  /** All services concerned, the first one first. */
  readonly services: readonly string[];
  readonly ruleId: string | null;
  /** `<service>:<ruleId>` of the alert that opened it; `api:<id>` where somebody did. */
  readonly fingerprint: string;
  /** Those of all alerts that were brought together here, the first one first. */
  readonly fingerprints: readonly string[];
  /** The last alert that concerned it. */
  readonly alertId: string | null;
  readonly alertCount: number;
  /** What the last alert counted. */
  readonly errorCount: number | null;
  readonly windowMinutes: number | null;
  /** When it was opened, or reopened the last time. */
  readonly triggeredAtMs: number;
  /** Time of the newest alert; for an incident without alerts that of its opening. */
  readonly lastSeenAtMs: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly acknowledgedAtMs: number | null;
  readonly acknowledgedBy: string | null;
  readonly resolvedAtMs: number | null;
  readonly resolvedBy: string | null;
  readonly reopenCount: number;
  readonly commentCount: number;
  readonly assignee: string | null;
  readonly createdBy: string | null;
  /** The escalation policy in force for it. */
  readonly policyId: string | null;
  /** The last tier that was reached since it was opened or reopened, from 1. */
  readonly tier: number | null;
  /** Number of its last event. */
  readonly version: number;
}

const memberOf = <T extends string>(words: readonly T[]): ((word: unknown) => word is T) => {
  const known: ReadonlySet<unknown> = new Set(words);
  return (word): word is T => known.has(word);
};

export const isIncidentStatus = memberOf(INCIDENT_STATUSES);
export const isIncidentSeverity = memberOf(INCIDENT_SEVERITIES);
