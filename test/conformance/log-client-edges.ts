/**
 * Conformance of what stands outside of transactions: the plain producer and the admin.
 *
 * Invariant under test: a key always lives in the partition that Java clients give it, and a confirmed record can be read.
 */
import { expect } from 'vitest';
import { FatalLogError, RecordTooLargeError } from '../../streams/errors.ts';
import { partitionForKey } from '../../streams/partitioner.ts';
import type { LogRecord } from '../../streams/ports.ts';
import type { DeclareScenario } from './log-client-scenario.ts';
import { bytes, text, valuesOf } from './log-client-scenario.ts';

export function describeEdges(scenario: DeclareScenario): void {
  scenario('puts keys where Java clients put them [INV-LOG-PARTITIONER]', async (log) => {
    const topic = await log.topic(4);
    const producer = log.client().plainProducer();
    const keys = ['foobar', '21', 'a-little-bit-longer-string', 'foobar'];
    const sent = await producer.send(keys.map((key) => ({ topic, key: bytes(key), value: bytes(key) })));
    expect(sent.map(({ partition }) => partition)).toEqual([2, 0, 3, 2]);
    const drivers = Array.from({ length: 50 }, (_, index) => bytes(`driver-${index}`));
    const places = await producer.send(drivers.map((key) => ({ topic, key, value: key })));
    expect(places.map(({ partition }) => partition)).toEqual(drivers.map((key) => partitionForKey(key, 4)));
  });

  scenario('tells where each record stands, in the order of the request', async (log) => {
    const topic = await log.topic(2);
    const producer = log.client().plainProducer();
    const record = (partition: number, value: string): Parameters<typeof producer.send>[0][number] => ({
      topic,
      partition,
      key: null,
      value: bytes(value),
    });
    const sent = await producer.send([record(1, 'a'), record(0, 'b'), record(1, 'c')]);
    expect(sent).toEqual([
      { topic, partition: 1, offset: 0 },
      { topic, partition: 0, offset: 0 },
      { topic, partition: 1, offset: 1 },
    ]);
    expect(await producer.send([record(1, 'd')])).toEqual([{ topic, partition: 1, offset: 2 }]);
    expect(await log.values({ topic, partition: 1 }, 3)).toEqual(['a', 'c', 'd']);
  });

  scenario('keeps keys, values, headers and times of plain records', async (log) => {
    const partition = await log.partition();
    const producer = log.client().plainProducer();
    const beforeMs = log.clock.now();
    await producer.send([
      { topic: partition.topic, key: bytes('k'), value: null, timestampMs: 1_700_000_000_123 },
      { topic: partition.topic, key: null, value: bytes('v'), headers: [['h', bytes('x')]] },
    ]);
    const { records } = await log.read(partition, 2);
    const [first, second] = records as [LogRecord, LogRecord];
    expect([text(first.key), text(first.value), first.timestampMs]).toEqual(['k', null, 1_700_000_000_123]);
    expect([text(second.key), text(second.value)]).toEqual([null, 'v']);
    expect(second.headers?.map(([name, value]) => [name, text(value)])).toEqual([['h', 'x']]);
    expect(Math.abs(second.timestampMs - beforeMs)).toBeLessThan(60_000);
  });

  scenario('spreads records without key over existing partitions', async (log) => {
    const topic = await log.topic(2);
    const producer = log.client().plainProducer();
    const sent = await producer.send(Array.from({ length: 10 }, () => ({ topic, key: null, value: bytes('v') })));
    expect(sent).toHaveLength(10);
    expect(sent.every(({ partition }) => partition === 0 || partition === 1)).toBe(true);
  });

  scenario('stamps plain records with the time of their append where the topic says so', async (log) => {
    const partition = await log.partition({ 'message.timestamp.type': 'LogAppendTime' });
    const producer = log.client().plainProducer();
    await producer.send([{ topic: partition.topic, key: bytes('k'), value: bytes('v'), timestampMs: 5 }]);
    const { batches } = await log.read(partition, 1);
    expect(batches[0]?.logAppendTime).toBe(true);
    expect(Math.abs((batches[0]?.records[0]?.timestampMs ?? 0) - log.clock.now())).toBeLessThan(60_000);
  });

  scenario('refuses an oversized plain record', async (log) => {
    const partition = await log.partition();
    const producer = log.client().plainProducer();
    const oversized = { topic: partition.topic, key: bytes('k'), value: new Uint8Array(2 * 1024 * 1024) };
    await expect(producer.send([oversized])).rejects.toBeInstanceOf(RecordTooLargeError);
    await producer.send([{ ...oversized, value: bytes('small') }]);
    expect(valuesOf((await log.read(partition, 1)).records)).toEqual(['small']);
  });

  scenario('refuses to send to a topic that does not exist', async (log) => {
    const producer = log.client().plainProducer();
    const record = { topic: log.harness.uniqueName('missing'), key: bytes('k'), value: bytes('v') };
    await expect(producer.send([record])).rejects.toBeInstanceOf(FatalLogError);
  });

  scenario('sends nothing when there is nothing to send', async (log) => {
    expect(await log.client().plainProducer().send([])).toEqual([]);
  });

  scenario('creates missing topics, leaves existing ones alone, and counts partitions', async (log) => {
    const admin = log.client().admin();
    const [existing, added, missing] = ['existing', 'added', 'missing'].map((name) => log.harness.uniqueName(name)) as [
      string,
      string,
      string,
    ];
    await admin.createTopics([{ name: existing, partitions: 2, config: { 'cleanup.policy': 'compact' } }]);
    await log.eventually(
      () => admin.partitionCounts([existing]),
      (counts) => counts.size === 1,
    );
    await admin.createTopics([
      { name: existing, partitions: 5, config: {} },
      { name: added, partitions: 3, config: {} },
    ]);
    const counts = await log.eventually(
      () => admin.partitionCounts([existing, added, missing]),
      (answer) => answer.size === 2,
    );
    expect(counts).toEqual(
      new Map([
        [existing, 2],
        [added, 3],
      ]),
    );
    await admin.close();
  });
}
