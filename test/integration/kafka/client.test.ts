/**
 * What the Kafka client does beyond the conformance suite: sizes, refusals of the broker, other clients' records, tools.
 */
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FatalLogError, OffsetOutOfRangeError, RecordTooLargeError } from '../../../streams/errors.ts';
import { topicPartitionKey, type FetchedBatch, type GroupConsumer, type LogRecord } from '../../../streams/ports.ts';
import { spreading } from '../../conformance/log-client-group-reader.ts';
import { brokers, KafkaHarness } from './kafka-harness.ts';

/** For what the broker carries out after it has answered. */
const SOON = { timeout: 10_000, interval: 50 };

let harness: KafkaHarness;
const warnings: string[] = [];
const noteWarning = (warning: Error): void => void warnings.push(warning.name);

beforeAll(() => {
  harness = new KafkaHarness();
  process.on('warning', noteWarning);
});
afterAll(async () => {
  await harness.close();
  process.off('warning', noteWarning);
});

const read = async (topic: string, partition: number, until?: number): Promise<LogRecord[]> => {
  const reader = harness.client('reader').reader();
  const { beginning, end } = await reader.range({ topic, partition });
  const batches: FetchedBatch[] = [];
  await reader.read({ topic, partition }, beginning, until ?? end, (batch) => void batches.push(batch));
  return batches.flatMap(({ records }) => records);
};

const consumerOf = (topic: string, groupId = harness.uniqueName('group')): GroupConsumer =>
  harness
    .client('consumer')
    .consumer({ groupId, clientId: 'member', topics: [topic], assignor: spreading, sessionTimeoutMs: 10_000 });

describe('transactions', () => {
  test('of fifty thousand records with a savepoint each leave out exactly what was taken back', async () => {
    const topic = await harness.topic(4);
    const producer = harness.client('producer').producer(harness.uniqueName('id'));
    await producer.init();
    const kept: number[][] = [[], [], [], []];
    for (let index = 0; index < 50_000; index++) {
      const mark = producer.mark();
      const partition = index % 4;
      const value = Buffer.alloc(200, index % 251);
      value.writeInt32BE(index);
      producer.append(
        topic,
        partition,
        null,
        value,
        index,
        index % 100 === 0 ? [['h', value.subarray(0, 4)]] : undefined,
      );
      if (index % 7 === 0) producer.append(topic, (partition + 1) % 4, null, value, index);
      if (index % 3 === 0) producer.truncate(mark);
      else {
        kept[partition]?.push(index);
        if (index % 7 === 0) kept[(partition + 1) % 4]?.push(index);
      }
    }
    const written = await producer.commit('unused', []);
    for (const partition of [0, 1, 2, 3]) {
      const until = written.get(topicPartitionKey({ topic, partition }));
      const records = await read(topic, partition, until);
      expect(records.map(({ value }) => Buffer.from(value ?? []).readInt32BE())).toEqual(kept[partition]);
      const withHeaders = records.filter(({ headers }) => headers !== undefined);
      expect(withHeaders.every(({ timestampMs }) => timestampMs % 100 === 0)).toBe(true);
    }
  });

  test('with a record too large for its topic are refused as a whole, and the producer goes on after init', async () => {
    const topic = await harness.topic(1, { 'max.message.bytes': '1000' });
    const producer = harness.client('producer').producer(harness.uniqueName('id'));
    await producer.init();
    producer.append(topic, 0, null, Buffer.alloc(5_000), 1);
    await expect(producer.commit('unused', [])).rejects.toBeInstanceOf(RecordTooLargeError);
    await producer.init();
    producer.append(topic, 0, null, Buffer.from('small'), 1);
    const written = await producer.commit('unused', []);
    const values = (await read(topic, 0, written.get(`${topic}-0`))).map(({ value }) => String(value));
    expect(values).toEqual(['small']);
  });

  test.each([
    ['without a key on a compacted topic', { 'cleanup.policy': 'compact' }, 1_000, /compacted topic takes no records/],
    ['from too far in the future', {}, Date.now() + 86_400_000, /message.timestamp.after.max.ms/],
  ])('with a record %s end in an error that names the way out', async (_, config, timestampMs, message) => {
    const topic = await harness.topic(1, config);
    const producer = harness.client('producer').producer(harness.uniqueName('id'));
    await producer.init();
    producer.append(topic, 0, null, Buffer.from('v'), timestampMs);
    const error = await producer.commit('unused', []).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FatalLogError);
    expect(String(error)).toMatch(message);
  });
});

describe('records of other clients', () => {
  test('are read when they are compressed with gzip', async () => {
    const topic = await harness.topic();
    const producer = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    const messages = Array.from({ length: 100 }, (_, index) => ({ value: `value ${index}`, headers: { h: 'x' } }));
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages });
    await producer.disconnect();
    const records = await read(topic, 0);
    expect(records.map(({ value }) => String(value))).toEqual(messages.map(({ value }) => value));
    expect(records[0]?.headers?.map(([name, value]) => [name, String(value)])).toEqual([['h', 'x']]);
  });
});

