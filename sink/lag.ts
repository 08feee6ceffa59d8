/**
 * How far the tables are behind a partition of the log.
 *
 * Invariant: the end is asked for when it is measured, so an outage of the database, in which nothing is read, shows as a lag that
 * grows. Markers behind the last record that was read count for nothing.
 */
import type { LogRange, Measurement, TopicPartition } from '../connectors/log.ts';

export interface Progress {
  readonly at: TopicPartition;
  /** The offset up to which everything was read and applied. */
  readonly readTo: number;
  /** When the last record that was applied entered the log; before the first one, when this began. UTC epoch milliseconds. */
  readonly sinceMs: number;
}

export const lagMeasurements = (
  { at: { topic, partition }, readTo, sinceMs }: Progress,
  { end }: LogRange,
  nowMs: number,
): readonly Measurement[] => {
  const labels = { topic, partition: String(partition) };
  const records = Math.max(0, end - readTo);
  return [
    { name: 'sink_lag_records', labels, value: records },
    { name: 'sink_lag_seconds', labels, value: records === 0 ? 0 : Math.max(0, nowMs - sinceMs) / 1000 },
  ];
};
