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

/** Partition count of every topic that tasks read or write. Creates missing internal topics. Throws `TopologyError`. */
export async function prepareTopics(
  topology: BuiltTopology,
  applicationId: string,
  admin: LogAdmin,
  deadLetterTopic: string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map(await externalCounts(topology, admin, deadLetterTopic));
  const repartitions = repartitionSpecs(topology, counts);
  const changelogs = topology.subTopologies.flatMap((sub) =>
    changelogSpecs(sub, applicationId, taskCount(sub, counts)),
  );
  const internal = [...repartitions, ...changelogs];
  await admin.createTopics(internal);
  const existing = await admin.partitionCounts(internal.map(({ name }) => name));
  for (const { name, partitions } of internal) {
    const count = existing.get(name);
    if (count !== partitions) {
      throw new TopologyError(
        'INTERNAL_TOPIC_PARTITIONS',
        `The internal topic "${name}" has ${count ?? 'no'} partitions and needs ${partitions}. Input topics cannot change their ` +
          'partition count under an application; reset it, or give it another application id.',
      );
    }
    counts.set(name, partitions);
  }
  return counts;
}

async function externalCounts(
  topology: BuiltTopology,
  admin: LogAdmin,
  deadLetterTopic: string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const external = externalTopics(topology, deadLetterTopic);
  const counts = await admin.partitionCounts(external);
  const missing = external.filter((topic) => !counts.has(topic));
  if (missing.length > 0) {
    throw new TopologyError('UNKNOWN_TOPIC', `These topics do not exist, create them first: ${missing.join(', ')}.`);
  }
  return counts;
}

/**
 * The repartition topics, as wide as declared or else as the widest sub-topology that writes them; adds them to the counts.
 * A writer may itself read a repartition topic, so widths are found from the sources downwards.
 */
function repartitionSpecs(topology: BuiltTopology, counts: Map<string, number>): TopicSpec[] {
  const waiting = new Map(topology.repartitionTopics.map((declared) => [declared.topic, declared.partitions]));
  const specs: TopicSpec[] = [];
  for (let found = true; found;) {
    found = false;
    for (const [name, declared] of waiting) {
      const partitions = declared ?? writersWidth(name, topology, counts);
      if (partitions === undefined) continue;
      counts.set(name, partitions);
      specs.push({ name, partitions, config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' } });
      waiting.delete(name);
      found = true;
    }
  }
  if (waiting.size > 0) {
    throw new TopologyError(
      'REPARTITION_WIDTH',
      `Say how many partitions these repartition topics need; nothing tells: ${[...waiting.keys()].join(', ')}.`,
    );
  }
  return specs;
}

function writersWidth(
  topic: string,
  { subTopologies }: BuiltTopology,
  counts: ReadonlyMap<string, number>,
): number | undefined {
  const writers = subTopologies.filter(({ nodes }) =>
    nodes.some((node) => node.kind === 'sink' && node.topic === topic),
  );
  const known = writers.every(({ sourceTopics }) => sourceTopics.every((source) => counts.has(source)));
  return known && writers.length > 0 ? Math.max(...writers.map((writer) => taskCount(writer, counts))) : undefined;
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

function externalTopics(
  { subTopologies, globalStores, repartitionTopics }: BuiltTopology,
  deadLetterTopic: string | undefined,
): string[] {
  const sinks = subTopologies.flatMap(({ nodes }) =>
    nodes.flatMap((node) => (node.kind === 'sink' ? [node.topic] : [])),
  );
  const sources = subTopologies.flatMap(({ sourceTopics }) => sourceTopics);
  const globals = globalStores.map(({ topic }) => topic);
  const internal = new Set(repartitionTopics.map(({ topic }) => topic));
  const all = [...sources, ...sinks, ...globals, ...(deadLetterTopic === undefined ? [] : [deadLetterTopic])];
  return [...new Set(all)].filter((topic) => !internal.has(topic));
}

const changelogSpecs = ({ stores }: SubTopology, applicationId: string, partitions: number): TopicSpec[] =>
  stores
    .filter(({ loggingEnabled }) => loggingEnabled)
    .map(({ name, changelogConfig }) => ({
      name: changelogTopic(applicationId, name),
      partitions,
      config: changelogConfig,
    }));
