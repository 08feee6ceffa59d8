/**
 * How the DSL partitions what it writes.
 *
 * Invariant: records of one key go to one partition; windowed keys go by the key alone, so that all windows of a key stay
 * together and meet the streams that are keyed alike.
 */
import { partitionForKey } from '../partitioner.ts';
import type { Serde } from '../serde.ts';
import type { StreamPartitioner } from '../topology.ts';
import { isWindowedSerde } from './serdes.ts';
import type { Windowed } from './windows.ts';

/** The partitioner of a sink, as its option; none where the engine's own does. */
export function sinkPartitioner<K, V>(
  topic: string,
  key: Serde<K>,
  given: StreamPartitioner<K, V> | undefined,
): { partitioner?: StreamPartitioner<unknown, unknown> } {
  if (given !== undefined) return { partitioner: given as StreamPartitioner<unknown, unknown> };
  if (!isWindowedSerde(key)) return {};
  const { inner } = key;
  return {
    partitioner: ({ key: windowed }, taskPartition, partitionCount) => {
      const bytes = windowed === null ? null : inner.serialize(topic, (windowed as Windowed<unknown>).key);
      return bytes === null ? taskPartition % partitionCount : partitionForKey(bytes, partitionCount);
    },
  };
}
