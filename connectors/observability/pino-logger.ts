/**
 * The engine's logger as JSON lines: `timestamp` (ISO 8601, UTC), `level`, `service`, `module`, `message` and the fields.
 *
 * Invariant: the five names above are the logger's own, whatever fields a caller passes; secrets are taken out (redact.ts).
 */
import { pino } from 'pino';
import type { LogFields, Logger } from '../../streams/ports.ts';
import { redactFields, redactText } from './redact.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface PinoLoggerOptions {
  /** The process, such as `alerts-processor`. */
  readonly service: string;
  readonly level?: LogLevel;
  /** Where the lines go; left out: standard output, written before the call returns. */
  readonly destination?: { write(line: string): void };
}

const RESERVED: ReadonlySet<string> = new Set(['timestamp', 'level', 'service', 'message']);

/** What the lines of all processes call it, whatever a caller does. */
const COMMON_NAMES: ReadonlyMap<string, string> = new Map([
  ['alertId', 'alert_id'],
  ['driverId', 'driver_id'],
  ['durationMs', 'duration_ms'],
  ['err', 'error'],
  ['eventId', 'event_id'],
  ['requestId', 'request_id'],
  ['traceId', 'trace_id'],
]);

const nameOf = (name: string, fields: LogFields): string => {
  if (RESERVED.has(name)) return `field_${name}`;
  const common = COMMON_NAMES.get(name);
  return common === undefined || common in fields ? name : common;
};

/** A caller's field of a reserved name is kept, under another one. */
const rename = (fields: LogFields): LogFields =>
  Object.keys(fields).some((name) => RESERVED.has(name) || COMMON_NAMES.has(name))
    ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [nameOf(name, fields), value]))
    : fields;

class PinoLogger implements Logger {
  readonly #pino: pino.Logger;
  readonly #bound: LogFields;

  constructor(instance: pino.Logger, bound: LogFields) {
    this.#pino = instance;
    this.#bound = bound;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  /** The fields go with every line; name the part of the program by `module`. */
  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino, { ...this.#bound, ...rename(fields) });
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: LogFields = {}): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    this.#pino[level](redactFields({ ...this.#bound, ...rename(fields) }), redactText(message));
  }
}

/** Takes whole lines, and has written them when the call returns. */
export const standardOutput = (): { write(lines: string): void } => pino.destination({ fd: 1, sync: true });

export const createLogger = ({ service, level = 'info', destination }: PinoLoggerOptions): Logger => {
  const options: pino.LoggerOptions = {
    level,
    base: { service },
    messageKey: 'message',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  const instance = pino(options, destination ?? standardOutput());
  return new PinoLogger(instance, { module: 'main' });
};
