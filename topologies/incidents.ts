/**
 * The incidents topology: alerts of other applications and commands in, incident events and results out.
 *
 *     log-alerts ─────────▶ log-alert-signals ─╮
 *     driver-escalations ─▶ driver-signals ────┼─▶ incident-signals ─▶ incident-events
 *     incident-signals-repartition ────────────╯      ╰─▶ incident-signals-repartition
 *     incident-commands ──▶ incident-commands-processor ─▶ incident-events, incident-results
 *
 * All of it is one sub-topology: alerts and commands on one incident meet in one task, where the incident is kept. An alert whose
 * service belongs to a group of dependent services is sent on, through the repartition topic, to the place that the group is named
 * after, so that alerts which may belong together meet too.
 *
 * Invariant: events and results go to the partition of the task that makes them, which the incident's id names.
 */
import { alertEventTime } from '../processors/event-time.ts';
import { CommandProcessor } from '../processors/incidents/command-processor.ts';
import type { ActiveIncidents, FingerprintEntry, IncidentState } from '../processors/incidents/incident-state.ts';
import type { RoutedSignal } from '../processors/incidents/signal.ts';
import { SignalProcessor } from '../processors/incidents/signal-processor.ts';
import { driverSignals, logAlertSignals } from '../processors/incidents/signal-sources.ts';
import {
  ACTIVE_INCIDENTS_STORE,
  FINGERPRINTS_STORE,
  INCIDENT_EVENTS_OUTPUT,
  INCIDENT_RESULTS_OUTPUT,
  INCIDENT_SIGNALS_OUTPUT,
  INCIDENTS_STORE,
  POLICIES_STORE,
  SERVICES_STORE,
} from '../processors/incidents/store-names.ts';
import { PolicyTableProcessor, ServiceTableProcessor } from '../processors/incidents/table-processors.ts';
import type { CommandResult } from '../schemas/command-result.ts';
import type { EscalationPolicy, ServiceDependencies } from '../schemas/escalation-policy.ts';
import type { IncidentCommand } from '../schemas/incident-command.ts';
import type { IncidentEvent } from '../schemas/incident-event.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { LogAlert } from '../schemas/log-alert.ts';
import { pairKey, stringKey } from '../state/codecs.ts';
import { dueKeyValueStore, keyValueStore } from '../state/stores.ts';
import type { Deserializer, Serializer } from '../streams/serde.ts';
import { jsonSerde, stringSerde } from '../streams/serdes.ts';
import { Topology } from '../streams/topology.ts';
import { incidentTopicNames, type IncidentTopicNames } from './incident-topics.ts';

export interface IncidentSerdes {
  readonly logAlert: Deserializer<LogAlert>;
  readonly lifecycleEvent: Deserializer<LifecycleEvent>;
  readonly incidentCommand: Deserializer<IncidentCommand>;
  readonly incidentEvent: Serializer<IncidentEvent>;
  readonly commandResult: Serializer<CommandResult>;
}

