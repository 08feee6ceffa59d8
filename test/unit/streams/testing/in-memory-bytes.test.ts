/**
 * The in-memory log and Buffers, whose `slice` does not copy and whose text form loses bytes.
 */
import { expect, test } from 'vitest';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const PARTITION = { topic: 'topic', partition: 0 };

const logOf = (config: Record<string, string> = {}): { log: InMemoryLog; clock: VirtualClock } => {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock });
  log.createTopics([{ name: PARTITION.topic, partitions: 1, config }]);
  return { log, clock };
};

test('a buffer may be reused as soon as it was appended', async () => {
  const { log } = logOf();
  const producer = log.client('client').producer('id');
  await producer.init();
  const scratch = Buffer.from('first');
  producer.append(PARTITION.topic, 0, scratch, scratch, 1, [['header', scratch]]);
  scratch.write('other');
  await producer.commit('group', []);
  const [record] = log.records(PARTITION);
  const kept = [record?.key, record?.value, record?.headers?.[0]?.[1]].map((bytes) =>
    Buffer.from(bytes ?? []).toString(),
  );
  expect(kept).toEqual(['first', 'first', 'first']);
});

test('compaction tells binary keys apart', async () => {
  const { log, clock } = logOf({ 'cleanup.policy': 'compact' });
  const keys = [0x80, 0x81, 0x80].map((byte) => Buffer.from([byte]));
  const records = keys.map((key) => ({ ...PARTITION, key, value: Buffer.from('v') }));
  await clock.runUntil(log.client('client').plainProducer().send(records));
  log.compact(PARTITION.topic);
  expect(log.records(PARTITION).map(({ offset }) => offset)).toEqual([1, 2]);
});
