/**
 * `alerts lag`: how many records each reader has still to take, per partition.
 *
 * Invariant: a position is the one its reader goes on from: the processor's is its group's committed offset, the sink's is the
 * one in the tables (`sink_offsets`). Offsets of transaction markers are counted, so a lag of a few may be nothing.
 */
import { incidentTopicNames } from '../../topologies/incident-topics.ts';
import { logTopicNames } from '../../topologies/log-topics.ts';
import type { LogReader, TopicPartition } from '../../streams/ports.ts';
import type { CommandContext } from '../context.ts';
import type { Services } from '../services.ts';
import { count, table } from '../text.ts';

export interface LagRow extends TopicPartition {
  /** `processor` and `sink` are those of the driver alerts; the others have the names of their applications and groups. */
  readonly reader: string;
  /** Undefined: it has not read this partition yet, and will begin at the log's beginning. */
  readonly position: number | undefined;
  readonly end: number;
  readonly lag: number;
  /** Who reads it at this moment, as far as the broker knows. */
  readonly member: string | undefined;
}

interface Reading {
  readonly reader: LagRow['reader'];
  readonly groupId: string;
  readonly topic: string;
  /** By partition number. */
  readonly positions: ReadonlyMap<number, number>;
}

const OTHER_APPLICATIONS = ['log-alerting', 'incidents'];

/** By the names of their groups. */
const otherSinks = (prefix: string): readonly (readonly [name: string, topic: string])[] => {
  const { logEvents, logErrorCounts, logAlerts } = logTopicNames(prefix);
  return [
    ['logs-sink', logEvents],
    ['log-error-counts-sink', logErrorCounts],
    ['log-alerts-sink', logAlerts],
    ['incidents-sink', incidentTopicNames(prefix).incidentEvents],
  ];
};

const isOther = (reader: string): boolean => reader !== 'processor' && reader !== 'sink';

export async function lag(context: CommandContext): Promise<void> {
  const services = await context.services();
  const { topicPrefix } = services.config;
  const readings = (
    await Promise.all([
      processorReading(services),
      sinkReading(services, 'sink', services.sinkGroupId, services.topics.alertEvents),
      ...OTHER_APPLICATIONS.map((name) => applicationReadings(services, name)),
      ...otherSinks(topicPrefix).map(([name, topic]) => sinkReading(services, name, `${topicPrefix}${name}`, topic)),
    ])
  )
    .flat()
    .filter(({ reader, positions }) => positions.size > 0 || !isOther(reader));
  const rows = (await Promise.all(readings.map((reading) => rowsOf(reading, services)))).flat();
  context.show(rows, () =>
    table(
      ['reader', 'topic', 'partition', 'position', 'end', 'lag', 'member'],
      rows.map(({ reader, topic, partition, position, end, lag: behind, member }) => [
        ...[reader, topic, String(partition), position === undefined ? '-' : String(position), String(end)],
        ...[count(behind), member ?? '-'],
      ]),
      ['partition', 'position', 'end', 'lag'],
    ),
  );
}

async function processorReading({ admin, applicationId, topics }: Services): Promise<Reading> {
  const committed = await admin.groupLag(applicationId);
  const ours = committed.filter(({ topic, committedOffset }) => topic === topics.rawAlerts && committedOffset >= 0);
  const positions = new Map(ours.map(({ partition, committedOffset }) => [partition, committedOffset]));
  return { reader: 'processor', groupId: applicationId, topic: topics.rawAlerts, positions };
}

/** What an application has committed, topic by topic; nothing where it has never run. */
async function applicationReadings({ admin, config }: Services, name: string): Promise<readonly Reading[]> {
  const groupId = `${config.topicPrefix}${name}`;
  const committed = (await admin.groupLag(groupId)).filter(({ committedOffset }) => committedOffset >= 0);
  return [...Map.groupBy(committed, ({ topic }) => topic)].map(([topic, partitions]) => ({
    ...{ reader: name, groupId, topic },
    positions: new Map(partitions.map(({ partition, committedOffset }) => [partition, committedOffset])),
  }));
}

async function sinkReading({ database }: Services, reader: string, groupId: string, topic: string): Promise<Reading> {
  const sql = 'SELECT partition_id, next_offset FROM sink_offsets WHERE topic = ?';
  const rows = await database.query(sql, [topic]);
  const positions = new Map(rows.map((row) => [Number(row['partition_id']), Number(row['next_offset'])]));
  return { reader, groupId, topic, positions };
}

async function rowsOf(reading: Reading, { admin, reader: log }: Services): Promise<LagRow[]> {
  const { topic, groupId } = reading;
  const partitions = (await admin.partitionCounts([topic])).get(topic) ?? 0;
  const { members } = await admin.describeGroup(groupId);
  const memberOf = (partition: number): string | undefined =>
    members.find(({ assignment }) => assignment.some((at) => at.topic === topic && at.partition === partition))
      ?.clientId;
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => ({
      ...(await lagOf(reading, partition, log)),
      member: memberOf(partition),
    })),
  );
}

async function lagOf(
  { reader, topic, positions }: Reading,
  partition: number,
  log: LogReader,
): Promise<Omit<LagRow, 'member'>> {
  const { beginning, end } = await log.range({ topic, partition });
  const position = positions.get(partition);
  return {
    reader,
    topic,
    partition,
    position,
    end,
    lag: Math.max(0, end - Math.max(beginning, position ?? beginning)),
  };
}
