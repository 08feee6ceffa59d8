/**
 * Shared by the processor tests: the rules of the case, alerts with defaults, and a context to decide in.
 */
import type { AlertContext } from '../../../processors/decide-alert.ts';
import type { DueContext } from '../../../processors/decide-due.ts';
import { escalationRule, retentionOf } from '../../../processors/escalation-rule.ts';
import type { ValidAlert } from '../../../processors/raw-alert-check.ts';
import { rulesFromFile } from '../../../processors/rules.ts';
import type { AlertRule } from '../../../schemas/alert-rule.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** 24 November 2025, 09:30:00 UTC. */
export const START_MS = Date.UTC(2025, 10, 24, 9, 30);

export const CASE_RULES = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 4 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
};

export const GRACE_MS = MINUTE;

/** One rule from its entry in the rules file. */
export const ruleOf = (entry: Readonly<Record<string, unknown>>, sourceType = 'overspeed'): AlertRule =>
  rulesFromFile({ [sourceType]: entry })[0] as AlertRule;

export const alertAt = (timestamp: number, rest: Partial<ValidAlert> = {}): ValidAlert => ({
  alertId: null,
  driverId: 'TEST-02',
  sourceType: 'overspeed',
  severity: 'medium',
  timestamp,
  metadata: '{"speed":121}',
  ...rest,
});

/** Decides under the rule of that file entry; without one, under no rule. */
export const contextOf = (
  entry: Readonly<Record<string, unknown>> | undefined,
  rest: Partial<AlertContext> = {},
  sourceType = 'overspeed',
): AlertContext => ({
  rule: entry === undefined ? undefined : escalationRule(ruleOf(entry, sourceType), GRACE_MS),
  retention: retentionOf(undefined),
  streamTimeMs: -1,
  quietKeyMs: 24 * HOUR,
  ...rest,
});

export const dueContext = (rest: Partial<DueContext> = {}): DueContext => ({
  retention: retentionOf(undefined),
  rememberMs: 24 * HOUR,
  quietKeyMs: 24 * HOUR,
  streamTimeMs: -1,
  nowMs: START_MS,
  ...rest,
});
