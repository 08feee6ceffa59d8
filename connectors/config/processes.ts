/**
 * The settings of the processes themselves: where they listen, what they log, how they run.
 *
 * Invariant: everything listens on this machine alone unless HOST says otherwise.
 */
import { resolve } from 'node:path';
import { API_KEYS_ALLOWED, parseApiKeys } from '../http/api-keys.ts';
import { LOG_LEVELS } from '../observability/pino-logger.ts';
import {
  flag,
  integer,
  oneOf,
  port,
  optional,
  readSettings,
  secretText,
  someOf,
  text,
  withDefault,
  type Environment,
  type ValuesOf,
} from './settings.ts';

const topicPrefix = {
  name: 'TOPIC_PREFIX',
  meaning: 'goes before the name of every topic, so that several systems can share a cluster',
  allowed: 'letters, digits, dots, dashes and underscores, 100 at most',
  parse: (given: string): string | undefined => (/^[\w.-]{0,100}$/.test(given) ? given : undefined),
};

const TOPIC_SETTINGS = { topicPrefix: withDefault(topicPrefix, '') };

const dataDir = { ...text('DATA_DIR', 'folder for what this process stores'), allowed: 'a path', parse: resolve };

/** What every process has. */
export const PROCESS_SETTINGS = {
  ...TOPIC_SETTINGS,
  host: withDefault(text('HOST', 'address to listen on'), '127.0.0.1'),
  logLevel: withDefault(oneOf('LOG_LEVEL', 'the least that is logged', LOG_LEVELS), 'info'),
  dataDir: withDefault(dataDir, '.data'),
  minFreeDiskBytes: withDefault(
    integer('MIN_FREE_DISK_BYTES', 'less free space on the disk of DATA_DIR counts as unhealthy', 0, 2 ** 50),
    String(512 * 1024 * 1024),
  ),
  maxMemoryPercent: withDefault(
    integer('MAX_MEMORY_PERCENT', 'more of the memory that the process may have counts as unhealthy', 1, 100),
    '90',
  ),
};

const HOUR_MS = 3_600_000;

/** The stream applications that a processor process can run. */
export const APPLICATION_NAMES = ['alerts', 'log-alerting', 'incidents'] as const;
export type ApplicationName = (typeof APPLICATION_NAMES)[number];

/** The processor runs them, and the sink writes what they produce. */
const applications = withDefault(
  someOf('STREAMS_APPLICATIONS', 'the stream applications that this process works for', APPLICATION_NAMES),
  APPLICATION_NAMES.join(','),
);

/** What to do when a stream thread ends with an error; see `KafkaStreams`. */
const FAILURE_RESPONSES = ['shutdown-client', 'replace-thread', 'shutdown-application'] as const;

const advertisedUrl = {
  ...text(
    'PROCESSOR_ADVERTISED_URL',
    'where other processors and the gateway reach this one; as it listens when empty',
  ),
  allowed: 'an address such as http://10.0.0.7:4001',
  parse: (given: string): string | undefined =>
    URL.canParse(given) && /^https?:\/\/[^/]/.test(given) ? given.replace(/\/+$/, '') : undefined,
};

const processorApiKeys = {
  ...secretText(
    'PROCESSOR_API_KEYS',
    'keys for store queries and control of the processor; without any, only processes of this machine may ask',
  ),
  allowed: API_KEYS_ALLOWED,
  parse: parseApiKeys,
};

