/**
 * `alerts describe`: the topology as it is built, without any service.
 */
import { readProcessorConfig } from '../../connectors/config/processes.ts';
import { describeTopology, mermaidTopology } from '../../streams/describe.ts';
import { jsonSerde } from '../../streams/serdes.ts';
import type { BuiltTopology } from '../../streams/topology.ts';
import { alertEscalationTopology } from '../../topologies/alert-escalation.ts';
import { topicNames, type TopicNames } from '../../topologies/topics.ts';
import type { CommandContext } from '../context.ts';

/** How records are written says nothing about the topology's shape, so no registry is asked. */
const anySerdes = { rawAlert: jsonSerde<never>(), lifecycleEvent: jsonSerde(), alertRule: jsonSerde<never>() };

/** The escalation topology for looking at, not for running. */
export const topologyOf = (topics: TopicNames, applicationId: string): BuiltTopology =>
  alertEscalationTopology({ serdes: anySerdes, topics }).build(applicationId);

export async function describe(context: CommandContext, { mermaid }: { mermaid?: boolean }): Promise<void> {
  const { topicPrefix: prefix } = readProcessorConfig(context.environment);
  const topology = topologyOf(topicNames(prefix), `${prefix}alerts-processor`);
  const text = mermaid ? mermaidTopology(topology) : describeTopology(topology);
  context.show({ format: mermaid ? 'mermaid' : 'text', topology: text }, () => text.trimEnd());
}
