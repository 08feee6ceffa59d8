/**
 * Rules about silence: an alert when fewer logs than the threshold came within the window.
 *
 * A watch remembers the event times of as many logs as the threshold asks for. The moment at which too few are left is when the
 * oldest of them leaves the window: the watch's due time.
 *
 * Invariants: one alert for each silence; a watch is bounded by the threshold; decisions depend on the arguments alone.
 */
import type { LogAlert } from '../../schemas/log-alert.ts';
import { fingerprintOf, logAlertOf } from './log-alert-of.ts';
import type { PreparedRule } from './prepared-rule.ts';

export interface AbsenceWatch {
  /** Of the rule; another revision starts anew. */
  readonly revision: number;
  /** When the watch began, in event time. UTC epoch milliseconds, as all times here. */
  readonly sinceMs: number;
  /** Of the newest logs, ascending, `threshold` of them at most. */
  readonly timesMs: readonly number[];
  /** Undefined: silent, and told so. */
  readonly dueAtMs: number | undefined;
}

/** The watch over a service that no log is known of. */
export const beginWatch = ({ rule, windowMs }: PreparedRule, nowMs: number): AbsenceWatch => ({
  revision: rule.revision,
  sinceMs: nowMs,
  timesMs: [],
  dueAtMs: nowMs + windowMs,
});

/** The watch after a log; undefined when it changes nothing. */
export function watchLog(
  known: AbsenceWatch | undefined,
  timeMs: number,
  prepared: PreparedRule,
): AbsenceWatch | undefined {
  const { rule, windowMs } = prepared;
  const watch = known?.revision === rule.revision ? known : beginWatch(prepared, timeMs);
  const isFull = watch.timesMs.length === rule.threshold;
  if (isFull && watch === known && timeMs <= (watch.timesMs[0] as number)) return undefined;
  const timesMs = [...watch.timesMs, timeMs].sort((a, b) => a - b).slice(-rule.threshold);
  const [oldestMs] = timesMs;
  if (timesMs.length === rule.threshold && oldestMs !== undefined) {
    // While it is silent, single logs do not end the silence: the window has to be full again.
    const ended = watch.dueAtMs !== undefined || (timesMs.at(-1) as number) - oldestMs < windowMs;
    return { ...watch, timesMs, dueAtMs: ended ? oldestMs + windowMs : undefined };
  }
  return { ...watch, timesMs };
}

export interface AbsenceDecision {
  /** Undefined: nothing is left to watch. */
  readonly watch: AbsenceWatch | undefined;
  readonly alert: LogAlert | undefined;
  readonly suppressed: boolean;
}

/** The watch is due. `prepared`: the rule in force, undefined when it is gone or disabled. */
export function decideAbsence(
  service: string,
  watch: AbsenceWatch,
  dueMs: number,
  prepared: PreparedRule | undefined,
  restsUntilMs: (fingerprint: string) => number | undefined,
): AbsenceDecision {
  const gone = { watch: undefined, alert: undefined, suppressed: false };
  if (prepared === undefined || prepared.rule.revision !== watch.revision) return gone;
  const { rule, windowMs } = prepared;
  const untilMs = restsUntilMs(fingerprintOf(rule, service));
  if (untilMs !== undefined && dueMs < untilMs) {
    return { watch: { ...watch, dueAtMs: untilMs }, alert: undefined, suppressed: true };
  }
  const count = watch.timesMs.filter((timeMs) => timeMs > dueMs - windowMs).length;
  const alert = logAlertOf(prepared, {
    service,
    count,
    value: count,
    windowStartMs: dueMs - windowMs,
    windowEndMs: dueMs,
    triggeredAtMs: dueMs,
  });
  // A service that no rule names is forgotten with its silence, or services that come and go would stay for ever.
  const silent = rule.service === null ? undefined : { ...watch, dueAtMs: undefined };
  return { watch: silent, alert, suppressed: false };
}
