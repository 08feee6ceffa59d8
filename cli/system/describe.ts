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

interface DescribedApplication {
  /** Without the topic prefix. */
  readonly id: string;
  readonly build: (prefix: string, applicationId: string) => BuiltTopology;
}

const described: Readonly<Record<ApplicationName, DescribedApplication>> = {
  alerts: {
    id: 'alerts-processor',
    build: (prefix, id) => topologyOf(topicNames(prefix), id, incidentTopicNames(prefix)),
  },
  'log-alerting': {
    id: 'log-alerting',
    build: (prefix, id) =>
      logAlertingTopology({ serdes: anySerdes, partitions: ANY_PARTITIONS, topics: logTopicNames(prefix) }).build(id),
  },
  incidents: {
    id: 'incidents',
    build: (prefix, id) => incidentsTopology({ serdes: anySerdes, topics: incidentTopicNames(prefix) }).build(id),
  },
};

/** An application for looking at, under the id that it has with that topic prefix. */
export function builtApplication(
  application: ApplicationName,
  topicPrefix: string,
): { readonly applicationId: string; readonly topology: BuiltTopology } {
  const { id, build } = described[application];
  const applicationId = `${topicPrefix}${id}`;
  return { applicationId, topology: build(topicPrefix, applicationId) };
}

export async function describe(
  context: CommandContext,
  application: ApplicationName,
  { mermaid }: { mermaid?: boolean },
): Promise<void> {
  const { topicPrefix } = readProcessorConfig(context.environment);
  const { topology } = builtApplication(application, topicPrefix);
  const text = mermaid ? mermaidTopology(topology) : describeTopology(topology);
  context.show({ format: mermaid ? 'mermaid' : 'text', topology: text }, () => text.trimEnd());
}
