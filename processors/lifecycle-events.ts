/**
 * Makes lifecycle events.
 *
 * Invariants: an event's id is `<alertId>:<sequence>`, and the event carries the whole alert as it is after the step. A step
 * that the lifecycle table refuses makes no event.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { AlertStatus, EventType } from '../schemas/vocabulary.ts';
import { ProcessingError } from '../streams/errors.ts';
import type { LivingAlert } from './alert-state.ts';
import { INITIAL_STATUS, transition } from './lifecycle.ts';

/** The decision an event tells of. */
export interface Step {
  readonly eventType: EventType;
  readonly reason: string;
  /** Event time of the step, UTC epoch milliseconds. */
  readonly timestampMs: number;
  /** JSON object as text. */
  readonly metadata: string;
}

/** The status after the event; null stands for the alert that does not exist yet. Throws where the table refuses the step. */
export function nextStatus(status: AlertStatus | null, eventType: EventType): AlertStatus {
  if (status === null && eventType === 'CREATED') return INITIAL_STATUS;
  const step = status === null ? undefined : transition(status, eventType);
  if (step !== undefined && 'next' in step) return step.next;
  const why = step === undefined ? 'no such alert' : step.refused;
  throw new ProcessingError('STEP_REFUSED', `${eventType} cannot happen to an alert in status ${status}: ${why}.`);
}

/** The event of a step. `after` is the alert after it, `oldStatus` the status before. */
export const lifecycleEvent = (
  alertId: string,
  after: LivingAlert,
  oldStatus: AlertStatus | null,
  step: Step,
): LifecycleEvent => ({
  eventId: `${alertId}:${after.sequence}`,
  alertId,
  sequence: after.sequence,
  eventType: step.eventType,
  reason: step.reason,
  oldStatus,
  newStatus: after.status,
  driverId: after.driverId,
  sourceType: after.sourceType,
  severity: after.severity,
  timestamp: step.timestampMs,
  metadata: step.metadata,
  alertTimestamp: after.timestampMs,
  alertMetadata: after.metadata,
});
