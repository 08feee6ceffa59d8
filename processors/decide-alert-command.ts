/**
 * Decides what somebody asks of a driver alert: to take it in hand, to end it, to say something about it.
 *
 * Invariant: the lifecycle table alone says what is allowed. Once somebody has the alert in hand, or has ended it, it has no due time,
 * so neither the clock nor the count changes it. Asking for the status that it has is fine and changes nothing.
 */
import { ALERT_COMMAND_TYPES, type AlertCommand, type AlertCommandType } from '../schemas/alert-command.ts';
import type { CommandOutcome } from '../schemas/command-result.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { AlertStatus, EventType } from '../schemas/vocabulary.ts';
import type { AlertState, LivingAlert } from './alert-state.ts';
import { transition } from './lifecycle.ts';
import { lifecycleEvent } from './lifecycle-events.ts';
import { REASONS } from './reasons.ts';

export interface AlertCommandDecision {
  readonly outcome: CommandOutcome;
  readonly code: string;
  readonly message: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** The alert afterwards; undefined where there is none. */
  readonly alert: LivingAlert | undefined;
  /** Undefined: nothing happened to it. */
  readonly event: LifecycleEvent | undefined;
}

const EVENT_OF: Readonly<Record<AlertCommandType, EventType>> = {
  ACKNOWLEDGE: 'ACKNOWLEDGED',
  RESOLVE: 'RESOLVED',
  COMMENT: 'COMMENTED',
};

/** The status that a command asks for. */
const WANTED: Readonly<Record<AlertCommandType, AlertStatus | undefined>> = {
  ACKNOWLEDGE: 'ACKNOWLEDGED',
  RESOLVE: 'RESOLVED',
  COMMENT: undefined,
};

const answer = (
  outcome: CommandOutcome,
  code: string,
  alert: LivingAlert | undefined,
  rest: Partial<AlertCommandDecision> = {},
): AlertCommandDecision => ({ outcome, code, message: null, details: {}, event: undefined, ...rest, alert });

/** `state`: what is kept under the command's alert id. */
export const decideAlertCommand = (command: AlertCommand, state: AlertState | undefined): AlertCommandDecision => {
  const { alertId, commandType } = command;
  if (state?.kind !== 'living' || state.driverId !== command.driverId) {
    const message = 'There is no alert with this id, or it was purged.';
    return answer('REFUSED', 'ALERT_NOT_FOUND', undefined, { message, details: { alertId } });
  }
  const { status } = state;
  const eventType = EVENT_OF[commandType];
  const step = transition(status, eventType);
  if ('refused' in step) {
    return status === WANTED[commandType] ? answer('UNCHANGED', 'same_status', state) : notAllowed(command, state);
  }
  const dueAtMs = commandType === 'COMMENT' ? state.dueAtMs : undefined;
  const after: LivingAlert = { ...state, status: step.next, sequence: state.sequence + 1, dueAtMs };
  const event = lifecycleEvent(alertId, after, status, {
    eventType,
    reason: REASONS.command,
    timestampMs: command.timestamp,
    metadata: metadataOf(command, state),
  });
  return answer('APPLIED', eventType.toLowerCase(), after, { event });
};

const metadataOf = ({ actor, text }: AlertCommand, { sourceType }: LivingAlert): string =>
  JSON.stringify({
    ...{ reason: REASONS.command, src: sourceType },
    ...(actor === null ? {} : { actor }),
    ...(text === null ? {} : { text }),
  });

const notAllowed = ({ commandType }: AlertCommand, alert: LivingAlert): AlertCommandDecision => {
  const to = WANTED[commandType] ?? alert.status;
  const allowed = ALERT_COMMAND_TYPES.filter((type) => type !== 'COMMENT')
    .filter((type) => 'next' in transition(alert.status, EVENT_OF[type]))
    .map((type) => WANTED[type]);
  const named = allowed.length === 0 ? 'none is allowed' : `allowed: ${allowed.join(', ')}`;
  const message = `An alert in status ${alert.status} cannot change to ${to}; ${named}.`;
  return answer('REFUSED', 'INVALID_STATUS_TRANSITION', alert, {
    message,
    details: { from: alert.status, to, allowed },
  });
};
