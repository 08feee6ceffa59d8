/**
 * `alerts describe`: the topology as it is built, without any service.
 */
import { readProcessorConfig } from '../../connectors/config/processes.ts';
import { describeTopology, mermaidTopology } from '../../streams/describe.ts';
import { jsonSerde } from '../../streams/serdes.ts';
import type { BuiltTopology } from '../../streams/topology.ts';
import { withAlertCommands } from '../../topologies/alert-commands.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { incidentTopicNames, type IncidentTopicNames } from '../../topologies/incident-topics.ts';
import { topicNames, type TopicNames } from '../../topologies/topics.ts';
import type { CommandContext } from '../context.ts';

/** How records are written says nothing about the topology's shape, so no registry is asked. */
const anySerdes = {
  ...{ rawAlert: jsonSerde<never>(), lifecycleEvent: jsonSerde(), alertRule: jsonSerde<never>() },
  ...{ alertCommand: jsonSerde<never>(), commandResult: jsonSerde() },
};

/** The escalation topology for looking at, not for running. */
export const topologyOf = (
  topics: TopicNames,
  applicationId: string,
  incidentTopics: IncidentTopicNames = incidentTopicNames(),
): BuiltTopology => {
  const topology = alertEscalationTopology({ serdes: anySerdes, topics });
  return withAlertCommands(topology, { serdes: anySerdes, topics, incidentTopics }).build(applicationId);
};

export async function describe(context: CommandContext, { mermaid }: { mermaid?: boolean }): Promise<void> {
  const { topicPrefix: prefix } = readProcessorConfig(context.environment);
  const topology = topologyOf(topicNames(prefix), `${prefix}alerts-processor`, incidentTopicNames(prefix));
  const text = mermaid ? mermaidTopology(topology) : describeTopology(topology);
  context.show({ format: mermaid ? 'mermaid' : 'text', topology: text }, () => text.trimEnd());
}
