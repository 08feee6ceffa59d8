/**
 * An alert that a rule raised about a service's log: the record on `log-alerts`, keyed by service (UTF-8).
 *
 * Invariant: the same fields, in the same order, as log-alert.avsc.
 */
import type { FieldTable } from './field-table.ts';
import type { LogRuleType, LogSeverity } from './log-alert-rule.ts';

export interface LogAlert {
  /** The same on every replay. */
  readonly alertId: string;
  /** Rule, service and severity; what cooldown goes by. */
  readonly fingerprint: string;
  readonly ruleId: string;
  readonly ruleName: string;
  readonly ruleType: LogRuleType;
  readonly service: string;
  readonly severity: LogSeverity;
  /** Logs in the window that match the rule. */
  readonly count: number;
  /** What the condition compared. */
  readonly value: number;
  readonly threshold: number;
  readonly windowMinutes: number;
  readonly cooldownMinutes: number;
  /** UTC epoch milliseconds, as all times here. */
  readonly windowStart: number;
  /** Exclusive. */
  readonly windowEnd: number;
  /** Event time of the log that crossed the threshold; the due time for ABSENCE. */
  readonly triggeredAt: number;
  readonly message: string;
}

export const LOG_ALERT_FIELDS = {
  alertId: 'string',
  fingerprint: 'string',
  ruleId: 'string',
  ruleName: 'string',
  ruleType: 'string',
  service: 'string',
  severity: 'string',
  count: 'long',
  value: 'double',
  threshold: 'double',
  windowMinutes: 'double',
  cooldownMinutes: 'double',
  windowStart: 'long:timestamp-millis',
  windowEnd: 'long:timestamp-millis',
  triggeredAt: 'long:timestamp-millis',
  message: 'string',
} as const satisfies FieldTable<LogAlert>;
