/**
 * Steps of incidents: from the state before to the state after and the event that tells of it.
 *
 * Invariant: an event's id is `<incidentId>:<sequence>`, sequences have no gap, and the event carries the whole incident as the
 * state has it after the step.
 */
import type { IncidentEvent } from '../../schemas/incident-event.ts';
import type { Incident, IncidentEventType, IncidentStatus } from '../../schemas/incident.ts';
import type { IncidentState } from './incident-state.ts';
import type { Signal } from './signal.ts';

/** What a step tells besides the incident itself. */
export interface StepAbout {
  readonly eventType: IncidentEventType;
  readonly reason: string;
  /** Event time, UTC epoch milliseconds. */
  readonly atMs: number;
  readonly actor?: string | null;
  /** The alert behind the step. */
  readonly signal?: Signal | undefined;
  readonly tier?: number;
  /** More for the metadata. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Step {
  readonly state: IncidentState;
  readonly event: IncidentEvent;
}

/** `before`: null for the first step. The version of `after` is set here. */
export const step = (before: IncidentState | null, after: IncidentState, about: StepAbout): Step => {
  const version = (before?.incident.version ?? 0) + 1;
  // An alert from before must not set the time of the last change back.
  const updatedAtMs = Math.max(about.atMs, before?.incident.updatedAtMs ?? about.atMs);
  const incident = { ...after.incident, version, updatedAtMs };
  return { state: { ...after, incident }, event: eventOf(incident, before?.incident.status ?? null, about) };
};

const eventOf = (incident: Incident, oldStatus: IncidentStatus | null, about: StepAbout): IncidentEvent => {
  const { signal } = about;
  return {
    eventId: `${incident.id}:${incident.version}`,
    incidentId: incident.id,
    sequence: incident.version,
    eventType: about.eventType,
    oldStatus,
    newStatus: incident.status,
    severity: incident.severity,
    title: incident.title,
    service: signal?.service ?? incident.service,
    ruleId: signal?.ruleId ?? incident.ruleId,
    alertId: signal?.alertId ?? incident.alertId,
    errorCount: incident.errorCount,
    windowMinutes: incident.windowMinutes,
    tier: about.tier ?? null,
    assignee: incident.assignee,
    actor: about.actor ?? null,
    timestamp: about.atMs,
    incident: JSON.stringify(incident),
    metadata: JSON.stringify({ reason: about.reason, ...about.details }),
  };
};
