/**
 * How far the tables stand for each partition of the log: the rows of `sink_offsets`.
 *
 * Invariant: a position only changes from the value its changer expects, in the transaction that writes what it stands for.
 */
import type { TopicPartition } from '../connectors/log.ts';
import { StreamsError } from '../connectors/log.ts';
import type { SqlStatements } from '../connectors/mysql/database.ts';

export interface PositionChange extends TopicPartition {
  /** The offset of the first record that the change stands for; what the table must hold. */
  readonly expected: number;
  /** The offset after the last one. */
  readonly next: number;
}

/** Another sink applied records of this partition. Read the position again and go on from there. */
export class PositionMovedError extends StreamsError {
  readonly recovery = 'retry';
}

const CLAIM = `UPDATE sink_offsets SET next_offset = ?
  WHERE topic = ? AND partition_id = ? AND next_offset = ?`;
const CREATE = `INSERT INTO sink_offsets (topic, partition_id, next_offset) VALUES (?, ?, ?)
  ON DUPLICATE KEY UPDATE next_offset = sink_offsets.next_offset`;
const READ = 'SELECT next_offset FROM sink_offsets WHERE topic = ? AND partition_id = ?';

/**
 * Moves the position within the caller's transaction and holds its row until the end, so that another sink waits here and then
 * finds it moved. Throws `PositionMovedError`.
 */
export const claimPosition = async (sql: SqlStatements, change: PositionChange): Promise<void> => {
  const { topic, partition, expected, next } = change;
  const matched = await sql.change(CLAIM, [next, topic, partition, expected]);
  if (matched === 1) return;
  throw new PositionMovedError(
    'POSITION_MOVED',
    `The position of ${topic}-${partition} is no longer ${expected}: another sink applied records of this partition.`,
  );
};

/** The stored position; created as `initial` where there is none. */
export const readPosition = async (sql: SqlStatements, at: TopicPartition, initial: number): Promise<number> => {
  const { topic, partition } = at;
  const read = async (): Promise<number | undefined> => {
    const [row] = await sql.query(READ, [topic, partition]);
    return row === undefined ? undefined : Number(row['next_offset']);
  };
  const stored = await read();
  if (stored !== undefined) return stored;
  await sql.change(CREATE, [topic, partition, initial]);
  return (await read()) ?? initial;
};
