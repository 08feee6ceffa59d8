/**
 * Decides what an alert does to incidents.
 *
 * Invariant: a pure function of the alert and what is kept of its fingerprint and its place. While the incident of a fingerprint is
 * active the alert goes to it, and none is opened for that fingerprint.
 */
import type { Incident, IncidentSeverity } from '../../schemas/incident.ts';
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import type { Correlation } from './correlation.ts';
import { startLadder } from './escalation-ladder.ts';
import { choosePolicy } from './escalation-policy.ts';
import type { Step } from './incident-events.ts';
import { step } from './incident-events.ts';
import type { IncidentState } from './incident-state.ts';
import { incidentTransition, INITIAL_INCIDENT_STATUS, isActive } from './lifecycle.ts';
import type { Signal } from './signal.ts';

const MINUTE_MS = 60_000;
const LEAST_QUIET_MS = 15 * MINUTE_MS;

/** How long after its resolution an incident stays resolved, whatever alerts come: twice the window, 15 minutes at least. */
export const quietPeriodMs = (windowMinutes: number | null): number =>
  Math.max(2 * (windowMinutes ?? 0) * MINUTE_MS, LEAST_QUIET_MS);

/** What the alert asks for, given the incident of its fingerprint. */
export type Verdict =
  /** The incident is active and is brought up to date. */
  | 'update'
  /** It was resolved a short while ago: the alert is only counted. */
  | 'quiet'
  | 'reopen'
  /** There is no incident of this fingerprint. */
  | 'open';

export const judge = (signal: Signal, known: Incident | undefined): Verdict => {
  if (known === undefined) return 'open';
  if (isActive(known.status)) return 'update';
  const resolvedAtMs = known.resolvedAtMs ?? known.updatedAtMs;
  return signal.atMs < resolvedAtMs + quietPeriodMs(signal.windowMinutes) ? 'quiet' : 'reopen';
};

const graver = (a: IncidentSeverity, b: IncidentSeverity): IncidentSeverity => (a < b ? a : b);

const withMember = (list: readonly string[], item: string): readonly string[] =>
  list.includes(item) ? list : [...list, item];

/** The incident once it has taken the alert in. */
const taken = (incident: Incident, signal: Signal): Incident => ({
  ...incident,
  severity: graver(incident.severity, signal.severity),
  services: withMember(incident.services, signal.service),
  fingerprints: withMember(incident.fingerprints, signal.fingerprint),
  alertId: signal.alertId,
  alertCount: incident.alertCount + 1,
  errorCount: signal.errorCount,
  windowMinutes: signal.windowMinutes,
  lastSeenAtMs: Math.max(incident.lastSeenAtMs, signal.atMs),
});

/** The alert of a fingerprint whose incident is active. */
export const update = (state: IncidentState, signal: Signal): Step => {
  const { incident } = state;
  const after = { ...state, incident: taken(incident, signal) };
  return step(state, after, { eventType: 'UPDATED', reason: 'active', atMs: signal.atMs, signal });
};

/** A related alert joins an active incident. */
export const join = (state: IncidentState, signal: Signal, { reason, via }: Correlation): Step => {
  const after = { ...state, incident: taken(state.incident, signal) };
  const details = { fingerprint: signal.fingerprint, via };
  return step(state, after, { eventType: 'CORRELATED', reason, atMs: signal.atMs, signal, details });
};

/** The escalation of an incident that is opened or reopened at `atMs`. */
export const escalating = (
  incident: Incident,
  policies: Iterable<EscalationPolicy>,
  atMs: number,
): Pick<IncidentState, 'incident' | 'ladder' | 'dueAtMs'> => {
  const ladder = startLadder(choosePolicy(policies, incident), atMs);
  return {
    incident: { ...incident, policyId: ladder?.policyId ?? null, tier: null },
    ladder,
    dueAtMs: ladder?.dueAtMs ?? null,
  };
};

/** The quiet period is over and the alert is there again. */
export const reopen = (state: IncidentState, signal: Signal, policies: Iterable<EscalationPolicy>): Step => {
  const transition = incidentTransition(state.incident.status, 'ALERT');
  const incident: Incident = {
    ...taken(state.incident, signal),
    status: 'next' in transition ? transition.next : state.incident.status,
    triggeredAtMs: signal.atMs,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    resolvedAtMs: null,
    resolvedBy: null,
    reopenCount: state.incident.reopenCount + 1,
  };
  const after = { ...state, ...escalating(incident, policies, signal.atMs) };
  return step(state, after, { eventType: 'REOPENED', reason: 'quiet_period_over', atMs: signal.atMs, signal });
};

/** Nothing is there yet that the alert belongs to. */
export const open = (id: string, place: string, signal: Signal, policies: Iterable<EscalationPolicy>): Step => {
  const { service, ruleId, fingerprint, atMs } = signal;
  const incident: Incident = {
    ...emptyIncident(id, atMs),
    title: signal.title,
    description: signal.message,
    severity: signal.severity,
    source: signal.source,
    service,
    services: [service],
    ruleId,
    fingerprint,
    fingerprints: [fingerprint],
    alertId: signal.alertId,
    alertCount: 1,
    errorCount: signal.errorCount,
    windowMinutes: signal.windowMinutes,
  };
  const state = { place, ...escalating(incident, policies, atMs) };
  return step(null, state, { eventType: 'CREATED', reason: 'alert', atMs, signal });
};

/** An open incident that nobody has said anything about yet. */
export const emptyIncident = (id: string, atMs: number): Incident => ({
  id,
  title: '',
  description: null,
  severity: 'P3',
  status: INITIAL_INCIDENT_STATUS,
  source: 'api',
  service: null,
  services: [],
  ruleId: null,
  fingerprint: `api:${id}`,
  fingerprints: [],
  alertId: null,
  alertCount: 0,
  errorCount: null,
  windowMinutes: null,
  triggeredAtMs: atMs,
  lastSeenAtMs: atMs,
  createdAtMs: atMs,
  updatedAtMs: atMs,
  acknowledgedAtMs: null,
  acknowledgedBy: null,
  resolvedAtMs: null,
  resolvedBy: null,
  reopenCount: 0,
  commentCount: 0,
  assignee: null,
  createdBy: null,
  policyId: null,
  tier: null,
  version: 0,
});
