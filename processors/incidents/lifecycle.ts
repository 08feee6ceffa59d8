/**
 * The lifecycle of an incident: what may be done to it in which status, what its status is afterwards, and which event tells of it.
 *
 * Invariant: the table is complete. A status or an action without a cell does not compile, and every cell is a step, a named
 * refusal, or says that nothing is left to do; nothing else decides whether a step is allowed.
 */
import { INCIDENT_STATUSES, type IncidentEventType, type IncidentStatus } from '../../schemas/incident.ts';

export type IncidentAction =
  /** Somebody wants this status. */
  | `SET_${IncidentStatus}`
  /** An alert of a fingerprint that belongs to the incident. */
  | 'ALERT'
  /** A related alert joins it. */
  | 'CORRELATE'
  | 'COMMENT'
  /** The time of the next tier of its escalation policy has come. */
  | 'ESCALATE';

export type IncidentRefusal =
  /** Status changes go one way. */
  | 'not_allowed'
  /** Somebody looks after it: nobody else is called. */
  | 'in_hand'
  | 'resolved';

export type IncidentTransition =
  | { readonly next: IncidentStatus; readonly event: IncidentEventType }
  /** It is so already. */
  | { readonly same: IncidentStatus }
  | { readonly refused: IncidentRefusal };

type IncidentTable = Readonly<Record<IncidentStatus, Readonly<Record<IncidentAction, IncidentTransition>>>>;

const to = (next: IncidentStatus, event: IncidentEventType): IncidentTransition => ({ next, event });
const change = (next: IncidentStatus): IncidentTransition => to(next, 'STATUS_CHANGED');
const same = (status: IncidentStatus): IncidentTransition => ({ same: status });
const refuse = (refused: IncidentRefusal): IncidentTransition => ({ refused });

export const INITIAL_INCIDENT_STATUS: IncidentStatus = 'OPEN';

export const INCIDENT_LIFECYCLE: IncidentTable = {
  OPEN: {
    SET_OPEN: same('OPEN'),
    SET_ACK: change('ACK'),
    SET_RESOLVED: change('RESOLVED'),
    ALERT: to('OPEN', 'UPDATED'),
    CORRELATE: to('OPEN', 'CORRELATED'),
    COMMENT: to('OPEN', 'COMMENTED'),
    ESCALATE: to('OPEN', 'ESCALATED'),
  },
  ACK: {
    SET_OPEN: refuse('not_allowed'),
    SET_ACK: same('ACK'),
    SET_RESOLVED: change('RESOLVED'),
    ALERT: to('ACK', 'UPDATED'),
    CORRELATE: to('ACK', 'CORRELATED'),
    COMMENT: to('ACK', 'COMMENTED'),
    ESCALATE: refuse('in_hand'),
  },
  RESOLVED: {
    SET_OPEN: refuse('not_allowed'),
    SET_ACK: refuse('not_allowed'),
    SET_RESOLVED: same('RESOLVED'),
    // Only once the quiet period is over; until then the alert does not reach the incident.
    ALERT: to('OPEN', 'REOPENED'),
    CORRELATE: refuse('resolved'),
    COMMENT: to('RESOLVED', 'COMMENTED'),
    ESCALATE: refuse('resolved'),
  },
};

export const incidentTransition = (status: IncidentStatus, action: IncidentAction): IncidentTransition =>
  INCIDENT_LIFECYCLE[status][action];

/** The other statuses that somebody may ask for in this one. */
export const allowedFrom = (status: IncidentStatus): readonly IncidentStatus[] =>
  INCIDENT_STATUSES.filter((wanted) => 'next' in incidentTransition(status, `SET_${wanted}`));

/** Whether alerts of its fingerprints go to this incident, and no other one is opened for them. */
export const isActive = (status: IncidentStatus): boolean => status !== 'RESOLVED';
