/**
 * A rule ready for use on each log: condition read, minutes turned into milliseconds.
 *
 * Invariant: a pure function of the rule record.
 */
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import { type Condition, parseCondition } from './condition.ts';

export interface PreparedRule {
  readonly rule: LogAlertRule;
  readonly condition: Condition;
  /** A whole number of steps. */
  readonly windowMs: number;
  /** A window is made of buckets of this length: one for tumbling windows, up to 60 for sliding ones. */
  readonly stepMs: number;
  readonly cooldownMs: number;
  /** False: logs that do not match change nothing, since the condition looks at matching ones alone. */
  readonly countsAll: boolean;
  matches(log: LogEvent): boolean;
}

const MINUTE_MS = 60_000;
const SLIDING_STEPS = 60;
const MIN_STEP_MS = 1_000;

export const isError = ({ level }: LogEvent): boolean => level === 'error' || level === 'fatal';

const matcherOf = ({ type, slowerThanMs }: LogAlertRule): PreparedRule['matches'] => {
  switch (type) {
    case 'ERROR_THRESHOLD':
    case 'ERROR_RATE':
      return isError;
    case 'LATENCY':
      return ({ responseTime }) => responseTime !== null && responseTime > (slowerThanMs ?? 0);
    case 'SERVER_ERROR':
      return ({ statusCode }) => statusCode !== null && statusCode >= 500 && statusCode <= 599;
    case 'ABSENCE':
      return () => true;
  }
};

/** Throws `ConditionError` for a rule that was not checked. */
export function prepareRule(rule: LogAlertRule): PreparedRule {
  const askedMs = Math.round(rule.windowMinutes * MINUTE_MS);
  const stepMs = rule.windowType === 'TUMBLING' ? askedMs : Math.max(MIN_STEP_MS, Math.ceil(askedMs / SLIDING_STEPS));
  const condition = parseCondition(rule.condition);
  const countsAll = (['total', 'rate', 'avg', 'max'] as const).some((name) => condition.names.has(name));
  return {
    rule,
    condition,
    windowMs: Math.ceil(askedMs / stepMs) * stepMs,
    stepMs,
    cooldownMs: Math.round(rule.cooldownMinutes * MINUTE_MS),
    countsAll,
    matches: matcherOf(rule),
  };
}
