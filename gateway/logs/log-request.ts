/**
 * From what a service sends to the record that goes on `log-events`: the one place where they meet.
 *
 * Invariant: the same entry and arrival time give the same record; nothing else is consulted. Whatever becomes a record here is one
 * that the processor evaluates and the tables take.
 */
import { isLogLevel, LOG_LEVELS, type LogEvent } from '../../schemas/log-event.ts';
import type { TimestampParser } from '../alerts/timestamp.ts';
import type { FieldProblem } from '../http/api-error.ts';

export interface LogRequestContext {
  /** UTC epoch milliseconds. */
  readonly arrivalMs: number;
  /** How far ahead of the arrival a log's time may be, in milliseconds. */
  readonly futureSkewMs: number;
  readonly parseTimestamp: TimestampParser;
}

export type LogOutcome =
  { readonly ok: true; readonly log: LogEvent } | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const FIELDS = ['service', 'level', 'message', 'timestamp', 'statusCode', 'responseTime', 'meta'] as const;
type Field = (typeof FIELDS)[number];
type Entry = Readonly<Partial<Record<Field, unknown>>>;

/** UTF-16 units. */
export const MAX_SERVICE_LENGTH = 100;
export const MAX_MESSAGE_LENGTH = 16_384;
export const MAX_META_LENGTH = 65_536;
const MAX_STATUS_CODE = 999;
/** Older logs would be dropped as soon as they are stored. */
const OLDEST_DAYS = 30;
const DAY_MS = 86_400_000;

class Problem extends Error {}

const rawJson = JSON as unknown as { isRawJSON(value: unknown): value is { readonly rawJSON: string } };

/** Numbers of a body keep their text; here their value counts. */
const numeric = (value: unknown): unknown => (rawJson.isRawJSON(value) ? Number(value.rawJSON) : value);

const serviceOf = (value: unknown): string => {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= MAX_SERVICE_LENGTH;
  if (fits && value.trim() === value && !/\p{Cc}/u.test(value)) return value;
  throw new Problem(`must be a name of 1 to ${MAX_SERVICE_LENGTH} characters, without blanks at its ends`);
};

const levelOf = (value: unknown): string => {
  const level = typeof value === 'string' ? value.toLowerCase() : '';
  if (isLogLevel(level)) return level;
  throw new Problem(`must be one of ${LOG_LEVELS.join(', ')}, in any case`);
};

const messageOf = (value: unknown): string => {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_MESSAGE_LENGTH) return value;
  throw new Problem(`must be a text of 1 to ${MAX_MESSAGE_LENGTH} characters`);
};

const timeOf = (value: unknown, { arrivalMs, futureSkewMs, parseTimestamp }: LogRequestContext): number => {
  if (value === undefined || value === null) return arrivalMs;
  if (typeof value !== 'string') throw new Problem('must be an ISO 8601 date and time');
  const parsed = parseTimestamp(value);
  if (!parsed.ok) throw new Problem(parsed.problem);
  if (parsed.epochMs > arrivalMs + futureSkewMs) {
    throw new Problem(`is more than ${futureSkewMs / 1000} s in the future`);
  }
  if (parsed.epochMs < arrivalMs - OLDEST_DAYS * DAY_MS) throw new Problem(`is older than ${OLDEST_DAYS} days`);
  return parsed.epochMs;
};

const statusCodeOf = (value: unknown): number | null => {
  const code = numeric(value ?? null);
  if (code === null) return null;
  if (typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= MAX_STATUS_CODE) return code;
  throw new Problem(`must be a whole number from 0 to ${MAX_STATUS_CODE}`);
};

const responseTimeOf = (value: unknown): number | null => {
  const timeMs = numeric(value ?? null);
  if (timeMs === null) return null;
  if (typeof timeMs === 'number' && timeMs >= 0 && Number.isFinite(timeMs)) return timeMs;
  throw new Problem('must be a number of milliseconds that is not negative');
};

const metaOf = (value: unknown): string => {
  const text = value === undefined ? '{}' : JSON.stringify(value);
  if (text.length <= MAX_META_LENGTH) return text;
  throw new Problem(`has ${text.length} characters as JSON; ${MAX_META_LENGTH} are allowed`);
};

/** `entry`: any JSON value, its numbers as raw JSON values. */
export const toLogEvent = (entry: unknown, context: LogRequestContext): LogOutcome => {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || rawJson.isRawJSON(entry)) {
    return { ok: false, problems: [{ field: 'log', message: 'must be an object' }] };
  }
  const fields = entry as Entry;
  const problems: FieldProblem[] = Object.keys(entry)
    .filter((field) => !(FIELDS as readonly string[]).includes(field))
    .map((field) => ({ field, message: 'is not a known field; put it under meta' }));
  const read = <T>(field: Field, parse: (value: unknown) => T): T => {
    try {
      return parse(fields[field]);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push({ field, message: fields[field] === undefined ? 'is required' : error.message });
      return undefined as never;
    }
  };
  const log: LogEvent = {
    service: read('service', serviceOf),
    level: read('level', levelOf),
    message: read('message', messageOf),
    timestamp: read('timestamp', (value) => timeOf(value, context)),
    statusCode: read('statusCode', statusCodeOf),
    responseTime: read('responseTime', responseTimeOf),
    meta: read('meta', metaOf),
  };
  return problems.length === 0 ? { ok: true, log } : { ok: false, problems };
};
