/**
 * Where reading a partition begins: at the position in `sink_offsets`, checked against what the log still has.
 *
 * Invariant: the tables' own position decides, never the group's offsets; a position that does not fit the log is never
 * corrected silently.
 */
import type { LogRange, TopicPartition } from '../connectors/log.ts';
import { FatalLogError, topicPartitionKey } from '../connectors/log.ts';
import type { SinkPorts } from './ports.ts';
import { claimPosition, readPosition } from './positions.ts';

type PositionPorts = Pick<SinkPorts<unknown>, 'reader' | 'database' | 'clock' | 'logger' | 'metrics'>;

/** A new leader of a partition may show a shorter log for a moment; only one that stays short was replaced. */
const END_CHECKS = 5;
const END_CHECK_INTERVAL_MS = 1_000;

const beyondEnd = (at: TopicPartition, name: string, stored: number, { end }: LogRange): FatalLogError => {
  const key = topicPartitionKey(at);
  return new FatalLogError(
    'POSITION_BEYOND_END',
    `The tables stand at offset ${stored} of ${key}, but the log ends at ${end}: the topic was made anew, or this is another ` +
      `cluster. To apply the log as it is from its beginning (what is in the tables stays), stop the sink and run ` +
      `DELETE FROM sink_offsets WHERE topic = '${name}' AND partition_id = ${at.partition}; otherwise correct KAFKA_BROKERS or MYSQL_URL.`,
  );
};

/** Events that the log deleted before they were applied are gone; every event carries the whole alert, so the later ones are right. */
const skipGap = async (
  ports: PositionPorts,
  at: TopicPartition,
  name: string,
  stored: number,
  beginning: number,
): Promise<number> => {
  const lost = beginning - stored;
  ports.metrics.counter('sink_lost_records_total', { topic: at.topic, partition: String(at.partition) }).add(lost);
  ports.logger.error('the log no longer has the next events: retention removed them before they were applied', {
    ...at,
    storedOffset: stored,
    beginningOffset: beginning,
    lost,
  });
  await ports.database.transaction((sql) =>
    claimPosition(sql, { ...at, topic: name, expected: stored, next: beginning }),
  );
  return beginning;
};

/**
 * Reads the position that is kept under `name`, creating it at the log's beginning where there is none. Rejects with
 * `FatalLogError` when the log ends before it, else with errors of recovery `retry`.
 */
export const startPosition = async (ports: PositionPorts, at: TopicPartition, name = at.topic): Promise<number> => {
  const { reader, database, clock } = ports;
  let range = await reader.range(at);
  const stored = await readPosition(database, { ...at, topic: name }, range.beginning);
  if (stored < range.beginning) return skipGap(ports, at, name, stored, range.beginning);
  for (let check = 1; stored > range.end; check += 1) {
    if (check > END_CHECKS) throw beyondEnd(at, name, stored, range);
    await clock.sleep(END_CHECK_INTERVAL_MS);
    range = await reader.range(at);
  }
  return stored;
};
