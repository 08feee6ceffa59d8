/**
 * One line of a service's log: the record on `log-events`, keyed by service (UTF-8).
 *
 * Invariant: the same fields, in the same order, as log-event.avsc.
 */
import type { FieldTable } from './field-table.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const isLogLevel = (text: string): text is LogLevel => (LOG_LEVELS as readonly string[]).includes(text);

export interface LogEvent {
  readonly service: string;
  /** One of `LOG_LEVELS` when the producer kept to the contract: check it before use. */
  readonly level: string;
  readonly message: string;
  /** Event time, UTC epoch milliseconds. */
  readonly timestamp: number;
  /** HTTP status of the request that the line is about. */
  readonly statusCode: number | null;
  /** Milliseconds that the request took. */
  readonly responseTime: number | null;
  /** JSON text. */
  readonly meta: string;
}

export const LOG_EVENT_FIELDS = {
  service: 'string',
  level: 'string',
  message: 'string',
  timestamp: 'long:timestamp-millis',
  statusCode: 'int?',
  responseTime: 'double?',
  meta: 'string:json',
} as const satisfies FieldTable<LogEvent>;
