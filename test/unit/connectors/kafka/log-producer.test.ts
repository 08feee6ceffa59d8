/**
 * The plain producer against brokers that answer by script: what leaves together, where records went, and what a fault means.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { ConnectionFault } from '../../../../connectors/kafka/broker-link.ts';
import { resolveConfig } from '../../../../connectors/kafka/config.ts';
import { KafkaLogProducer } from '../../../../connectors/kafka/log-producer.ts';
import { ErrorCode } from '../../../../connectors/kafka/protocol/error-codes.ts';
import { produceApi } from '../../../../connectors/kafka/protocol/record-apis.ts';
import { initProducerIdApi } from '../../../../connectors/kafka/protocol/transaction-apis.ts';
import { FatalLogError, RecordTooLargeError, RetriableLogError } from '../../../../streams/errors.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

let cluster: ScriptedCluster;
let producer: KafkaLogProducer;
let producerIds: number;
let ends: Map<number, number>;

const record = (partition: number, value = 'v'): { topic: string; partition: number; key: null; value: Buffer } => ({
  topic: 't',
  partition,
  key: null,
  value: Buffer.from(value),
});

const takeEverything = (): void => {
  cluster.on(produceApi, ({ batches }) =>
    batches.map(({ topic, partition, bytes }) => {
      const baseOffset = ends.get(partition) ?? 0;
      ends.set(partition, baseOffset + bytes.readInt32BE(57));
      return { topic, partition, errorCode: ErrorCode.NONE, baseOffset, errorMessage: null };
    }),
  );
};

beforeEach(() => {
  producerIds = 0;
  ends = new Map();
  cluster = new ScriptedCluster();
  cluster.on(initProducerIdApi, () => ({ errorCode: ErrorCode.NONE, producerId: ++producerIds, producerEpoch: 0 }));
  takeEverything();
  const config = resolveConfig({
    brokers: ['b:1'],
    clientId: 'c',
    logger: silentLogger,
    sendTimeoutMs: 300,
    lingerMs: 5,
    maxBatchBytes: 2_000,
  });
  producer = new KafkaLogProducer(cluster, config, () => undefined);
});

describe('the plain producer', () => {
  test('sends together what comes together, and tells each sender the place of its records', async () => {
    const places = await Promise.all(
      Array.from({ length: 300 }, (_, index) => producer.send([record(index % 2), record(1)])),
    );
    expect(cluster.requests(produceApi).length).toBeLessThan(30);
    const offsets = [0, 1].map((partition) =>
      places.flat().flatMap((place) => (place.partition === partition ? [place.offset] : [])),
    );
    expect(offsets[0]).toEqual(Array.from({ length: 150 }, (_, offset) => offset));
    expect(offsets[1]).toEqual(Array.from({ length: 450 }, (_, offset) => offset));
  });

  test('takes records while a request is on its way', async () => {
    const first = producer.send([record(0)]);
    await new Promise((resolve) => setTimeout(resolve, 6));
    const second = producer.send([record(0)]);
    expect([await first, await second]).toMatchObject([[{ offset: 0 }], [{ offset: 1 }]]);
  });

  test('refuses a record that is too large without touching those of others', async () => {
    const large = producer.send([record(0), { ...record(0), value: Buffer.alloc(3_000) }]);
    const small = producer.send([record(0), record(1)]);
    await expect(large).rejects.toBeInstanceOf(RecordTooLargeError);
    expect(await small).toMatchObject([{ offset: 0 }, { offset: 0 }]);
    expect(ends).toEqual(
      new Map([
        [0, 1],
        [1, 1],
      ]),
    );
  });

  test('goes on as another producer after a fault, since it cannot know what was written', async () => {
    cluster.on(produceApi, () => {
      throw new ConnectionFault('away');
    });
    const started = performance.now();
    await expect(producer.send([record(0)])).rejects.toBeInstanceOf(RetriableLogError);
    expect(performance.now() - started).toBeLessThan(1_000);
    takeEverything();
    await producer.send([record(0)]);
    const identity = cluster.requests(produceApi).at(-1)?.batches[0]?.bytes;
    expect([identity?.readBigInt64BE(43), identity?.readInt32BE(53)]).toEqual([BigInt(producerIds), 0]);
    expect(producerIds).toBe(2);
  });

  test('keeps its time even when the broker keeps silent', async () => {
    cluster.on(produceApi, () => new Promise<never>(() => undefined));
    const started = performance.now();
    await expect(producer.send([record(0)])).rejects.toBeInstanceOf(RetriableLogError);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('rejects what the topic refuses for good, and everything after it was closed', async () => {
    cluster.on(produceApi, ({ batches }) =>
      batches.map(({ topic, partition }) => ({
        topic,
        partition,
        errorCode: ErrorCode.INVALID_TIMESTAMP,
        baseOffset: -1,
        errorMessage: null,
      })),
    );
    await expect(producer.send([record(0)])).rejects.toBeInstanceOf(FatalLogError);
    await producer.close();
    await expect(producer.send([record(0)])).rejects.toMatchObject({ code: 'PRODUCER_CLOSED' });
  });
});
