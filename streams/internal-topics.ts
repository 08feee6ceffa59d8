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
 * The repartition topics, as wide as declared, or else as the other topics that are read with them, or else as the widest
 * sub-topology that writes any of them; adds them to the counts. A writer may itself read a repartition topic, so widths are
 * found from the sources downwards; where two wait for each other, by what is known of either.
 */
function repartitionSpecs(topology: BuiltTopology, counts: Map<string, number>): TopicSpec[] {
  const specs: TopicSpec[] = [];
  const waiting = new Set<string>();
  const settle = (name: string, partitions: number): void => {
    counts.set(name, partitions);
    specs.push({ name, partitions, config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' } });
    waiting.delete(name);
  };
  for (const { topic, partitions } of topology.repartitionTopics) {
    if (partitions === undefined) waiting.add(topic);
    else settle(topic, partitions);
  }
  const widthOf = (name: string) => readersWidth(name, topology, counts);
  while (waiting.size > 0) {
    const next =
      first(waiting, widthOf) ??
      first(waiting, (name) => widestWriter(name, topology, counts, 'all')) ??
      first(waiting, (name) => widestWriter(name, topology, counts, 'known'));
    if (next === undefined) {
      throw new TopologyError(
        'REPARTITION_WIDTH',
        `Say how many partitions these repartition topics need; nothing tells: ${[...waiting].join(', ')}.`,
      );
    }
    settle(...next);
  }
  return specs;
}

function first(
  names: ReadonlySet<string>,
  widthOf: (name: string) => number | undefined,
): [name: string, width: number] | undefined {
  for (const name of names) {
    const width = widthOf(name);
    if (width !== undefined) return [name, width];
  }
  return undefined;
}

const readersOf = (topic: string, { subTopologies }: BuiltTopology): readonly SubTopology[] =>
  subTopologies.filter(({ sourceTopics }) => sourceTopics.includes(topic));

/** The width of a topic that is read together with this one, if any is known. */
const readersWidth = (
  topic: string,
  topology: BuiltTopology,
  counts: ReadonlyMap<string, number>,
): number | undefined =>
  readersOf(topic, topology)
    .flatMap(({ sourceTopics }) => sourceTopics)
    .map((source) => counts.get(source))
    .find((width) => width !== undefined);

/** Of those that write this topic or one that is read together with it. `all`: undefined while one of them is not known. */
function widestWriter(
  topic: string,
  topology: BuiltTopology,
  counts: ReadonlyMap<string, number>,
  needed: 'all' | 'known',
): number | undefined {
  const together = new Set(readersOf(topic, topology).flatMap(({ sourceTopics }) => sourceTopics));
  const writers = topology.subTopologies.filter(({ nodes }) =>
    nodes.some((node) => node.kind === 'sink' && (node.topic === topic || together.has(node.topic))),
  );
  const known = writers.filter(({ sourceTopics }) => sourceTopics.every((source) => counts.has(source)));
  if (known.length === 0 || (needed === 'all' && known.length < writers.length)) return undefined;
  return Math.max(...known.map((writer) => taskCount(writer, counts)));
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

/** How many tasks of the application keep state. */
export const tasksWithState = ({ subTopologies }: BuiltTopology, counts: ReadonlyMap<string, number>): number =>
  subTopologies
    .filter(({ stores }) => stores.length > 0)
    .reduce((sum, subTopology) => sum + taskCount(subTopology, counts), 0);

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
