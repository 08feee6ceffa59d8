/**
 * Rows on their way into multi-row statements: column order, DATETIME texts, and statements of bounded size.
 *
 * Invariant: columns and values have one order, given here alone.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { AlertRow } from './plan-batch.ts';

export type SqlValues = readonly (string | number | null)[];

export const ALERT_COLUMNS =
  'alert_id, driver_id, source_type, severity, status, timestamp, metadata, created_at, updated_at, sequence, status_sequence';

export const EVENT_COLUMNS =
  'event_id, alert_id, sequence, event_type, reason, old_status, new_status, timestamp, metadata';

/** `YYYY-MM-DD HH:mm:ss.mmm` in UTC, as the session's time zone has it. */
export const toDatetime = (ms: number): string => {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
};

export const alertValues = (row: AlertRow): SqlValues => [
  row.alertId,
  row.driverId,
  row.sourceType,
  row.severity,
  row.status,
  toDatetime(row.statusTimeMs),
  row.metadata,
  toDatetime(row.createdAtMs),
  toDatetime(row.updatedAtMs),
  row.sequence,
  row.statusSequence,
];

export const eventValues = (event: LifecycleEvent): SqlValues => [
  event.eventId,
  event.alertId,
  event.sequence,
  event.eventType,
  event.reason,
  event.oldStatus,
  event.newStatus,
  toDatetime(event.timestamp),
  event.metadata,
];

/** Rows in one statement at most; more gain nothing. */
const MAX_ROWS = 500;
/**
 * Characters in one statement at most. Escaped and in UTF-8 a character may take 4 bytes, and a single event up to about 1 MiB
 * (the broker's limit) stands alone, so a statement stays below the 16 MiB that servers allow by default.
 */
const MAX_CHARS = 1 << 20;

const charsOf = (values: SqlValues): number =>
  values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 12) + 4, 0);

/** Cuts the rows into the lists of one statement each. */
export const chunkRows = (rows: readonly SqlValues[]): readonly (readonly SqlValues[])[] => {
  const chunks: SqlValues[][] = [];
  let chars = 0;
  for (const values of rows) {
    const size = charsOf(values);
    const current = chunks.at(-1);
    if (current === undefined || current.length === MAX_ROWS || chars + size > MAX_CHARS) {
      chunks.push([values]);
      chars = size;
    } else {
      current.push(values);
      chars += size;
    }
  }
  return chunks;
};
