/**
 * What one log means to one rule: counts, and whether they raise an alert.
 *
 * Invariants:
 * - A window raises one alert at most. A sliding window counts as the same one as long as it reaches back to the log that raised
 *   the last alert.
 * - Within the cooldown after an alert no other of the same fingerprint is raised; the window may still raise one after it.
 * - The decision depends on the arguments alone.
 */
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import { fingerprintOf, logAlertOf } from './log-alert-of.ts';
import type { PreparedRule } from './prepared-rule.ts';
import {
  bucketStartOf,
  conditionValues,
  countLog,
  isPast,
  windowAt,
  type WindowCounts,
  withOutcome,
} from './window-counts.ts';

export interface LogContext {
  /** How far behind stream time the end of a window may lie while it still takes logs. Milliseconds. */
  readonly graceMs: number;
  /** Highest event time that the task has seen. */
  readonly streamTimeMs: number;
  /** Until when the fingerprint rests, in event time; undefined when it does not. */
  restsUntilMs(fingerprint: string): number | undefined;
}

export interface LogDecision {
  /** Undefined: as before. */
  readonly counts: WindowCounts | undefined;
  readonly alert: LogAlert | undefined;
  /** True when an alert was held back, once per window. */
  readonly suppressed: boolean;
  /** The window is past its grace period: the log was not counted. */
  readonly late: boolean;
}

const NOTHING: LogDecision = { counts: undefined, alert: undefined, suppressed: false, late: false };

/** `known`: what the rule has counted of the service so far. */
export function decideLog(
  log: LogEvent,
  prepared: PreparedRule,
  known: WindowCounts | undefined,
  context: LogContext,
): LogDecision {
  const matches = prepared.matches(log);
  if (!matches && !prepared.countsAll) return NOTHING;
  const { timestamp: timeMs, service } = log;
  if (isPast(bucketStartOf(timeMs, prepared), prepared, context.graceMs, context.streamTimeMs)) {
    return { ...NOTHING, late: true };
  }
  const counts = countLog(known, log, prepared, context);
  const window = windowAt(counts, timeMs, prepared);
  const values = conditionValues(window, prepared);
  if (window.outcome === 'fired' || !prepared.condition.holds(values)) return { ...NOTHING, counts };
  const untilMs = context.restsUntilMs(fingerprintOf(prepared.rule, service));
  if (untilMs !== undefined && timeMs < untilMs) {
    const first = window.outcome === 'none';
    return {
      ...NOTHING,
      counts: first ? withOutcome(counts, timeMs, prepared, 'suppressed') : counts,
      suppressed: first,
    };
  }
  return {
    ...NOTHING,
    counts: withOutcome(counts, timeMs, prepared, 'fired'),
    alert: logAlertOf(prepared, {
      service,
      count: window.count,
      value: prepared.condition.measured(values),
      windowStartMs: window.startMs,
      windowEndMs: window.endMs,
      triggeredAtMs: timeMs,
    }),
  };
}
