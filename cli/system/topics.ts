/**
 * `alerts topics`: what the system has on the log.
 */
import { changelogTopic } from '../../streams/internal-topics.ts';
import type { CommandContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Services } from '../services.ts';
import { count, table } from '../text.ts';
import { topologyOf } from './describe.ts';

interface TopicRow {
  readonly topic: string;
  /** 0: it does not exist. */
  readonly partitions: number;
  /** Offsets between beginning and end over all partitions, transaction markers and compacted ones included. */
  readonly offsets: number;
  /** The topic's own settings, without the broker's. */
  readonly settings: Readonly<Record<string, string | null>>;
}

/** The changelogs of the processor's stores. */
export const changelogsOf = ({
  topics,
  applicationId,
}: Pick<Services, 'topics' | 'applicationId'>): readonly string[] =>
  topologyOf(topics, applicationId).subTopologies.flatMap(({ stores }) =>
    stores.filter(({ loggingEnabled }) => loggingEnabled).map(({ name }) => changelogTopic(applicationId, name)),
  );

/** Exit code 1 when a topic is missing that the set-up creates. */
export async function topics(context: CommandContext): Promise<ExitCode> {
  const services = await context.services();
  const external = Object.values(services.topics) as readonly string[];
  const names = [...external, ...changelogsOf(services)];
  const counts = await services.admin.partitionCounts(names);
  const rows = await Promise.all(names.map((name) => rowOf(name, counts.get(name) ?? 0, services)));
  context.show(rows, () =>
    table(
      ['topic', 'partitions', 'offsets', 'settings'],
      rows.map(({ topic, partitions, offsets, settings }) => [
        topic,
        partitions === 0 ? 'missing' : String(partitions),
        count(offsets),
        Object.entries(settings)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      ]),
      ['partitions', 'offsets'],
    ),
  );
  return external.every((name) => counts.has(name)) ? EXIT_CODES.ok : EXIT_CODES.failed;
}

async function rowOf(topic: string, partitions: number, { admin, reader }: Services): Promise<TopicRow> {
  if (partitions === 0) return { topic, partitions, offsets: 0, settings: {} };
  const ranges = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => reader.range({ topic, partition })),
  );
  const offsets = ranges.reduce((sum, { beginning, end }) => sum + end - beginning, 0);
  return { topic, partitions, offsets, settings: Object.fromEntries(await admin.topicConfig(topic, true)) };
}
