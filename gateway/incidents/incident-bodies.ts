/**
 * Incidents as the API shows them.
 *
 * Invariant: times are ISO 8601 in UTC, and every field of an incident is shown under the name it has inside.
 */
import type { Incident, IncidentStatus } from '../../schemas/incident.ts';
import type { StoredIncidentEvent } from '../../sink/read-model-incidents.ts';
import type { User } from './user-store.ts';

const iso = (epochMs: number): string => new Date(epochMs).toISOString();
const isoOrNull = (epochMs: number | null): string | null => (epochMs === null ? null : iso(epochMs));

export const incidentBody = (incident: Incident) => {
  const { triggeredAtMs, lastSeenAtMs, createdAtMs, updatedAtMs, acknowledgedAtMs, resolvedAtMs, ...rest } = incident;
  return {
    ...rest,
    triggeredAt: iso(triggeredAtMs),
    lastSeenAt: iso(lastSeenAtMs),
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
    acknowledgedAt: isoOrNull(acknowledgedAtMs),
    resolvedAt: isoOrNull(resolvedAtMs),
  };
};

export const incidentEventBody = ({ timestampMs, ...event }: StoredIncidentEvent) => ({
  ...event,
  timestamp: iso(timestampMs),
});

const DASHBOARD_STATUS: Readonly<Record<IncidentStatus, string>> = {
  OPEN: 'open',
  ACK: 'acknowledged',
  RESOLVED: 'resolved',
};

export const alertIncidentBody = (incident: Incident) => ({
  id: incident.id,
  service: incident.service,
  fingerprint: incident.fingerprint,
  errorCount: incident.errorCount,
  windowMinutes: incident.windowMinutes,
  triggeredAt: iso(incident.triggeredAtMs),
  lastSeenErrorAt: iso(incident.lastSeenAtMs),
  status: DASHBOARD_STATUS[incident.status],
  acknowledgedAt: isoOrNull(incident.acknowledgedAtMs),
  resolvedAt: isoOrNull(incident.resolvedAtMs),
});

export const userBodyOf = ({ id, name, email, createdAtMs }: User) => ({
  id,
  name,
  email,
  createdAt: iso(createdAtMs),
});
