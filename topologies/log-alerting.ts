/**
 * The topology of the logs: logs in, alerts and error counts out, rules from a global table.
 *
 *     log-events ─▶ log-check ─┬▶ log-rules-evaluation ─▶ log-alerts        stores: windows, cooldowns, absence; global: log-rules
 *                              ╰▶ error-counts ─▶ log-error-counts          stores: minutes, hours, days, timers
 *
 * Invariant: everything about a service goes to the partition that its logs came from, so it stays in order and a task's transaction
 * touches one partition of each result.
 */
import type { AbsenceWatch } from '../processors/log-alerting/decide-absence.ts';
import { ErrorCountProcessor, type MinuteCount } from '../processors/log-alerting/error-count-processor.ts';
import { LogAlertProcessor, type LogAlertSettings } from '../processors/log-alerting/log-alert-processor.ts';
import { LogCheckProcessor } from '../processors/log-alerting/log-check-processor.ts';
import { LogRuleTableProcessor } from '../processors/log-alerting/log-rule-table-processor.ts';
import type { RuleChanges } from '../processors/log-alerting/rule-book.ts';
import * as stores from '../processors/log-alerting/store-names.ts';
import type { WindowCounts } from '../processors/log-alerting/window-counts.ts';
import { alertEventTime } from '../processors/event-time.ts';
import type { LogAlertRule } from '../schemas/log-alert-rule.ts';
import type { LogAlert } from '../schemas/log-alert.ts';
import { type LogErrorCount, RESOLUTION_KEPT_MS } from '../schemas/log-error-count.ts';
import type { LogEvent } from '../schemas/log-event.ts';
import { int64Key, pairKey, stringKey } from '../state/codecs.ts';
import { dueKeyValueStore, keyValueStore, timerStore, windowStore } from '../state/stores.ts';
import { partitionForKey } from '../streams/partitioner.ts';
import type { Deserializer, Serializer } from '../streams/serde.ts';
import { int64Serde, jsonSerde, stringSerde } from '../streams/serdes.ts';
import { Topology, type StreamPartitioner } from '../streams/topology.ts';
import { logTopicNames, type LogTopicNames } from './log-topics.ts';

export interface LogSerdes {
  readonly logEvent: Deserializer<LogEvent>;
  readonly logAlertRule: Deserializer<LogAlertRule>;
  readonly logAlert: Serializer<LogAlert>;
  readonly logErrorCount: Serializer<LogErrorCount>;
}

export interface LogAlertingOptions {
  readonly serdes: LogSerdes;
  /** Partitions of the logs' topic. */
  readonly partitions: number;
  /** Default: the names without a prefix. */
  readonly topics?: LogTopicNames;
  /** How far behind stream time the end of a window may lie while it still takes logs. Default 60 s. */
  readonly graceMs?: number;
  /**
   * How far ahead of the broker's clock a log may be; beyond it goes to the dead letters. Default: the grace period, and never more, so
   * that no log from the future closes a window that takes logs of the present.
   */
  readonly futureSkewMs?: number;
}

const MINUTE_MS = 60_000;

const SOURCE = 'log-events-source';
const CHECK = 'log-check';
const EVALUATION = 'log-rules-evaluation';
const ERROR_COUNTS = 'error-counts';

const ruleAndService = pairKey(stringKey, stringKey);

const windowsStore = () =>
  dueKeyValueStore({
    name: stores.LOG_WINDOWS_STORE,
    key: ruleAndService,
    value: jsonSerde<WindowCounts>(),
    dueAtMs: ({ collectAtMs }) => collectAtMs,
  });

const absenceStore = () =>
  dueKeyValueStore({
    name: stores.LOG_ABSENCE_STORE,
    key: ruleAndService,
    value: jsonSerde<AbsenceWatch>(),
    dueAtMs: ({ dueAtMs }) => dueAtMs,
  });

const minutesStore = () =>
  windowStore({
    name: stores.ERROR_MINUTES_STORE,
    key: stringKey,
    value: jsonSerde<MinuteCount>(),
    retentionMs: RESOLUTION_KEPT_MS.minute,
  });

const rollUpStore = (name: string, retentionMs: number) =>
  windowStore({ name, key: stringKey, value: int64Serde, retentionMs });

const ownPartition: StreamPartitioner<unknown, unknown> = (_record, taskPartition) => taskPartition;

const addEvaluation = (topology: Topology, settings: LogAlertSettings): Topology =>
  topology
    .addProcessor({ name: EVALUATION, supplier: () => new LogAlertProcessor(settings), parents: [CHECK] })
    .addStateStore(windowsStore(), [EVALUATION])
    .addStateStore(timerStore({ name: stores.LOG_COOLDOWNS_STORE, key: stringKey }), [EVALUATION])
    .addStateStore(absenceStore(), [EVALUATION]);

const addErrorCounts = (topology: Topology): Topology =>
  topology
    .addProcessor({ name: ERROR_COUNTS, supplier: () => new ErrorCountProcessor(), parents: [CHECK] })
    .addStateStore(minutesStore(), [ERROR_COUNTS])
    .addStateStore(rollUpStore(stores.ERROR_HOURS_STORE, RESOLUTION_KEPT_MS.hour), [ERROR_COUNTS])
    .addStateStore(rollUpStore(stores.ERROR_DAYS_STORE, RESOLUTION_KEPT_MS.day), [ERROR_COUNTS])
    .addStateStore(timerStore({ name: stores.ERROR_COUNT_TIMERS_STORE, key: pairKey(stringKey, int64Key) }), [
      ERROR_COUNTS,
    ]);

/** Times are milliseconds. */
export function logAlertingTopology(options: LogAlertingOptions): Topology {
  const { serdes, partitions, topics = logTopicNames(), graceMs = MINUTE_MS } = options;
  const { futureSkewMs = graceMs } = options;
  const changes: RuleChanges = { count: 0 };
  const isAt = (service: string, partition: number): boolean =>
    partitionForKey(Buffer.from(service), partitions) === partition;
  const topology = new Topology()
    .addSource({
      name: SOURCE,
      topics: [topics.logEvents],
      key: stringSerde,
      value: serdes.logEvent,
      timestampExtractor: alertEventTime(Math.min(graceMs, futureSkewMs)),
    })
    .addProcessor({ name: CHECK, supplier: () => new LogCheckProcessor(), parents: [SOURCE] })
    .addGlobalStore({
      // Kept as JSON of its own: what the topic's serde needs of the registry is not at hand when a store is read.
      store: keyValueStore({
        name: stores.LOG_RULES_STORE,
        key: stringKey,
        value: jsonSerde<LogAlertRule>(),
        logging: false,
      }),
      source: 'log-rules-source',
      topic: topics.logAlertRules,
      key: stringSerde,
      value: serdes.logAlertRule,
      processor: 'log-rules-table',
      supplier: () => new LogRuleTableProcessor(changes),
    });
  addEvaluation(topology, { changes, graceMs, isAt });
  addErrorCounts(topology);
  return topology
    .addSink({
      name: 'log-alerts-sink',
      topic: topics.logAlerts,
      key: stringSerde,
      value: serdes.logAlert,
      parents: [EVALUATION],
      partitioner: ownPartition,
    })
    .addSink({
      name: 'log-error-counts-sink',
      topic: topics.logErrorCounts,
      key: stringSerde,
      value: serdes.logErrorCount,
      parents: [ERROR_COUNTS],
      partitioner: ownPartition,
    });
}
