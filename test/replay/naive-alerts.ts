/**
 * The alert semantics written down as naively as possible: keep every alert for ever and work each one out from scratch.
 */
import type { RawAlert } from '../../schemas/raw-alert.ts';
import { SEVERITIES } from '../../schemas/vocabulary.ts';

export interface NaiveRule {
  readonly escalate_if_count?: number;
  readonly window_mins?: number;
  readonly auto_close_after_mins?: number;
  readonly auto_close_if?: string;
}

/** One step: alert, event, time, severity after it, reason, count of an escalation. */
export type NaiveEvent = readonly [
  alert: string,
  event: string,
  timestampMs: number,
  severity: string,
  reason: string,
  count: number | undefined,
];

const minutes = (mins: number): number => mins * 60_000;

/** Every event of the alerts, in the order they arrived in, up to `endMs`. Alerts are told apart by their metadata. */
export function naiveEvents(
  arrived: readonly RawAlert[],
  rules: Readonly<Record<string, NaiveRule>>,
  endMs: number,
  purgeAfterMs = 5 * 60_000,
): readonly NaiveEvent[] {
  const accepted: RawAlert[] = [];
  const events: NaiveEvent[] = [];
  for (const alert of arrived) {
    if (alert.alertId !== null && accepted.some(({ alertId }) => alertId === alert.alertId)) continue;
    accepted.push(alert);
    const steps = life(alert, accepted, rules[alert.sourceType], purgeAfterMs);
    events.push(...steps.filter(([, , timestampMs]) => timestampMs <= endMs));
  }
  return events;
}

function life(
  alert: RawAlert,
  accepted: readonly RawAlert[],
  rule: NaiveRule | undefined,
  purgeAfterMs: number,
): NaiveEvent[] {
  const { timestamp, severity, metadata } = alert;
  const event = (type: string, timeMs: number, after: string, reason: string, count?: number): NaiveEvent => [
    metadata,
    type,
    timeMs,
    after,
    reason,
    count,
  ];
  const closed = (timeMs: number, after: string, reason: string): NaiveEvent[] => [
    event('AUTO_CLOSED', timeMs, after, reason),
    event('PURGED', timeMs + purgeAfterMs, after, 'purged'),
  ];
  if (rule === undefined) return [event('CREATED', timestamp, severity, 'no_rule')];
  const flag = rule.auto_close_if;
  if (flag !== undefined && (JSON.parse(metadata) as Record<string, unknown>)[flag] === true) {
    return [event('CREATED', timestamp, severity, flag), ...closed(timestamp, severity, flag)];
  }
  if (rule.escalate_if_count === undefined) return [event('CREATED', timestamp, severity, 'flag_not_true')];
  const count = accepted.filter(
    (other) =>
      other.driverId === alert.driverId &&
      other.sourceType === alert.sourceType &&
      other.timestamp > timestamp - minutes(rule.window_mins ?? 0) &&
      other.timestamp <= timestamp,
  ).length;
  const reached = count >= rule.escalate_if_count;
  const reason = reached ? 'count_reached' : 'below_count';
  const after = reached ? (SEVERITIES[Math.min(SEVERITIES.indexOf(severity as never) + 2, 3)] as string) : severity;
  return [
    event('CREATED', timestamp, severity, reason),
    ...(reached ? [event('ESCALATED', timestamp, after, reason, count)] : []),
    ...closed(timestamp + minutes(rule.auto_close_after_mins ?? 0), after, 'timeout'),
  ];
}
