/**
 * What the environment asks of a gateway.
 *
 * Invariant: a value that cannot be used stops the start with one sentence that names its variable; nothing is replaced by a
 * default in silence.
 */
import { timestampParser } from './alerts/timestamp.ts';

export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  /** IANA name of the zone that times without one are in. */
  readonly timeZone: string;
  /** Empty: no key is asked for. */
  readonly apiKeys: readonly string[];
  readonly bodyLimitBytes: number;
  /** Longest wait for the log to take an alert, in milliseconds. */
  readonly produceTimeoutMs: number;
  /** Longest wait for a decision, in milliseconds. */
  readonly decisionTimeoutMs: number;
  /** Alerts that may wait for their decision at once. */
  readonly maxWaiting: number;
  /** How far ahead of its arrival an alert's time may be, in milliseconds. */
  readonly futureSkewMs: number;
  /** How long an Idempotency-Key is kept, in milliseconds. */
  readonly idempotencyKeepMs: number;
  /** How long requests under way may take to finish at the end, in milliseconds. */
  readonly closeTimeoutMs: number;
  readonly processorUrl: string;
  readonly sinkUrl: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The message is for the operator. */
export class ConfigurationError extends Error {}

const textOf = (environment: Environment, name: string): string | undefined => environment[name]?.trim() || undefined;

const integer = (environment: Environment, name: string, fallback: number, least: number, most: number): number => {
  const text = textOf(environment, name);
  if (text === undefined) return fallback;
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new ConfigurationError(`${name} is "${text}"; set it to a whole number from ${least} to ${most}.`);
};

const httpUrl = (environment: Environment, name: string, fallback: string): string => {
  const text = textOf(environment, name) ?? fallback;
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/+$/, '');
  throw new ConfigurationError(`${name} is "${text}"; set it to an address such as ${fallback}.`);
};

const timeZone = (environment: Environment): string => {
  const zone = textOf(environment, 'GATEWAY_TIME_ZONE') ?? 'UTC';
  try {
    timestampParser(zone);
    return zone;
  } catch (cause) {
    throw new ConfigurationError(`GATEWAY_TIME_ZONE is "${zone}"; set it to an IANA name such as Europe/Berlin.`, {
      cause,
    });
  }
};

const MIN_KEY_LENGTH = 16;

const apiKeys = (environment: Environment): readonly string[] => {
  const keys = (textOf(environment, 'GATEWAY_API_KEYS') ?? '').split(',').map((key) => key.trim());
  const given = keys.filter((key) => key !== '');
  if (given.every((key) => key.length >= MIN_KEY_LENGTH && !/\s/.test(key))) return given;
  throw new ConfigurationError(`GATEWAY_API_KEYS has a key shorter than ${MIN_KEY_LENGTH} characters or with a blank.`);
};

/** Throws `ConfigurationError`. */
export const readGatewayConfig = (environment: Environment): GatewayConfig => {
  const port = (name: string, fallback: number): number => integer(environment, name, fallback, 1, 65_535);
  const milliseconds = (name: string, fallback: number): number => integer(environment, name, fallback, 1, 3_600_000);
  return {
    host: textOf(environment, 'HOST') ?? '127.0.0.1',
    port: port('GATEWAY_PORT', 4000),
    timeZone: timeZone(environment),
    apiKeys: apiKeys(environment),
    bodyLimitBytes: integer(environment, 'GATEWAY_BODY_LIMIT_BYTES', 65_536, 1, 1_000_000),
    produceTimeoutMs: milliseconds('GATEWAY_PRODUCE_TIMEOUT_MS', 5_000),
    decisionTimeoutMs: milliseconds('GATEWAY_DECISION_TIMEOUT_MS', 2_000),
    maxWaiting: integer(environment, 'GATEWAY_MAX_WAITING', 1_000, 1, 1_000_000),
    futureSkewMs: integer(environment, 'GATEWAY_FUTURE_SKEW_MS', 300_000, 0, 3_600_000),
    idempotencyKeepMs: 24 * 3_600_000,
    closeTimeoutMs: milliseconds('GATEWAY_CLOSE_TIMEOUT_MS', 10_000),
    processorUrl: httpUrl(environment, 'PROCESSOR_URL', `http://127.0.0.1:${port('PROCESSOR_PORT', 4001)}`),
    sinkUrl: httpUrl(environment, 'SINK_URL', `http://127.0.0.1:${port('SINK_PORT', 4002)}`),
  };
};

/** Whether the host is this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
