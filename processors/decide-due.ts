/**
 * Decides what time does: an alert whose time has run out, an id to forget, a key that has gone quiet.
 *
 * Invariants:
 * - An event's time is the due time, whenever the timer comes by, so a replay makes the same event.
 * - The answer never leaves an entry due as it was: it has gone on, has a later due time, or is gone.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { AlertState, LivingAlert, RememberedAlert } from './alert-state.ts';
import { forgetKeyAtMs } from './decide-alert.ts';
import { reasonMetadata, type Retention } from './escalation-rule.ts';
import { transition } from './lifecycle.ts';
import { lifecycleEvent, nextStatus } from './lifecycle-events.ts';
import { firstCollectAtMs, isPast, nextCollectAtMs } from './quiet-keys.ts';
import { REASONS } from './reasons.ts';
import type { RecentTimes } from './recent-times.ts';

export interface DueContext {
  readonly retention: Retention;
  /** How long a purged id is remembered, if its producer chose it. */
  readonly rememberMs: number;
  /** How long a key is kept after its last alert has left the window. */
  readonly quietKeyMs: number;
  /** Highest event time of the task, UTC epoch milliseconds. */
  readonly streamTimeMs: number;
  /** Wall clock, UTC epoch milliseconds; only for when to come by again. */
  readonly nowMs: number;
}

export interface DueDecision {
  /** What stays of the alert; undefined: nothing. */
  readonly state: AlertState | undefined;
  readonly event: LifecycleEvent | undefined;
}

/** An alert that is due at `dueMs`: it is closed, purged or forgotten. */
export function decideDue(alertId: string, state: AlertState, dueMs: number, context: DueContext): DueDecision {
  if (state.kind === 'remembered') return { state: decideForget(state, dueMs, context), event: undefined };
  if (state.status === 'AUTO_CLOSED') return purge(alertId, state, dueMs, context);
  return autoClose(alertId, state, dueMs, context.retention);
}

function autoClose(alertId: string, alert: LivingAlert, dueMs: number, { purgeAfterMs }: Retention): DueDecision {
  const step = transition(alert.status, 'AUTO_CLOSED');
  // Somebody has the alert in hand or has resolved it: the clock lets go of it.
  if ('refused' in step) return { state: { ...alert, dueAtMs: undefined }, event: undefined };
  const sequence = alert.sequence + 1;
  const closed: LivingAlert = { ...alert, status: step.next, sequence, dueAtMs: dueMs + purgeAfterMs };
  const event = lifecycleEvent(alertId, closed, alert.status, {
    eventType: 'AUTO_CLOSED',
    reason: REASONS.timeout,
    timestampMs: dueMs,
    metadata: reasonMetadata(REASONS.timeout, alert.sourceType),
  });
  return { state: closed, event };
}

function purge(alertId: string, alert: LivingAlert, dueMs: number, context: DueContext): DueDecision {
  const status = nextStatus(alert.status, 'PURGED');
  const purged: LivingAlert = { ...alert, status, sequence: alert.sequence + 1, dueAtMs: undefined };
  const about = reasonMetadata(REASONS.purged, alert.sourceType).slice(0, -1);
  const event = lifecycleEvent(alertId, purged, alert.status, {
    eventType: 'PURGED',
    reason: REASONS.purged,
    timestampMs: dueMs,
    metadata: `${about},"archive":${context.retention.archive}}`,
  });
  return { state: alert.givenId ? remembered(dueMs + context.rememberMs) : undefined, event };
}

const remembered = (forgetAtMs: number): RememberedAlert => ({
  kind: 'remembered',
  forgetAtMs,
  dueAtMs: firstCollectAtMs(forgetAtMs),
});

function decideForget(state: RememberedAlert, dueMs: number, context: DueContext): RememberedAlert | undefined {
  const { forgetAtMs } = state;
  if (isPast(forgetAtMs, context.streamTimeMs)) return undefined;
  return { ...state, dueAtMs: nextCollectAtMs(forgetAtMs, dueMs, context.nowMs, context.rememberMs) };
}

/** A key whose times are to be looked at: what stays of them; undefined: nothing. */
export function decideQuietKey(recent: RecentTimes, dueMs: number, context: DueContext): RecentTimes | undefined {
  const forgetAtMs = forgetKeyAtMs(recent, context.quietKeyMs);
  if (isPast(forgetAtMs, context.streamTimeMs)) return undefined;
  return { ...recent, collectAtMs: nextCollectAtMs(forgetAtMs, dueMs, context.nowMs, context.quietKeyMs) };
}
