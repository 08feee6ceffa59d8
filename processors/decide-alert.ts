/**
 * Decides a raw alert: what becomes of it, and what is kept to decide the next one of its key.
 *
 * Invariants:
 * - A pure function of the alert, what is kept of its key, the rule and the stream time. The wall clock has no say.
 * - Every alert is created. At most one event follows at once: a flag of the alert that closes it wins over the count, since an
 *   alert that is settled needs nobody; it still counts for those that come after it.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { LivingAlert } from './alert-state.ts';
import { reasonMetadata, type EscalationRule, type Retention } from './escalation-rule.ts';
import { lifecycleEvent, nextStatus, type Step } from './lifecycle-events.ts';
import { firstCollectAtMs, isPast } from './quiet-keys.ts';
import type { ValidAlert } from './raw-alert-check.ts';
import { REASONS } from './reasons.ts';
import { countAt, newestTimeMs, withTime, type CountSettings, type RecentTimes } from './recent-times.ts';
import { escalatedSeverity } from './severity.ts';

export interface AlertContext {
  readonly rule: EscalationRule | undefined;
  readonly retention: Retention;
  /** Highest event time of the task, this alert's included. UTC epoch milliseconds. */
  readonly streamTimeMs: number;
  /** How long a key is kept after its last alert has left the window. */
  readonly quietKeyMs: number;
}

export interface AlertDecision {
  /** What to keep of the key; undefined where the rule does not count. */
  readonly recent: RecentTimes | undefined;
  readonly state: LivingAlert;
  /** CREATED, and what follows it in the same transaction. */
  readonly events: readonly LifecycleEvent[];
  readonly reason: string;
  /** True when times the count should have seen may be gone. */
  readonly late: boolean;
}

interface Counted {
  readonly count: number;
  readonly late: boolean;
  readonly recent: RecentTimes;
}

/** `known` is what is kept of the alert's key; it is not asked for where the rule does not count. */
export function decideAlert(
  alertId: string,
  alert: ValidAlert,
  known: RecentTimes | undefined,
  context: AlertContext,
): AlertDecision {
  const { rule } = context;
  const counted = rule?.count === undefined ? undefined : count(alert.timestamp, known, rule.count, context);
  const reason = reasonOf(alert, rule, counted);
  const created = createdAlert(alert, rule);
  const metadata = rule?.metadata[reason] ?? reasonMetadata(reason, alert.sourceType);
  const step: Step = { eventType: 'CREATED', reason, timestampMs: alert.timestamp, metadata };
  const first = lifecycleEvent(alertId, created, null, step);
  const state = rule === undefined ? created : afterwards(created, reason, rule, context.retention);
  return {
    recent: counted?.recent,
    state,
    events: state === created ? [first] : [first, following(alertId, created, state, step, rule, counted)],
    reason,
    late: counted?.late ?? false,
  };
}

function count(
  timeMs: number,
  known: RecentTimes | undefined,
  settings: CountSettings,
  context: AlertContext,
): Counted {
  const { streamTimeMs, quietKeyMs } = context;
  const usable = known !== undefined && !isPast(forgetKeyAtMs(known, quietKeyMs), streamTimeMs) ? known : undefined;
  const times = usable?.timesMs ?? [];
  const timesMs = withTime(times, timeMs, settings);
  const newestMs = timesMs[timesMs.length - 1] as number;
  const collectAtMs = usable?.collectAtMs ?? firstCollectAtMs(newestMs + settings.windowMs + quietKeyMs);
  return {
    count: countAt(times, timeMs, settings.windowMs),
    late: timeMs < newestMs - settings.graceMs || timeMs < streamTimeMs - quietKeyMs,
    recent: { timesMs, windowMs: settings.windowMs, collectAtMs },
  };
}

/** Event time at which a key's times are forgotten: no alert that is less than `quietKeyMs` behind can ask for them. */
export const forgetKeyAtMs = (recent: RecentTimes, quietKeyMs: number): number =>
  newestTimeMs(recent) + recent.windowMs + quietKeyMs;

function reasonOf(alert: ValidAlert, rule: EscalationRule | undefined, counted: Counted | undefined): string {
  if (rule === undefined) return REASONS.noRule;
  if (rule.closeIf !== undefined && flagIsTrue(alert.metadata, rule.closeIf)) return rule.closeIf;
  if (rule.count !== undefined && counted !== undefined) {
    return counted.count >= rule.count.escalateAt ? REASONS.countReached : REASONS.belowCount;
  }
  return rule.closeIf === undefined ? REASONS.notCounted : REASONS.flagNotTrue;
}

/** Only the boolean `true` at the top of the object counts. The metadata is known to be a JSON object. */
function flagIsTrue(metadata: string, flag: string): boolean {
  const value = JSON.parse(metadata) as Readonly<Record<string, unknown>>;
  return Object.hasOwn(value, flag) && value[flag] === true;
}

const createdAlert = (alert: ValidAlert, rule: EscalationRule | undefined): LivingAlert => ({
  kind: 'living',
  driverId: alert.driverId,
  sourceType: alert.sourceType,
  severity: alert.severity,
  status: nextStatus(null, 'CREATED'),
  sequence: 1,
  timestampMs: alert.timestamp,
  metadata: alert.metadata,
  givenId: alert.alertId !== null,
  dueAtMs: rule?.closeAfterMs === undefined ? undefined : alert.timestamp + rule.closeAfterMs,
});

/** The alert after what follows its creation at once; the same object where nothing does. */
function afterwards(created: LivingAlert, reason: string, rule: EscalationRule, retention: Retention): LivingAlert {
  if (reason === rule.closeIf) {
    const dueAtMs = created.timestampMs + retention.purgeAfterMs;
    return { ...created, status: nextStatus(created.status, 'AUTO_CLOSED'), sequence: 2, dueAtMs };
  }
  if (reason !== REASONS.countReached) return created;
  const severity = escalatedSeverity(created.severity, rule.escalateTo);
  return { ...created, status: nextStatus(created.status, 'ESCALATED'), severity, sequence: 2 };
}

function following(
  alertId: string,
  created: LivingAlert,
  after: LivingAlert,
  first: Step,
  rule: EscalationRule | undefined,
  counted: Counted | undefined,
): LifecycleEvent {
  if (after.status === 'AUTO_CLOSED') {
    return lifecycleEvent(alertId, after, created.status, { ...first, eventType: 'AUTO_CLOSED' });
  }
  const [beforeCount, afterCount] = rule?.escalatedMetadata ?? ['', ''];
  const metadata = `${beforeCount}${counted?.count}${afterCount}`;
  return lifecycleEvent(alertId, after, created.status, { ...first, eventType: 'ESCALATED', metadata });
}
