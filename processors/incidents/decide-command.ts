/**
 * Decides what somebody asks of an incident.
 *
 * Invariant: every command has exactly one answer, and a command that is refused or changes nothing makes no event. Commands on
 * one incident are decided one after the other, each on what the former left; so of two that exclude each other one is refused, with
 * the status that the other brought about.
 */
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import type { CommandOutcome } from '../../schemas/command-result.ts';
import type { IncidentCommand } from '../../schemas/incident-command.ts';
import { INCIDENT_STATUSES, isIncidentSeverity, isIncidentStatus } from '../../schemas/incident.ts';
import type { Incident, IncidentStatus } from '../../schemas/incident.ts';
import { emptyIncident, escalating } from './decide-signal.ts';
import { step, type Step } from './incident-events.ts';
import type { IncidentState } from './incident-state.ts';
import { allowedFrom, incidentTransition } from './lifecycle.ts';

export interface CommandContext {
  readonly policies: Iterable<EscalationPolicy>;
  /** The place whose alerts may join an incident that this command opens. */
  readonly placeOf: (service: string) => string;
  /** How long a resolved incident is kept here, in milliseconds. */
  readonly keepResolvedMs: number;
}

export interface CommandDecision {
  readonly outcome: CommandOutcome;
  readonly code: string;
  readonly message: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** Undefined: the incident stays as it is. */
  readonly step: Step | undefined;
}

const applied = (code: string, done: Step): CommandDecision => ({
  ...{ outcome: 'APPLIED', code, message: null, details: {} },
  step: done,
});

const unchanged = (code: string): CommandDecision => ({
  ...{ outcome: 'UNCHANGED', code, message: null, details: {} },
  step: undefined,
});

const refused = (code: string, message: string, details: Readonly<Record<string, unknown>> = {}): CommandDecision => ({
  ...{ outcome: 'REFUSED', code, message, details },
  step: undefined,
});

/** `state`: the incident that the command names; undefined when there is none. */
export const decideCommand = (
  command: IncidentCommand,
  state: IncidentState | undefined,
  context: CommandContext,
): CommandDecision => {
  switch (command.commandType) {
    case 'CREATE':
      return state === undefined ? create(command, context) : unchanged('exists');
    case 'SET_STATUS':
      return state === undefined ? notFound(command) : setStatus(command, state, context);
    case 'COMMENT':
      return state === undefined ? notFound(command) : comment(command, state);
  }
};

const notFound = ({ incidentId }: IncidentCommand): CommandDecision =>
  refused('INCIDENT_NOT_FOUND', 'There is no incident with this id.', { incidentId });

const create = (command: IncidentCommand, { policies, placeOf }: CommandContext): CommandDecision => {
  const { incidentId, title, severity, service, timestamp, actor } = command;
  if (title === null || title === '') return refused('INVALID_COMMAND', 'An incident needs a title.');
  if (!isIncidentSeverity(severity)) return refused('INVALID_COMMAND', 'An incident needs a severity: P1, P2 or P3.');
  const incident: Incident = {
    ...emptyIncident(incidentId, timestamp),
    title,
    severity,
    service,
    description: command.description,
    services: service === null ? [] : [service],
    assignee: command.assignee,
    createdBy: actor,
  };
  const place = service === null ? incidentId : placeOf(service);
  const state = { place, ...escalating(incident, policies, timestamp) };
  return applied('created', step(null, state, { eventType: 'CREATED', reason: 'api', atMs: timestamp, actor }));
};

const conflict = ({ expectedVersion }: IncidentCommand, { incident }: IncidentState): CommandDecision | undefined =>
  expectedVersion === null || expectedVersion === incident.version
    ? undefined
    : refused('VERSION_CONFLICT', `The incident is at version ${incident.version}, not ${expectedVersion}.`, {
        expected: expectedVersion,
        actual: incident.version,
      });

const setStatus = (command: IncidentCommand, state: IncidentState, context: CommandContext): CommandDecision => {
  const { status: wanted, timestamp, actor } = command;
  if (!isIncidentStatus(wanted)) {
    return refused('INVALID_COMMAND', `A status is one of ${INCIDENT_STATUSES.join(', ')}.`);
  }
  const from = state.incident.status;
  const transition = incidentTransition(from, `SET_${wanted}`);
  if ('same' in transition) return unchanged('same_status');
  const conflicting = conflict(command, state);
  if (conflicting !== undefined) return conflicting;
  if ('refused' in transition) return invalidTransition(from, wanted);
  const atMs = Math.max(timestamp, state.incident.triggeredAtMs);
  const after = withStatus(state, transition.next, atMs, command, context);
  const about = { eventType: transition.event, reason: 'api', atMs, actor };
  return applied('status_changed', step(state, after, about));
};

const invalidTransition = (from: IncidentStatus, to: IncidentStatus): CommandDecision => {
  const allowed = allowedFrom(from);
  const named = allowed.length === 0 ? 'none is allowed' : `allowed: ${allowed.join(', ')}`;
  const message = `An incident in status ${from} cannot change to ${to}; ${named}.`;
  return refused('INVALID_STATUS_TRANSITION', message, { from, to, allowed });
};

/** Whoever takes the incident, or ends it, stops its escalation. */
const withStatus = (
  state: IncidentState,
  status: IncidentStatus,
  atMs: number,
  { actor }: IncidentCommand,
  { keepResolvedMs }: CommandContext,
): IncidentState => {
  const { incident } = state;
  if (status === 'RESOLVED') {
    const resolved = { ...incident, status, resolvedAtMs: atMs, resolvedBy: actor };
    return { ...state, incident: resolved, ladder: null, dueAtMs: atMs + keepResolvedMs };
  }
  const acknowledged = { ...incident, status, acknowledgedAtMs: atMs, acknowledgedBy: actor };
  return { ...state, incident: acknowledged, ladder: null, dueAtMs: null };
};

const comment = (command: IncidentCommand, state: IncidentState): CommandDecision => {
  const { text, actor, timestamp } = command;
  if (text === null || text === '') return refused('INVALID_COMMAND', 'A comment needs a text.');
  const conflicting = conflict(command, state);
  if (conflicting !== undefined) return conflicting;
  const incident = { ...state.incident, commentCount: state.incident.commentCount + 1 };
  const about = { reason: 'api', atMs: timestamp, actor, details: { text, commandId: command.commandId } };
  return applied('commented', step(state, { ...state, incident }, { eventType: 'COMMENTED', ...about }));
};
