/**
 * What the environment asks of a gateway.
 *
 * Invariant: no key is asked for unless keys are given, and without keys the gateway listens on this machine alone unless HOST says
 * otherwise.
 */
import { PROCESS_SETTINGS, PROCESSOR_SETTINGS, SINK_SETTINGS } from '../connectors/config/processes.ts';
import {
  type Environment,
  integer,
  port,
  readSettings,
  secretText,
  text,
  type ValuesOf,
  withDefault,
  withPortDefault,
} from '../connectors/config/settings.ts';
import { timestampParser } from './alerts/timestamp.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MIN_KEY_LENGTH = 16;

const timeZone = {
  ...text('GATEWAY_TIME_ZONE', 'zone of times that are written without one'),
  allowed: 'an IANA name such as Europe/Berlin',
  parse: (name: string): string | undefined => {
    try {
      timestampParser(name);
      return name;
    } catch {
      return undefined;
    }
  },
};

const apiKeys = {
  ...secretText('GATEWAY_API_KEYS', 'keys that clients must send, separated by commas; none are asked for when empty'),
  allowed: `keys of at least ${MIN_KEY_LENGTH} characters without blanks`,
  parse: (given: string): readonly string[] | undefined => {
    const keys = given.split(',').map((key) => key.trim());
    if (keys.length === 1 && keys[0] === '') return [];
    return keys.every((key) => key.length >= MIN_KEY_LENGTH && !/\s/.test(key)) ? keys : undefined;
  },
};

const serviceUrl = (name: string, meaning: string) => ({
  ...text(name, meaning),
  allowed: 'an address such as http://127.0.0.1:4001',
  parse: (given: string): string | undefined =>
    URL.canParse(given) && /^https?:\/\/[^/]/.test(given) ? given.replace(/\/+$/, '') : undefined,
});

const milliseconds = (name: string, meaning: string, defaultMs: number) =>
  withDefault(integer(name, `${meaning}, in milliseconds`, 1, 10 * MINUTE_MS), String(defaultMs));

const localAddress = (at: string): string => `http://127.0.0.1:${at}`;

export const GATEWAY_SETTINGS = {
  ...PROCESS_SETTINGS,
  port: withDefault(port('GATEWAY_PORT', 'port of the gateway'), '4000'),
  timeZone: withDefault(timeZone, 'UTC'),
  apiKeys: withDefault(apiKeys, ''),
  bodyLimitBytes: withDefault(
    integer('GATEWAY_BODY_LIMIT_BYTES', 'largest body that is taken', 1, 256 * 1024),
    String(64 * 1024),
  ),
  produceTimeoutMs: milliseconds('GATEWAY_PRODUCE_TIMEOUT_MS', 'longest wait for Kafka to take an alert', 5_000),
  decisionTimeoutMs: milliseconds('GATEWAY_DECISION_TIMEOUT_MS', 'longest wait for a decision', 2_000),
  maxWaiting: withDefault(
    integer('GATEWAY_MAX_WAITING', 'alerts that may wait for their decision at once', 1, 1_000_000),
    '1000',
  ),
  futureSkewMs: PROCESSOR_SETTINGS.futureSkewMs,
  idempotencyKeepMs: withDefault(
    integer('GATEWAY_IDEMPOTENCY_KEEP_MS', 'how long an Idempotency-Key is kept', 1_000, 30 * DAY_MS),
    String(DAY_MS),
  ),
  closeTimeoutMs: milliseconds('GATEWAY_CLOSE_TIMEOUT_MS', 'time for requests under way when it stops', 10_000),
  processorUrl: withPortDefault(
    serviceUrl('PROCESSOR_URL', 'where the processor says whether it is ready'),
    PROCESSOR_SETTINGS.port,
    localAddress,
  ),
  sinkUrl: withPortDefault(
    serviceUrl('SINK_URL', 'where the sink says whether it is ready'),
    SINK_SETTINGS.port,
    localAddress,
  ),
};

export type GatewayConfig = ValuesOf<typeof GATEWAY_SETTINGS>;

/** Throws `ConfigError`. */
export const readGatewayConfig = (environment: Environment): GatewayConfig =>
  readSettings(GATEWAY_SETTINGS, environment);

/** Whether the host is this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