export const PROCESSOR_SETTINGS = {
  ...PROCESS_SETTINGS,
  port: withDefault(port('PROCESSOR_PORT', 'port of the processor for health, metrics and store queries'), '4001'),
  apiKeys: withDefault(processorApiKeys, ''),
  advertisedUrl: optional(advertisedUrl),
  onFailure: withDefault(
    oneOf('STREAMS_ON_FAILURE', 'what to do when a stream thread ends with an error', FAILURE_RESPONSES),
    'shutdown-client',
  ),
  applications,
  threads: withDefault(integer('STREAM_THREADS', 'stream threads of this process for the alerts', 1, 64), '2'),
  logThreads: withDefault(integer('LOG_STREAM_THREADS', 'stream threads of this process for the logs', 1, 64), '1'),
  incidentThreads: withDefault(
    integer('INCIDENT_STREAM_THREADS', 'stream threads of this process for the incidents', 1, 64),
    '1',
  ),
  commitIntervalMs: withDefault(
    integer('COMMIT_INTERVAL_MS', 'longest time between commits under load', 1, 60_000),
    '100',
  ),
  standbyReplicas: withDefault(
    integer('STANDBY_REPLICAS', 'warm copies of each task in other processor processes', 0, 3),
    '0',
  ),
  stateBudgetBytes: withDefault(
    integer(
      'STATE_BUDGET_BYTES',
      'memory for the stores of this process: block caches and memtables',
      64 * 1024 * 1024,
      2 ** 40,
    ),
    String(512 * 1024 * 1024),
  ),
  threadHeapBytes: withDefault(
    integer(
      'STREAM_THREAD_HEAP_BYTES',
      'memory for the objects of each stream thread; one that needs more ends with an error',
      256 * 1024 * 1024,
      2 ** 40,
    ),
    String(512 * 1024 * 1024),
  ),
  graceMs: withDefault(
    integer(
      'ALERT_GRACE_MS',
      'how far behind the newest alert of its key an alert is still counted exactly',
      0,
      24 * HOUR_MS,
    ),
    '60000',
  ),
  futureSkewMs: withDefault(
    integer('ALERT_FUTURE_SKEW_MS', 'how far ahead of its arrival the time of an alert may be', 0, 24 * HOUR_MS),
    '300000',
  ),
  correlationWindowMs: withDefault(
    integer(
      'INCIDENT_CORRELATION_WINDOW_MS',
      'how far apart in time related alerts of one incident may be; 0: each rule and service has its own',
      0,
      24 * HOUR_MS,
    ),
    '600000',
  ),
  logGraceMs: withDefault(
    integer(
      'LOG_GRACE_MS',
      'how long a window still takes logs after its end, and how far ahead of its arrival the time of a log may be',
      0,
      24 * HOUR_MS,
    ),
    '60000',
  ),
};
export type ProcessorConfig = ValuesOf<typeof PROCESSOR_SETTINGS>;

export const SINK_SETTINGS = {
  ...PROCESS_SETTINGS,
  port: withDefault(port('SINK_PORT', 'port of the sink for health and metrics'), '4002'),
  lifecycleLog: withDefault(
    flag('LIFECYCLE_LOG', 'a line in the log for every lifecycle event that was stored'),
    'true',
  ),
  applications,
};
export type SinkConfig = ValuesOf<typeof SINK_SETTINGS>;

const rulesFile = { ...text('RULES_FILE', 'the rules that are seeded'), allowed: 'a path', parse: resolve };

export const SETUP_SETTINGS = {
  ...TOPIC_SETTINGS,
  rulesFile: withDefault(rulesFile, 'rules.json'),
  partitions: withDefault(
    integer('ALERT_PARTITIONS', 'partitions of the alert topics when they are created', 1, 1024),
    '4',
  ),
  waitMs: withDefault(integer('SETUP_WAIT_MS', 'how long to wait for each service', 1, HOUR_MS), '60000'),
};
export type SetupConfig = ValuesOf<typeof SETUP_SETTINGS>;

/** These three throw `ConfigError`. */
export const readProcessorConfig = (environment: Environment): ProcessorConfig =>
  readSettings(PROCESSOR_SETTINGS, environment);
export const readSinkConfig = (environment: Environment): SinkConfig => readSettings(SINK_SETTINGS, environment);
export const readSetupConfig = (environment: Environment): SetupConfig => readSettings(SETUP_SETTINGS, environment);
