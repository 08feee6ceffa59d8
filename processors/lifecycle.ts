/**
 * The lifecycle of an alert: which event may happen in which status, and what the status is after it.
 *
 * Invariant: the table is complete. A status or an event without a cell does not compile, and every cell is either the next
 * status or a named refusal; nothing else decides whether a step is allowed.
 */
import type { AlertStatus, EventType } from '../schemas/vocabulary.ts';

/** Why an event cannot happen in a status. */
export type Refusal =
  | 'already_created'
  | 'already_escalated'
  | 'already_acknowledged'
  | 'already_resolved'
  | 'already_closed'
  /** Somebody has taken the alert: neither the count nor the clock changes it any more. */
  | 'in_hand'
  /** Only what the system closed by itself is purged. */
  | 'not_auto_closed';

export type Transition = { readonly next: AlertStatus } | { readonly refused: Refusal };

type LifecycleTable = Readonly<Record<AlertStatus, Readonly<Record<EventType, Transition>>>>;

const to = (next: AlertStatus): Transition => ({ next });
const refuse = (refused: Refusal): Transition => ({ refused });

/** The status of an alert that CREATED has just brought into being. */
export const INITIAL_STATUS: AlertStatus = 'OPEN';

export const LIFECYCLE: LifecycleTable = {
  OPEN: {
    CREATED: refuse('already_created'),
    ESCALATED: to('ESCALATED'),
    ACKNOWLEDGED: to('ACKNOWLEDGED'),
    RESOLVED: to('RESOLVED'),
    AUTO_CLOSED: to('AUTO_CLOSED'),
    COMMENTED: to('OPEN'),
    PURGED: refuse('not_auto_closed'),
  },
  ESCALATED: {
    CREATED: refuse('already_created'),
    ESCALATED: refuse('already_escalated'),
    ACKNOWLEDGED: to('ACKNOWLEDGED'),
    RESOLVED: to('RESOLVED'),
    AUTO_CLOSED: to('AUTO_CLOSED'),
    COMMENTED: to('ESCALATED'),
    PURGED: refuse('not_auto_closed'),
  },
  ACKNOWLEDGED: {
    CREATED: refuse('already_created'),
    ESCALATED: refuse('in_hand'),
    ACKNOWLEDGED: refuse('already_acknowledged'),
    RESOLVED: to('RESOLVED'),
    AUTO_CLOSED: refuse('in_hand'),
    COMMENTED: to('ACKNOWLEDGED'),
    PURGED: refuse('not_auto_closed'),
  },
  RESOLVED: {
    CREATED: refuse('already_created'),
    ESCALATED: refuse('already_resolved'),
    ACKNOWLEDGED: refuse('already_resolved'),
    RESOLVED: refuse('already_resolved'),
    AUTO_CLOSED: refuse('already_resolved'),
    COMMENTED: to('RESOLVED'),
    PURGED: refuse('not_auto_closed'),
  },
  AUTO_CLOSED: {
    CREATED: refuse('already_created'),
    ESCALATED: refuse('already_closed'),
    ACKNOWLEDGED: refuse('already_closed'),
    RESOLVED: refuse('already_closed'),
    AUTO_CLOSED: refuse('already_closed'),
    COMMENTED: to('AUTO_CLOSED'),
    // The alert is gone after this; its last known status stays on the event.
    PURGED: to('AUTO_CLOSED'),
  },
};

/** What the event does to an alert in that status. */
export const transition = (status: AlertStatus, event: EventType): Transition => LIFECYCLE[status][event];
