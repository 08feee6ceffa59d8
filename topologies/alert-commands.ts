/**
 * What people and policies add to the escalation topology: commands on driver alerts, and escalations that open incidents.
 *
 *     alert-commands ─▶ alert-commands-processor ─▶ alert-events, alert-command-results      store: alerts (shared)
 *     escalation ─▶ driver-escalations-filter ─▶ driver-escalations                          global: escalation-policies
 *
 * Invariant: commands have a source, a processor and outputs of their own; the way of an alert through the topology stays as it is. A
 * command's event time is one that the stream has passed, so it never moves stream time on.
 */
import {
  AlertCommandProcessor,
  COMMAND_EVENTS_OUTPUT,
  COMMAND_RESULTS_OUTPUT,
} from '../processors/alert-command-processor.ts';
import { alertEventTime } from '../processors/event-time.ts';
import { DriverEscalations } from '../processors/incidents/driver-escalations.ts';
import { ALERTS_STORE } from '../processors/store-names.ts';
import type { AlertCommand } from '../schemas/alert-command.ts';
import type { CommandResult } from '../schemas/command-result.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { Deserializer, Serializer } from '../streams/serde.ts';
import { stringSerde } from '../streams/serdes.ts';
import type { Topology } from '../streams/topology.ts';
import { ESCALATION } from './alert-escalation.ts';
import { addPolicyTable } from './incidents.ts';
import { incidentTopicNames, type IncidentTopicNames } from './incident-topics.ts';
import { topicNames, type TopicNames } from './topics.ts';

export interface AlertCommandOptions {
  readonly serdes: {
    readonly alertCommand: Deserializer<AlertCommand>;
    readonly commandResult: Serializer<CommandResult>;
    readonly lifecycleEvent: Serializer<LifecycleEvent>;
  };
  /** Default: the names without a prefix. */
  readonly topics?: TopicNames;
  readonly incidentTopics?: IncidentTopicNames;
  /** As for the alerts: no record may be further ahead of the broker's clock. Default 5 min. */
  readonly futureSkewMs?: number;
}

const DEFAULT_FUTURE_SKEW_MS = 300_000;

const COMMANDS_SOURCE = 'alert-commands-source';
const COMMANDS = 'alert-commands';
const DRIVER_ESCALATIONS = 'driver-escalations-filter';

const ownPartition = (_record: unknown, taskPartition: number): number => taskPartition;

/** `topology`: the escalation topology. */
export const withAlertCommands = (topology: Topology, options: AlertCommandOptions): Topology => {
  const { serdes, topics = topicNames(), incidentTopics = incidentTopicNames() } = options;
  const timeOf = alertEventTime(options.futureSkewMs ?? DEFAULT_FUTURE_SKEW_MS);
  topology
    .addSource({
      name: COMMANDS_SOURCE,
      topics: [topics.alertCommands],
      ...{ key: stringSerde, value: serdes.alertCommand },
      timestampExtractor: ({ alertUpdatedAt }, record, context) =>
        timeOf({ timestamp: alertUpdatedAt }, record, context),
    })
    .addProcessor({ name: COMMANDS, supplier: () => new AlertCommandProcessor(), parents: [COMMANDS_SOURCE] })
    .connectProcessorAndStores(COMMANDS, ALERTS_STORE)
    .addSink({
      name: COMMAND_EVENTS_OUTPUT,
      topic: topics.alertEvents,
      ...{ key: stringSerde, value: serdes.lifecycleEvent },
      ...{ parents: [COMMANDS], partitioner: ownPartition },
    })
    .addSink({
      name: COMMAND_RESULTS_OUTPUT,
      topic: topics.alertResults,
      ...{ key: stringSerde, value: serdes.commandResult },
      ...{ parents: [COMMANDS], partitioner: ownPartition },
    })
    .addProcessor({ name: DRIVER_ESCALATIONS, supplier: () => new DriverEscalations(), parents: [ESCALATION] })
    .addSink({
      name: 'driver-escalations-sink',
      topic: incidentTopics.driverEscalations,
      ...{ key: stringSerde, value: serdes.lifecycleEvent },
      ...{ parents: [DRIVER_ESCALATIONS], partitioner: ownPartition },
    });
  return addPolicyTable(topology, incidentTopics.escalationPolicies);
};
