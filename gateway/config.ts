/**
 * What the environment asks of a gateway.
 *
 * Invariant: no key is asked for unless keys are given, and without keys the gateway listens on this machine alone unless HOST says
 * otherwise; then nobody may manage anything.
 */
import { isIP } from 'node:net';
import { PROCESS_SETTINGS, PROCESSOR_SETTINGS, SINK_SETTINGS } from '../connectors/config/processes.ts';
import {
  ConfigError,
  type Environment,
  fileContent,
  integer,
  optional,
  port,
  readSettings,
  secretText,
  text,
  type ValuesOf,
  withDefault,
  withPortDefault,
} from '../connectors/config/settings.ts';
import { timestampParser } from './alerts/timestamp.ts';
import { API_KEYS_ALLOWED, parseApiKeys } from '../connectors/http/api-keys.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

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
  ...secretText('GATEWAY_API_KEYS', 'keys that clients must send and what each may do; none are asked for when empty'),
  allowed: API_KEYS_ALLOWED,
  parse: parseApiKeys,
};

const list = (name: string, meaning: string, allowed: string, isAllowed: (item: string) => boolean) => ({
  name,
  meaning,
  allowed: `${allowed}, more of them separated by commas`,
  parse: (given: string): readonly string[] | undefined => {
    const items = given.split(',').flatMap((item) => item.trim() || []);
    return items.every(isAllowed) ? items : undefined;
  },
});

const corsOrigins = list(
  'GATEWAY_CORS_ORIGINS',
  'web sites whose pages may call the gateway from a browser; none when empty',
  'an origin such as https://alerts.example.org',
  (item) => URL.canParse(item) && new URL(item).origin === item,
);

const isAddress = (item: string): boolean => {
  const [address = '', bits, ...rest] = item.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
};

const trustedProxies = list(
  'GATEWAY_TRUSTED_PROXIES',
  'proxies whose X-Forwarded-For names the client; nobody is believed when empty',
  'an address or a network such as 10.0.0.0/8',
  isAddress,
);

const perMinute = (name: string, meaning: string, defaultLimit: number) =>
  withDefault(integer(name, `${meaning} that one client may send in a minute; 0: any`, 0, 1e9), String(defaultLimit));

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
  ingestLimitPerMinute: perMinute('GATEWAY_INGEST_LIMIT_PER_MINUTE', 'requests with alerts or logs', 600_000),
  readLimitPerMinute: perMinute('GATEWAY_READ_LIMIT_PER_MINUTE', 'reads', 60_000),
  manageLimitPerMinute: perMinute('GATEWAY_MANAGE_LIMIT_PER_MINUTE', 'changes to what is managed', 100),
  corsOrigins: withDefault(corsOrigins, ''),
  trustedProxies: withDefault(trustedProxies, ''),
  tlsCertificate: optional(fileContent('GATEWAY_TLS_CERT_FILE', 'certificate chain (PEM) to serve HTTPS with')),
  tlsKey: optional(fileContent('GATEWAY_TLS_KEY_FILE', 'private key (PEM) of the certificate')),
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
  /** One of them is what the processors' stores are asked with. */
  processorApiKeys: PROCESSOR_SETTINGS.apiKeys,
  futureSkewMs: PROCESSOR_SETTINGS.futureSkewMs,
  logFutureSkewMs: PROCESSOR_SETTINGS.logGraceMs,
  idempotencyKeepMs: withDefault(
    integer('GATEWAY_IDEMPOTENCY_KEEP_MS', 'how long an Idempotency-Key is kept', 1_000, 30 * DAY_MS),
    String(DAY_MS),
  ),
  closeTimeoutMs: milliseconds('GATEWAY_CLOSE_TIMEOUT_MS', 'time for requests under way when it stops', 10_000),
  processorUrl: withPortDefault(
    serviceUrl('PROCESSOR_URL', 'where a processor says whether it is ready and answers store queries'),
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
export const readGatewayConfig = (environment: Environment): GatewayConfig => {
  const config = readSettings(GATEWAY_SETTINGS, environment);
  if ((config.tlsCertificate === undefined) !== (config.tlsKey === undefined)) {
    throw new ConfigError(['GATEWAY_TLS_CERT_FILE and GATEWAY_TLS_KEY_FILE belong together: set both or neither.']);
  }
  return config;
};

export { isLoopback } from '../connectors/http/loopback.ts';
