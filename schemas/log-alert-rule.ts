/**
 * When a service's log raises an alert: the record on `log-alert-rules`, keyed by id (UTF-8). A tombstone removes the rule.
 *
 * Invariant: the same fields, in the same order, as log-alert-rule.avsc.
 */
import type { FieldTable } from './field-table.ts';

/**
 * What a rule looks at: errors (levels error and fatal), slow requests, the share of errors, answers with status 5xx, or that
 * there is nothing.
 */
export const LOG_RULE_TYPES = ['ERROR_THRESHOLD', 'LATENCY', 'ERROR_RATE', 'SERVER_ERROR', 'ABSENCE'] as const;
export type LogRuleType = (typeof LOG_RULE_TYPES)[number];

export const LOG_SEVERITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type LogSeverity = (typeof LOG_SEVERITIES)[number];

/** Windows that follow each other, or one that ends at each log. */
export const LOG_WINDOW_TYPES = ['TUMBLING', 'SLIDING'] as const;
export type LogWindowType = (typeof LOG_WINDOW_TYPES)[number];

export interface LogAlertRule {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: LogRuleType;
  /** A comparison such as `count > threshold`. */
  readonly condition: string;
  /** Null: each service by itself. */
  readonly service: string | null;
  readonly threshold: number;
  /** May be fractional. */
  readonly windowMinutes: number;
  readonly windowType: LogWindowType;
  /** Only for LATENCY: the response time above which a request counts as slow, in milliseconds. */
  readonly slowerThanMs: number | null;
  readonly severity: LogSeverity;
  /** No alert of the same fingerprint for so long after one. */
  readonly cooldownMinutes: number;
  readonly enabled: boolean;
  /** 1, then one more with each change. */
  readonly revision: number;
  /** UTC epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const LOG_ALERT_RULE_FIELDS = {
  id: 'string',
  name: 'string',
  description: 'string',
  type: 'string',
  condition: 'string',
  service: 'string?',
  threshold: 'double',
  windowMinutes: 'double',
  windowType: 'string',
  slowerThanMs: 'double?',
  severity: 'string',
  cooldownMinutes: 'double',
  enabled: 'boolean',
  revision: 'int',
  createdAt: 'long:timestamp-millis',
  updatedAt: 'long:timestamp-millis',
} as const satisfies FieldTable<LogAlertRule>;