describe('records that the broker compresses', () => {
  // The broker compresses with Java's own codecs, as Java producers do.
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('are read when that is by %s', async (codec) => {
    const topic = await harness.topic(1, { 'compression.type': codec });
    const values = Array.from({ length: 2_000 }, (_, index) => `value ${index % 7} of ${'many '.repeat(index % 50)}`);
    await harness
      .client('producer')
      .plainProducer()
      .send(values.map((value) => ({ topic, key: null, value: Buffer.from(value) })));
    const records = await read(topic, 0);
    expect(records.map(({ value }) => String(value))).toEqual(values);
  });
});

describe('a consumer', () => {
  test('names the partition whose offset is not in the log, and reads on after a seek', async () => {
    const topic = await harness.topic(1);
    await harness
      .client('producer')
      .plainProducer()
      .send([{ topic, key: null, value: Buffer.from('v') }]);
    const consumer = consumerOf(topic);
    await consumer.rejoin(new Uint8Array());
    consumer.seek({ topic, partition: 0 }, 99);
    const error = await consumer.poll(10_000).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OffsetOutOfRangeError);
    expect(String(error)).toContain(`Offset 99 of ${topic}-0`);
    consumer.seek({ topic, partition: 0 }, 0);
    expect(await consumer.poll(10_000)).toMatchObject({ batches: [{ nextOffset: 1 }] });
  });

  test('of a topic that does not exist says so', async () => {
    const missing = harness.uniqueName('missing');
    const error = await consumerOf(missing)
      .rejoin(new Uint8Array())
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FatalLogError);
    expect(String(error)).toContain(`Topic "${missing}" does not exist; create it`);
  });

  test('is asked to join again when its topic gets more partitions', async () => {
    const topic = await harness.topic(1);
    const consumer = harness.client('consumer', { metadataMaxAgeMs: 200 }).consumer({
      groupId: harness.uniqueName('group'),
      clientId: 'member',
      topics: [topic],
      assignor: spreading,
      sessionTimeoutMs: 10_000,
    });
    expect(await consumer.rejoin(new Uint8Array())).toHaveLength(1);
    const admin = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await admin.disconnect();
    expect(await consumer.poll(10_000)).toMatchObject({ kind: 'rebalance' });
    expect(await consumer.rejoin(new Uint8Array())).toHaveLength(3);
  });
});

describe('the admin', () => {
  test('describes and changes topics', async () => {
    const topic = await harness.topic(1, { 'cleanup.policy': 'compact', 'segment.ms': '60000' });
    const admin = harness.client('admin').admin();
    const given = new Map([
      ['cleanup.policy', 'compact'],
      ['segment.ms', '60000'],
    ]);
    await vi.waitFor(async () => expect(await admin.topicConfig(topic, true)).toEqual(given), SOON);
    await admin.alterTopicConfig(topic, { 'segment.ms': null, 'retention.ms': '1000' });
    // The broker answers once the change is in its log; what it describes follows a moment later.
    await vi.waitFor(async () => {
      const changed = await admin.topicConfig(topic);
      expect([changed.get('cleanup.policy'), changed.get('retention.ms')]).toEqual(['compact', '1000']);
      expect([...(await admin.topicConfig(topic, true)).keys()].sort()).toEqual(['cleanup.policy', 'retention.ms']);
    }, SOON);
    await admin.deleteTopics([topic, harness.uniqueName('missing')]);
    await vi.waitFor(async () => expect(await admin.partitionCounts([topic])).toEqual(new Map()), SOON);
  });

  test('says what the broker does not like about a topic', async () => {
    const admin = harness.client('admin').admin();
    const create = (name: string, config: Record<string, string>): Promise<unknown> =>
      admin.createTopics([{ name, partitions: 1, config }]).catch((thrown: unknown) => thrown);
    expect(await create(harness.uniqueName('bad'), { 'no.such.setting': '1' })).toBeInstanceOf(FatalLogError);
    expect(String(await create('bad name', {}))).toMatch(/bad name/);
  });

  test('shows members, assignment and lag of a group, and deletes it', async () => {
    const topic = await harness.topic(2);
    const groupId = harness.uniqueName('group');
    const admin = harness.client('admin').admin();
    expect(await admin.describeGroup(groupId)).toMatchObject({ members: [] });
    const consumer = consumerOf(topic, groupId);
    await consumer.rejoin(Buffer.from('data'));
    const producer = harness.client('producer').producer(harness.uniqueName('id'));
    await producer.init();
    for (let count = 0; count < 10; count++) producer.append(topic, 0, null, Buffer.from('v'), 1);
    await producer.commit(groupId, [{ topic, partition: 0, offset: 4 }]);
    await producer.init();
    const group = await admin.describeGroup(groupId);
    expect(group).toMatchObject({ state: 'Stable', assignor: 'spreading', members: [{ clientId: 'member' }] });
    expect(group.members[0]?.assignment).toHaveLength(2);
    expect(Buffer.from(group.members[0]?.userData ?? []).toString()).toBe('data');
    expect(await admin.groupLag(groupId)).toEqual([{ topic, partition: 0, committedOffset: 4, endOffset: 11, lag: 7 }]);
    await consumer.close();
    await admin.deleteGroups([groupId, harness.uniqueName('missing')]);
    expect(await admin.groupLag(groupId)).toEqual([]);
  });
});

test('kafkajs arms no timers with negative delays', () => {
  expect(warnings).not.toContain('TimeoutNegativeWarning');
});
