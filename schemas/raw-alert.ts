/**
 * An alert as its source reported it: the record on `raw-alerts`, keyed by driverId (UTF-8).
 *
 * Invariant: the same fields, in the same order, as raw-alert.avsc.
 */
import type { FieldTable } from './field-table.ts';

export interface RawAlert {
  /** Given by the producer, or null: then the processor makes one. A repeat of it is ignored. */
  readonly alertId: string | null;
  readonly driverId: string;
  /** `overspeed`, `feedback_negative`, `compliance` or any other. */
  readonly sourceType: string;
  /** One of `SEVERITIES` when the producer kept to the contract: check it before use. */
  readonly severity: string;
  /** Event time, UTC epoch milliseconds. */
  readonly timestamp: number;
  /** The text of a JSON object, so that nesting, number types and booleans survive. */
  readonly metadata: string;
}

export const RAW_ALERT_FIELDS = {
  alertId: 'string?',
  driverId: 'string',
  sourceType: 'string',
  severity: 'string',
  timestamp: 'long:timestamp-millis',
  metadata: 'string:json',
} as const satisfies FieldTable<RawAlert>;
