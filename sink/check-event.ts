/**
 * Whether the tables can hold an event, judged before any statement is sent.
 *
 * Invariant: an event that passes is refused by the database only for the content of its JSON texts; ids that pass are equal in
 * the database exactly when they are equal here.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';

/** Widths of the columns in migrations/0001-alerts.sql, in characters. */
export const MAX_LENGTHS = {
  alertId: 64,
  driverId: 128,
  sourceType: 128,
  severity: 32,
  eventType: 32,
  reason: 255,
  oldStatus: 32,
  newStatus: 32,
} as const;

const TEXT_FIELDS = Object.keys(MAX_LENGTHS) as (keyof typeof MAX_LENGTHS)[];

/** What DATETIME can hold, in UTC epoch milliseconds: the years 1000 to 9999. */
const EARLIEST_MS = Date.UTC(1000, 0, 1);
const LATEST_MS = Date.UTC(10_000, 0, 1) - 1;

const isStorableTime = (ms: number): boolean => Number.isInteger(ms) && ms >= EARLIEST_MS && ms <= LATEST_MS;

const tooLong = (event: LifecycleEvent): string | undefined => {
  for (const field of TEXT_FIELDS) {
    const length = event[field]?.length ?? 0;
    if (length > MAX_LENGTHS[field]) return `its ${field} has ${length} characters, at most ${MAX_LENGTHS[field]} fit`;
  }
  return undefined;
};

/** What makes the event impossible to store, in words that follow "The event cannot be stored: "; undefined when nothing does. */
export const problemWith = (event: LifecycleEvent): string | undefined => {
  const { alertId, eventId, sequence, timestamp, alertTimestamp } = event;
  if (alertId === '') return 'its alertId is empty';
  // The database ignores spaces at the end when it compares.
  if (alertId.endsWith(' ')) return 'its alertId ends with a space';
  if (sequence < 1) return `its sequence is ${sequence}, the first one is 1`;
  if (eventId !== `${alertId}:${sequence}`) return 'its eventId is not <alertId>:<sequence>';
  if (!isStorableTime(timestamp)) return `its timestamp ${timestamp} is outside the years 1000 to 9999`;
  if (!isStorableTime(alertTimestamp)) return `its alertTimestamp ${alertTimestamp} is outside the years 1000 to 9999`;
  return tooLong(event);
};
