/**
 * `alerts describe`: a topology as it is built, without any service.
 */
import { type ApplicationName, readProcessorConfig } from '../../connectors/config/processes.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { describeTopology, mermaidTopology } from '../../streams/describe.ts';
import { jsonSerde } from '../../streams/serdes.ts';
import type { BuiltTopology } from '../../streams/topology.ts';
import { withAlertCommands } from '../../topologies/alert-commands.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { incidentsTopology } from '../../topologies/incidents.ts';
import { incidentTopicNames, type IncidentTopicNames } from '../../topologies/incident-topics.ts';
import { logAlertingTopology } from '../../topologies/log-alerting.ts';
import { logTopicNames } from '../../topologies/log-topics.ts';
import { topicNames, type TopicNames } from '../../topologies/topics.ts';
import type { CommandContext } from '../context.ts';

/** How records are written says nothing about the topology's shape, so no registry is asked. */
const anySerdes = {
  ...{ rawAlert: jsonSerde<never>(), lifecycleEvent: jsonSerde<LifecycleEvent>(), alertRule: jsonSerde<never>() },
  ...{ alertCommand: jsonSerde<never>(), commandResult: jsonSerde() },
  ...{ logAlert: jsonSerde<never>(), incidentCommand: jsonSerde<never>(), incidentEvent: jsonSerde() },
  ...{ logEvent: jsonSerde<never>(), logAlertRule: jsonSerde<never>(), logErrorCount: jsonSerde() },
};
/** The number stands for that of the real topic, which changes nothing about the shape. */
const ANY_PARTITIONS = 4;

/** The escalation topology for looking at, not for running. */
export const topologyOf = (
  topics: TopicNames,
  applicationId: string,
  incidentTopics: IncidentTopicNames = incidentTopicNames(),
): BuiltTopology => {
  const topology = alertEscalationTopology({ serdes: anySerdes, topics });
  return withAlertCommands(topology, { serdes: anySerdes, topics, incidentTopics }).build(applicationId);
};

const topologies: Readonly<Record<ApplicationName, (prefix: string) => BuiltTopology>> = {
  alerts: (prefix) => topologyOf(topicNames(prefix), `${prefix}alerts-processor`, incidentTopicNames(prefix)),
  'log-alerting': (prefix) =>
    logAlertingTopology({ serdes: anySerdes, partitions: ANY_PARTITIONS, topics: logTopicNames(prefix) }).build(
      `${prefix}log-alerting`,
    ),
  incidents: (prefix) =>
    incidentsTopology({ serdes: anySerdes, topics: incidentTopicNames(prefix) }).build(`${prefix}incidents`),
};

export async function describe(
  context: CommandContext,
  application: ApplicationName,
  { mermaid }: { mermaid?: boolean },
): Promise<void> {
  const { topicPrefix } = readProcessorConfig(context.environment);
  const topology = topologies[application](topicPrefix);
  const text = mermaid ? mermaidTopology(topology) : describeTopology(topology);
  context.show({ format: mermaid ? 'mermaid' : 'text', topology: text }, () => text.trimEnd());
}
