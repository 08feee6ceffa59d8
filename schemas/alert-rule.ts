/**
 * The rule of one source type, or, under the source type `*`, the settings of all: the record on `alert-rules`, keyed by
 * sourceType (UTF-8). A tombstone removes the rule.
 *
 * Invariant: the same fields, in the same order, as alert-rule.avsc.
 */
import type { FieldTable } from './field-table.ts';

/** The source type under which the settings of all rules stand. */
export const SETTINGS_SOURCE_TYPE = '*';

export interface AlertRule {
  readonly sourceType: string;
  readonly escalateIfCount: number | null;
  /** May be fractional. */
  readonly windowMins: number | null;
  /** Severity after an escalation, one of `SEVERITIES`; null: two steps up. */
  readonly escalateTo: string | null;
  /** May be fractional. */
  readonly autoCloseAfterMins: number | null;
  /** Name of the metadata flag that closes the alert at once when it is true. */
  readonly autoCloseIf: string | null;
  /** Only under `*`: minutes from AUTO_CLOSED to PURGED. */
  readonly purgeAfterMins: number | null;
  /** Only under `*`: whether purged alerts are archived first. */
  readonly archive: boolean | null;
}

export const ALERT_RULE_FIELDS = {
  sourceType: 'string',
  escalateIfCount: 'int?',
  windowMins: 'double?',
  escalateTo: 'string?',
  autoCloseAfterMins: 'double?',
  autoCloseIf: 'string?',
  purgeAfterMins: 'double?',
  archive: 'boolean?',
} as const satisfies FieldTable<AlertRule>;
