/**
 * The escalation topology: raw alerts in, lifecycle events out, rules from a global table.
 *
 *     raw-alerts ─▶ escalation ─▶ alert-events        stores: recent-times, alerts; global: alert-rules
 *
 * Invariant: every event goes to the partition that its alert came from, so the events of a driver stay in order and a task's
 * transaction touches one partition of the results.
 */
import { openAlertOf } from '../processors/alert-state.ts';
import { alertStateSerde } from '../processors/alert-state-serde.ts';
import { EscalationProcessor, type EscalationSettings } from '../processors/escalation-processor.ts';
import { alertEventTime } from '../processors/event-time.ts';
import { recentTimesSerde } from '../processors/recent-times-serde.ts';
import { RuleTableProcessor } from '../processors/rule-table-processor.ts';
import { ALERT_RULES_STORE, ALERTS_STORE, RECENT_TIMES_STORE } from '../processors/store-names.ts';
import type { AlertRule } from '../schemas/alert-rule.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { RawAlert } from '../schemas/raw-alert.ts';
import { stringKey } from '../state/codecs.ts';
import { dueKeyValueStore, keyValueStore } from '../state/stores.ts';
import type { Deserializer, Serializer } from '../streams/serde.ts';
import { jsonSerde, stringSerde } from '../streams/serdes.ts';
import { Topology } from '../streams/topology.ts';
import { TAKES_LARGE_BATCHES, topicNames, type TopicNames } from './topics.ts';

export interface AlertSerdes {
  readonly rawAlert: Deserializer<RawAlert>;
  readonly lifecycleEvent: Serializer<LifecycleEvent>;
  readonly alertRule: Deserializer<AlertRule>;
}

export interface AlertEscalationOptions {
  readonly serdes: AlertSerdes;
  /** Default: the names without a prefix. */
  readonly topics?: TopicNames;
  /** How far behind the newest alert of its key an alert is still decided exactly. Default 60 s. */
  readonly graceMs?: number;
  /** How far ahead of the broker's clock an alert may be; beyond it goes to the dead letters. Default 5 min. */
  readonly futureSkewMs?: number;
  /** How long a quiet key is kept beyond its window. Default 24 h, but not less than the grace period. */
  readonly quietKeyMs?: number;
  /** How long the id of a purged alert is remembered, if its producer chose it. Default 24 h. */
  readonly rememberMs?: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Alerts are written once and seldom read again, so little of them is kept in memory: more than a prefetch takes. */
const ALERTS_IN_MEMORY = 4096;
/** Keys come again; this many per task are answered from memory. */
const KEYS_IN_MEMORY = 32_768;

const RAW_ALERTS_SOURCE = 'raw-alerts-source';
/** The node that decides on alerts, for what is added to the topology. */
export const ESCALATION = 'escalation';
const ALERT_EVENTS_SINK = 'alert-events-sink';
const ALERT_RULES_SOURCE = 'alert-rules-source';
const ALERT_RULES_TABLE = 'alert-rules-table';

const alertsStore = () =>
  dueKeyValueStore({
    name: ALERTS_STORE,
    key: stringKey,
    value: alertStateSerde(),
    dueAtMs: (state) => state.dueAtMs,
    // Alerts that are written without having been read have ids made of their place in the log.
    counted: { groupOf: openAlertOf, unreadIsNew: true },
    cacheEntries: ALERTS_IN_MEMORY,
    changelogConfig: TAKES_LARGE_BATCHES,
  });

const recentTimesStore = () =>
  dueKeyValueStore({
    name: RECENT_TIMES_STORE,
    key: stringKey,
    value: recentTimesSerde(),
    dueAtMs: (recent) => recent.collectAtMs,
    cacheEntries: KEYS_IN_MEMORY,
    changelogConfig: TAKES_LARGE_BATCHES,
  });

/** Kept as JSON of its own: what the topic's serde needs of the registry is not at hand when a store is read. */
const alertRulesStore = () =>
  keyValueStore({ name: ALERT_RULES_STORE, key: stringKey, value: jsonSerde<AlertRule>(), logging: false });

/** Times are milliseconds. */
export function alertEscalationTopology(options: AlertEscalationOptions): Topology {
  const { serdes, topics = topicNames(), graceMs = MINUTE_MS, futureSkewMs = 5 * MINUTE_MS } = options;
  const { quietKeyMs = Math.max(DAY_MS, graceMs), rememberMs = DAY_MS } = options;
  const settings: EscalationSettings = { graceMs, quietKeyMs, rememberMs };
  return new Topology()
    .addSource({
      name: RAW_ALERTS_SOURCE,
      topics: [topics.rawAlerts],
      key: stringSerde,
      value: serdes.rawAlert,
      timestampExtractor: alertEventTime(futureSkewMs),
    })
    .addProcessor({
      name: ESCALATION,
      supplier: () => new EscalationProcessor(settings),
      parents: [RAW_ALERTS_SOURCE],
    })
    .addStateStore(alertsStore(), [ESCALATION])
    .addStateStore(recentTimesStore(), [ESCALATION])
    .addSink({
      name: ALERT_EVENTS_SINK,
      topic: topics.alertEvents,
      key: stringSerde,
      value: serdes.lifecycleEvent,
      parents: [ESCALATION],
      partitioner: (_record, taskPartition) => taskPartition,
    })
    .addGlobalStore({
      store: alertRulesStore(),
      source: ALERT_RULES_SOURCE,
      topic: topics.alertRules,
      key: stringSerde,
      value: serdes.alertRule,
      processor: ALERT_RULES_TABLE,
      supplier: () => new RuleTableProcessor(),
    });
}
