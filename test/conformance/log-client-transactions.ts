/**
 * Conformance of transactional producers: what a commit makes visible, where it stood, and what is taken back.
 *
 * Invariant under test: a transaction is visible as a whole or not at all, in the order of its appends per partition.
 */
import { expect } from 'vitest';
import { FatalLogError, RecordTooLargeError } from '../../streams/errors.ts';
import type { LogRecord, TopicPartition, TransactionalProducer } from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';
import type { DeclareScenario } from './log-client-scenario.ts';
import { bytes, text, valuesOf } from './log-client-scenario.ts';

const GROUP = 'unused-group';

const append = (producer: TransactionalProducer, { topic, partition }: TopicPartition, ...values: string[]): void => {
  for (const value of values) producer.append(topic, partition, bytes(value), bytes(value), 1_000);
};

/** Commits without offsets and gives the position after the partition's last record. */
const commit = async (producer: TransactionalProducer, partition: TopicPartition): Promise<number> => {
  const written = await producer.commit(GROUP, []);
  return written.get(topicPartitionKey(partition)) ?? Number.NaN;
};

export function describeTransactions(scenario: DeclareScenario): void {
  scenario('shows the records of a commit in the order of their appends', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    append(producer, partition, 'a', 'b', 'c');
    const first = await commit(producer, partition);
    append(producer, partition, 'd');
    const second = await commit(producer, partition);
    expect(first).toBe(3);
    expect(await log.values(partition, second)).toEqual(['a', 'b', 'c', 'd']);
  });

  scenario('shows nothing before the commit', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    append(producer, partition, 'a');
    const end = await log.write(partition, ['outside']);
    expect(await log.values(partition, end)).toEqual(['outside']);
    const position = await commit(producer, partition);
    expect(await log.values(partition, position)).toEqual(['outside', 'a']);
  });

  scenario('resolves a commit with the offset after the last record of each partition', async (log) => {
    const topic = await log.topic(3);
    const [first, second] = [0, 2].map((partition) => ({ topic, partition })) as [TopicPartition, TopicPartition];
    await log.write(second, ['before']);
    const producer = await log.producer();
    append(producer, first, 'a', 'b');
    append(producer, second, 'c');
    const written = await producer.commit(GROUP, []);
    expect([...written.keys()].sort()).toEqual([topicPartitionKey(first), topicPartitionKey(second)].sort());
    for (const partition of [first, second]) {
      const position = written.get(topicPartitionKey(partition)) as number;
      const { records } = await log.read(partition, position);
      expect(records.at(-1)?.offset).toBe(position - 1);
    }
  });

  scenario('gives a marker an offset, which readers step over [INV-LOG-MARKERS]', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    append(producer, partition, 'a');
    const first = await commit(producer, partition);
    append(producer, partition, 'b');
    const second = await commit(producer, partition);
    expect([first, second]).toEqual([1, 3]);
    const end = await log.eventually(
      () => log.end(partition),
      (offset) => offset === 4,
    );
    const { records, position } = await log.read(partition, end);
    expect(records.map(({ offset }) => offset)).toEqual([0, 2]);
    expect(position).toBe(4);
    const markerOnly = await log.read(partition, end, second);
    expect(markerOnly).toMatchObject({ records: [], position: 4 });
  });

  scenario('keeps keys, values, headers and timestamps as they were, nulls included', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    const headers = [
      ['trace', bytes('1')],
      ['trace', bytes('2')],
      ['empty', new Uint8Array(0)],
    ] as const;
    producer.append(partition.topic, 0, bytes('key'), null, 1_700_000_000_123);
    producer.append(partition.topic, 0, null, bytes('é€'), 5, headers);
    producer.append(partition.topic, 0, new Uint8Array(0), new Uint8Array(0), 6);
    const position = await commit(producer, partition);
    const { records } = await log.read(partition, position);
    const plain = ({ key, value, timestampMs }: LogRecord): unknown => [text(key), text(value), timestampMs];
    expect(records.map(plain)).toEqual([
      ['key', null, 1_700_000_000_123],
      [null, 'é€', 5],
      ['', '', 6],
    ]);
    expect(records[1]?.headers?.map(([name, value]) => [name, text(value)])).toEqual([
      ['trace', '1'],
      ['trace', '2'],
      ['empty', ''],
    ]);
  });

  scenario('copies what is appended, so that buffers can be reused', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    const scratch = bytes('first');
    producer.append(partition.topic, 0, scratch, scratch, 1_000);
    scratch.set(bytes('other'));
    const position = await commit(producer, partition);
    const { records } = await log.read(partition, position);
    expect(records.map(({ key, value }) => [text(key), text(value)])).toEqual([['first', 'first']]);
  });

  scenario('drops what was appended on abort and goes on', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    append(producer, partition, 'dropped');
    await producer.abort();
    expect(producer.pendingBytes).toBe(0);
    append(producer, partition, 'kept');
    expect(await log.values(partition, await commit(producer, partition))).toEqual(['kept']);
  });

  scenario('takes back what was appended after a mark, and only that', async (log) => {
    const topic = await log.topic(2);
    const [left, right] = [0, 1].map((partition) => ({ topic, partition })) as [TopicPartition, TopicPartition];
    const producer = await log.producer();
    append(producer, left, 'kept');
    const marked = producer.mark();
    const bytesAtMark = producer.pendingBytes;
    append(producer, left, 'taken back');
    append(producer, right, 'taken back');
    producer.truncate(marked);
    expect(producer.pendingBytes).toBe(bytesAtMark);
    append(producer, right, 'kept as well');
    const written = await producer.commit(GROUP, []);
    expect(await log.values(left, written.get(topicPartitionKey(left)) as number)).toEqual(['kept']);
    expect(await log.values(right, written.get(topicPartitionKey(right)) as number)).toEqual(['kept as well']);
  });

  scenario('goes back to any of several marks', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    const marks = [producer.mark()];
    for (const value of ['a', 'b', 'c', 'd']) {
      append(producer, partition, value);
      marks.push(producer.mark());
    }
    producer.truncate(marks[3] as number);
    append(producer, partition, 'x');
    producer.truncate(marks[1] as number);
    append(producer, partition, 'y');
    expect(await log.values(partition, await commit(producer, partition))).toEqual(['a', 'y']);
    const empty = producer.mark();
    append(producer, partition, 'z');
    producer.truncate(empty);
    expect(producer.pendingBytes).toBe(0);
  });

  scenario('counts the bytes that wait for the commit', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    expect(producer.pendingBytes).toBe(0);
    producer.append(partition.topic, 0, bytes('key'), new Uint8Array(1_000), 1_000);
    expect(producer.pendingBytes).toBeGreaterThanOrEqual(1_003);
    await commit(producer, partition);
    expect(producer.pendingBytes).toBe(0);
  });

  scenario('does nothing on an empty commit', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    expect(await producer.commit(GROUP, [])).toEqual(new Map());
    append(producer, partition, 'a');
    await producer.abort();
    expect(await producer.commit(GROUP, [])).toEqual(new Map());
    expect(await log.end(partition)).toBe(0);
  });

  scenario('commits a transaction of several megabytes as one', async (log) => {
    const topic = await log.topic(2);
    const producer = await log.producer();
    const value = new Uint8Array(1_000).fill(7);
    for (let index = 0; index < 4_000; index++) producer.append(topic, index % 2, bytes(`${index}`), value, index);
    const written = await producer.commit(GROUP, []);
    for (const partition of [0, 1]) {
      const position = written.get(topicPartitionKey({ topic, partition })) as number;
      const { records } = await log.read({ topic, partition }, position);
      expect(records.map(({ timestampMs }) => timestampMs)).toEqual(
        Array.from({ length: 2_000 }, (_, index) => index * 2 + partition),
      );
    }
  });

  scenario('gives records the time of their append where the topic says so', async (log) => {
    const partition = await log.partition({ 'message.timestamp.type': 'LogAppendTime' });
    const producer = await log.producer();
    append(producer, partition, 'a');
    const { batches } = await log.read(partition, await commit(producer, partition));
    const [batch] = batches;
    expect(batch?.logAppendTime).toBe(true);
    expect(Math.abs((batch?.records[0]?.timestampMs ?? 0) - log.clock.now())).toBeLessThan(60_000);
  });

  scenario('refuses an oversized record and keeps the others', async (log) => {
    const partition = await log.partition();
    const producer = await log.producer();
    append(producer, partition, 'before');
    const oversized = new Uint8Array(2 * 1024 * 1024);
    expect(() => producer.append(partition.topic, 0, bytes('key'), oversized, 1_000)).toThrow(RecordTooLargeError);
    append(producer, partition, 'after');
    expect(await log.values(partition, await commit(producer, partition))).toEqual(['before', 'after']);
  });

  scenario('refuses to commit to a topic that does not exist', async (log) => {
    const producer = await log.producer();
    append(producer, { topic: log.harness.uniqueName('missing'), partition: 0 }, 'a');
    await expect(producer.commit(GROUP, [])).rejects.toBeInstanceOf(FatalLogError);
  });

  scenario('keeps the records of producers apart that write to one partition', async (log) => {
    const partition = await log.partition();
    const [left, right] = [await log.producer(), await log.producer()];
    append(left, partition, 'left 1');
    append(right, partition, 'right 1');
    append(left, partition, 'left 2');
    await commit(left, partition);
    append(right, partition, 'right 2');
    const { records } = await log.read(partition, await commit(right, partition));
    expect(valuesOf(records)).toEqual(['left 1', 'left 2', 'right 1', 'right 2']);
  });
}
