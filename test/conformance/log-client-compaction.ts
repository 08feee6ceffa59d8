/**
 * Conformance of compacted topics, which changelogs are: what is taken away, what stays, and how readers pass the gaps.
 *
 * Invariant under test: compaction changes what stands between two offsets, never the offsets themselves nor the last word on a key.
 */
import { expect } from 'vitest';
import { FatalLogError } from '../../streams/errors.ts';
import type { ProducedRecord, TopicPartition } from '../../streams/ports.ts';
import type { DeclareScenario, LogScenario } from './log-client-scenario.ts';
import { bytes, text } from './log-client-scenario.ts';

/** A broker compacts what stands in closed segments only, so segments are closed as soon as they may be. */
const COMPACTED = { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.01' };
const SEGMENT_PAUSE_MS = 300;

const keyed = ({ topic, partition }: TopicPartition, pairs: readonly (readonly [string, string | null])[]) =>
  pairs.map(([key, value]): ProducedRecord => ({
    topic,
    partition,
    key: bytes(key),
    value: value === null ? null : bytes(value),
  }));

const pairsAt = async (log: LogScenario, partition: TopicPartition, from: number, until: number): Promise<string[]> => {
  const { records, position } = await log.read(partition, until, from);
  expect(position).toBe(until);
  return records.map(({ offset, key, value }) => `${offset} ${text(key)}=${text(value)}`);
};

export function describeCompaction(scenario: DeclareScenario): void {
  scenario(
    'keeps the last record of each key at its offset, and lets readers pass the gaps [INV-LOG-COMPACTION]',
    async (log) => {
      const partition = await log.partition(COMPACTED);
      const producer = log.client().plainProducer();
      await producer.send(
        keyed(partition, [
          ['a', '1'],
          ['b', '1'],
          ['a', '2'],
          ['c', '1'],
          ['a', '3'],
          ['c', null],
        ]),
      );
      await log.clock.sleep(SEGMENT_PAUSE_MS);
      await producer.send(keyed(partition, [['d', '1']]));
      await producer.close();
      await log.harness.compact(partition);
      const kept = ['1 b=1', '4 a=3', '5 c=null', '6 d=1'];
      await log.eventually(
        () => pairsAt(log, partition, 0, 7),
        (found) => found.length === kept.length,
      );
      expect(await pairsAt(log, partition, 0, 7)).toEqual(kept);
      expect(await pairsAt(log, partition, 2, 4)).toEqual([]);
      expect(await pairsAt(log, partition, 3, 7)).toEqual(kept.slice(1));
      const reader = log.client().reader();
      expect(await reader.range(partition)).toEqual({ beginning: 0, end: 7 });
    },
  );

  scenario('refuses a record without a key, which compaction could not place', async (log) => {
    const { topic, partition } = await log.partition(COMPACTED);
    const producer = log.client().plainProducer();
    const sent = producer.send([{ topic, partition, key: null, value: bytes('lost') }]);
    await expect(sent).rejects.toBeInstanceOf(FatalLogError);
    await producer.close();
  });
}