export interface IncidentOptions {
  readonly serdes: IncidentSerdes;
  /** Default: the names without a prefix. */
  readonly topics?: IncidentTopicNames;
  /** How far apart in time alerts of one incident may be; 0: each fingerprint has its own. Default 10 min. */
  readonly correlationWindowMs?: number;
  /** How long resolved incidents are kept to be reopened or shown from here. Default 30 days. */
  readonly keepResolvedMs?: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const LOG_ALERTS_SOURCE = 'log-alerts-source';
const LOG_ALERT_SIGNALS = 'log-alert-signals';
const DRIVER_ESCALATIONS_SOURCE = 'driver-escalations-source';
const DRIVER_SIGNALS = 'driver-signals';
const SIGNALS_SOURCE = 'incident-signals-source';
const SIGNALS = 'incident-signals';
const COMMANDS_SOURCE = 'incident-commands-source';
const COMMANDS = 'incident-commands';
const SIGNALS_REPARTITION = 'incident-signals';

const key = stringKey;

const incidentsStore = () =>
  dueKeyValueStore({
    name: INCIDENTS_STORE,
    ...{ key, value: jsonSerde<IncidentState>() },
    dueAtMs: ({ dueAtMs }) => dueAtMs ?? undefined,
  });

const fingerprintsStore = () =>
  keyValueStore({
    name: FINGERPRINTS_STORE,
    ...{ key: pairKey(stringKey, stringKey), value: jsonSerde<FingerprintEntry>() },
  });

const activeIncidentsStore = () =>
  keyValueStore({ name: ACTIVE_INCIDENTS_STORE, key, value: jsonSerde<ActiveIncidents>() });

/** More than any application that sends alerts here may allow; what is further ahead is no time. */
const MAX_AHEAD_MS = DAY_MS + HOUR_MS;
const timeOf = alertEventTime(MAX_AHEAD_MS);

const addSources = (
  topology: Topology,
  serdes: IncidentSerdes,
  topics: IncidentTopicNames,
  signals: string,
): Topology =>
  topology
    .addSource({
      name: LOG_ALERTS_SOURCE,
      topics: [topics.logAlerts],
      ...{ key: stringSerde, value: serdes.logAlert },
      timestampExtractor: ({ triggeredAt }, record, context) => timeOf({ timestamp: triggeredAt }, record, context),
    })
    .addProcessor({ name: LOG_ALERT_SIGNALS, supplier: logAlertSignals, parents: [LOG_ALERTS_SOURCE] })
    .addSource({
      name: DRIVER_ESCALATIONS_SOURCE,
      topics: [topics.driverEscalations],
      ...{ key: stringSerde, value: serdes.lifecycleEvent },
      timestampExtractor: timeOf,
    })
    .addProcessor({ name: DRIVER_SIGNALS, supplier: driverSignals, parents: [DRIVER_ESCALATIONS_SOURCE] })
    .addSource({ name: SIGNALS_SOURCE, topics: [signals], key: stringSerde, value: jsonSerde<RoutedSignal>() })
    .addSource({
      name: COMMANDS_SOURCE,
      topics: [topics.incidentCommands],
      ...{ key: stringSerde, value: serdes.incidentCommand },
      timestampExtractor: timeOf,
    });

const addSinks = (topology: Topology, serdes: IncidentSerdes, topics: IncidentTopicNames, signals: string): Topology =>
  topology
    .addSink({
      name: INCIDENT_EVENTS_OUTPUT,
      topic: topics.incidentEvents,
      ...{ key: stringSerde, value: serdes.incidentEvent },
      parents: [SIGNALS, COMMANDS],
      partitioner: (_record, taskPartition) => taskPartition,
    })
    .addSink({
      name: INCIDENT_RESULTS_OUTPUT,
      topic: topics.incidentResults,
      ...{ key: stringSerde, value: serdes.commandResult },
      parents: [COMMANDS],
      partitioner: (_record, taskPartition) => taskPartition,
    })
    .addSink({
      name: INCIDENT_SIGNALS_OUTPUT,
      topic: signals,
      ...{ key: stringSerde, value: jsonSerde<RoutedSignal>() },
      parents: [SIGNALS],
    });

/** The escalation policies, readable by every processor. */
export const addPolicyTable = (topology: Topology, topic: string): Topology =>
  topology.addGlobalStore({
    store: keyValueStore({ name: POLICIES_STORE, key, value: jsonSerde(), logging: false }),
    source: 'escalation-policies-source',
    topic,
    ...{ key: stringSerde, value: jsonSerde<EscalationPolicy | null>() },
    processor: 'escalation-policies-table',
    supplier: () => new PolicyTableProcessor(),
  });

const addTables = (topology: Topology, topics: IncidentTopicNames): Topology =>
  addPolicyTable(topology, topics.escalationPolicies).addGlobalStore({
    store: keyValueStore({ name: SERVICES_STORE, key, value: jsonSerde(), logging: false }),
    source: 'service-dependencies-source',
    topic: topics.serviceDependencies,
    ...{ key: stringSerde, value: jsonSerde<ServiceDependencies | null>() },
    processor: 'service-dependencies-table',
    supplier: () => new ServiceTableProcessor(),
  });

/** Times are milliseconds. */
export function incidentsTopology(options: IncidentOptions): Topology {
  const { serdes, topics = incidentTopicNames() } = options;
  const { correlationWindowMs = 10 * MINUTE_MS, keepResolvedMs = 30 * DAY_MS } = options;
  const topology = new Topology().addRepartitionTopic(SIGNALS_REPARTITION);
  addSources(topology, serdes, topics, SIGNALS_REPARTITION)
    .addProcessor({
      name: SIGNALS,
      supplier: () => new SignalProcessor({ correlationWindowMs }),
      parents: [LOG_ALERT_SIGNALS, DRIVER_SIGNALS, SIGNALS_SOURCE],
    })
    .addProcessor({
      name: COMMANDS,
      supplier: () => new CommandProcessor({ keepResolvedMs }),
      parents: [COMMANDS_SOURCE],
    })
    .addStateStore(incidentsStore(), [SIGNALS, COMMANDS])
    .addStateStore(fingerprintsStore(), [SIGNALS, COMMANDS])
    .addStateStore(activeIncidentsStore(), [SIGNALS, COMMANDS]);
  addSinks(topology, serdes, topics, SIGNALS_REPARTITION);
  return addTables(topology, topics);
}
