/**
 * The topics an application needs besides its sources and sinks, and the check that what exists fits the topology.
 *
 * Invariant: a changelog has exactly one partition for each task of its sub-topology, and all source topics of a sub-topology
 * have the same number of partitions (they are co-partitioned).
 */
import { TopologyError } from './errors.ts';
import type { LogAdmin, TopicSpec } from './ports.ts';
import type { BuiltTopology, SubTopology } from './topology.ts';

/** `<application>-<store>-changelog`, as in Kafka Streams. */
export const changelogTopic = (applicationId: string, store: string): string => `${applicationId}-${store}-changelog`;

/** Partition count of every topic that tasks read or write. Creates missing changelogs. Throws `TopologyError`. */
export async function prepareTopics(
  topology: BuiltTopology,
  applicationId: string,
  admin: LogAdmin,
  deadLetterTopic: string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const external = externalTopics(topology, deadLetterTopic);
  const counts = new Map(await admin.partitionCounts(external));
  const missing = external.filter((topic) => !counts.has(topic));
  if (missing.length > 0) {
    throw new TopologyError('UNKNOWN_TOPIC', `These topics do not exist, create them first: ${missing.join(', ')}.`);
  }
  const changelogs = topology.subTopologies.flatMap((sub) =>
    changelogSpecs(sub, applicationId, taskCount(sub, counts)),
  );
  await admin.createTopics(changelogs);
  const existing = await admin.partitionCounts(changelogs.map(({ name }) => name));
  for (const { name, partitions } of changelogs) {
    const count = existing.get(name);
    if (count !== partitions) {
      throw new TopologyError(
        'CHANGELOG_PARTITIONS',
        `The changelog "${name}" has ${count ?? 'no'} partitions and needs ${partitions}, one per input partition. ` +
          'Input topics cannot change their partition count under an application; reset it, or give it another application id.',
      );
    }
    counts.set(name, partitions);
  }
  return counts;
}

/** Tasks of a sub-topology: as many as its source topics have partitions. Throws when they are not co-partitioned. */
export function taskCount({ sourceTopics }: SubTopology, counts: ReadonlyMap<string, number>): number {
  const found = sourceTopics.map((topic) => `${topic} (${counts.get(topic) ?? 'missing'})`);
  const distinct = new Set(sourceTopics.map((topic) => counts.get(topic)));
  if (distinct.size !== 1) {
    throw new TopologyError(
      'NOT_CO_PARTITIONED',
      `Topics that are read together need the same number of partitions, so that equal keys meet in one task: ${found.join(', ')}.`,
    );
  }
  return counts.get(sourceTopics[0] as string) ?? 0;
}

function externalTopics({ subTopologies, globalStores }: BuiltTopology, deadLetterTopic: string | undefined): string[] {
  const sinks = subTopologies.flatMap(({ nodes }) =>
    nodes.flatMap((node) => (node.kind === 'sink' ? [node.topic] : [])),
  );
  const sources = subTopologies.flatMap(({ sourceTopics }) => sourceTopics);
  const globals = globalStores.map(({ topic }) => topic);
  return [...new Set([...sources, ...sinks, ...globals, ...(deadLetterTopic === undefined ? [] : [deadLetterTopic])])];
}

const changelogSpecs = ({ stores }: SubTopology, applicationId: string, partitions: number): TopicSpec[] =>
  stores
    .filter(({ loggingEnabled }) => loggingEnabled)
    .map(({ name, changelogConfig }) => ({
      name: changelogTopic(applicationId, name),
      partitions,
      config: changelogConfig,
    }));
