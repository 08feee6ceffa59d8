/**
 * The network between client and broker is cut or hangs, and comes back: nothing is lost, nothing is repeated, nobody waits
 * for ever, and the log is not flooded.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { RetriableLogError, recoveryOf } from '../../../streams/errors.ts';
import type { ConsumerPoll, GroupConsumer, LogRecord, TransactionalProducer } from '../../../streams/ports.ts';
import type { Logger } from '../../../streams/ports.ts';
import { spreading } from '../../conformance/log-client-group-reader.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { brokers, KafkaHarness } from './kafka-harness.ts';

let harness: KafkaHarness;
let proxy: TcpProxy;
let lines: string[];

const logger: Logger = {
  debug: () => undefined,
  info: (message) => void lines.push(message),
  warn: (message) => void lines.push(message),
  error: (message) => void lines.push(message),
  child: () => logger,
};

/** A client that reaches every broker through the proxy; one broker, as the proxy leads to one. */
const throughProxy = (): KafkaLogClient => {
  const address = { host: '127.0.0.1', port: proxy.port };
  return harness.client('proxied', {
    brokers: [`${address.host}:${address.port}`],
    mapAddress: () => address,
    logger,
    requestTimeoutMs: 2_000,
    connectionTimeoutMs: 1_000,
    transactionTimeoutMs: 10_000,
    sendTimeoutMs: 2_000,
  });
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(() => {
  harness = new KafkaHarness();
});
afterAll(() => harness.close());
beforeEach(async () => {
  lines = [];
  const [host, port] = (brokers()[0] as string).split(':') as [string, string];
  proxy = await TcpProxy.start(host, Number(port));
});
afterEach(() => proxy.close());

/** Cuts all connections now and then until told to stop. */
const disturb = (): { stop: () => Promise<void> } => {
  let running = true;
  const disturbing = (async () => {
    while (running) {
      await sleep(20 + Math.random() * 120);
      proxy.cut();
      if (Math.random() < 0.5) await sleep(Math.random() * 40);
      proxy.restore();
    }
  })();
  return {
    stop: async () => {
      running = false;
      await disturbing;
    },
  };
};

const readAll = async (topic: string, until: number): Promise<LogRecord[]> => {
  const records: LogRecord[] = [];
  const reader = harness.client('reader').reader();
  await reader.read({ topic, partition: 0 }, 0, until, (batch) => void records.push(...batch.records));
  return records;
};

describe('when connections break', () => {
  test('a task that starts again after each failed commit writes everything exactly once [INV-KAFKA-EXACTLY-ONCE]', async () => {
    const [input, output, groupId] = [await harness.topic(), await harness.topic(), harness.uniqueName('group')];
    const client = throughProxy();
    const id = harness.uniqueName('id');
    const offsets = client.consumer({
      groupId,
      clientId: 'offsets',
      topics: [input],
      assignor: spreading,
      sessionTimeoutMs: 10_000,
    });
    /** As a task starts: end what the last one left, then see how far it got. */
    const start = async (producer: TransactionalProducer): Promise<number> => {
      await producer.init();
      const [committed] = await offsets.committed([{ topic: input, partition: 0 }]);
      return committed?.offset ?? 0;
    };
    const producer = client.producer(id);
    let next = await start(producer);
    const disturbance = disturb();
    let failures = 0;
    const TRANSACTIONS = 150;
    while (next < TRANSACTIONS) {
      for (let record = 0; record < 20; record++) {
        producer.append(output, 0, null, Buffer.from(`${next}/${record}`), 1);
      }
      try {
        await producer.commit(groupId, [{ topic: input, partition: 0, offset: next + 1 }]);
        next++;
      } catch (error) {
        expect(recoveryOf(error)).toBe('restart-task');
        failures++;
        next = await start(producer);
      }
    }
    await disturbance.stop();
    await producer.init();
    const { end } = await harness.client('range').reader().range({ topic: output, partition: 0 });
    const values = (await readAll(output, end)).map(({ value }) => String(value));
    const expected = Array.from({ length: TRANSACTIONS }, (_, transaction) =>
      Array.from({ length: 20 }, (_record, record) => `${transaction}/${record}`),
    );
    expect(values).toEqual(expected.flat());
    expect(proxy.accepted).toBeGreaterThan(20);
    expect(failures).toBeLessThan(TRANSACTIONS);
  });

  test('a consumer, a follower and a reader go on where they were', async () => {
    const topic = await harness.topic();
    const client = throughProxy();
    const consumer = client.consumer({
      groupId: harness.uniqueName('group'),
      clientId: 'member',
      topics: [topic],
      assignor: spreading,
      sessionTimeoutMs: 10_000,
    });
    await consumer.rejoin(new Uint8Array());
    consumer.seek({ topic, partition: 0 }, 0);
    const followed: number[] = [];
    const stop = new AbortController();
    const following = client
      .reader()
      .follow(
        [{ topic, partition: 0, offset: 0 }],
        (batch) => void followed.push(...batch.records.map(({ offset }) => offset)),
        stop.signal,
      );
    const readOffsets: number[] = [];
    const COUNT = 200;
    const reading = client
      .reader()
      .read(
        { topic, partition: 0 },
        0,
        COUNT,
        (batch) => void readOffsets.push(...batch.records.map(({ offset }) => offset)),
      );
    const disturbance = disturb();
    const producer = harness.client('producer').plainProducer();
    for (let count = 0; count < COUNT; count++) {
      await producer.send([{ topic, partition: 0, key: null, value: Buffer.from(`${count}`) }]);
      await sleep(10);
    }
    await disturbance.stop();
    const consumed: number[] = [];
    const deadline = Date.now() + 30_000;
    while (consumed.length < COUNT && Date.now() < deadline) {
      const polled = await consumer.poll(1_000);
      if (polled.kind === 'rebalance') await consumer.rejoin(new Uint8Array());
      else consumed.push(...polled.batches.flatMap(({ records }) => records.map(({ offset }) => offset)));
    }
    await reading;
    while (followed.length < COUNT && Date.now() < deadline) await sleep(50);
    stop.abort();
    await following;
    const all = Array.from({ length: COUNT }, (_, offset) => offset);
    expect(consumed).toEqual(all);
    expect(followed).toEqual(all);
    expect(readOffsets).toEqual(all);
  });
});

describe('when the broker does not answer', () => {
  const pollUntilRebalance = async (consumer: GroupConsumer, ms: number): Promise<ConsumerPoll> => {
    const deadline = Date.now() + ms;
    for (;;) {
      const polled = await consumer.poll(1_000);
      if (polled.kind === 'rebalance' || Date.now() > deadline) return polled;
    }
  };

  test('a send ends in time with a fault to retry, and works again afterwards', async () => {
    const topic = await harness.topic();
    const producer = throughProxy().plainProducer();
    const send = (): Promise<unknown> => producer.send([{ topic, key: null, value: Buffer.from('v') }]);
    await send();
    proxy.hang();
    const started = Date.now();
    await expect(send()).rejects.toBeInstanceOf(RetriableLogError);
    expect(Date.now() - started).toBeLessThan(3_000);
    proxy.restore();
    const deadline = Date.now() + 20_000;
    let sent = false;
    while (!sent && Date.now() < deadline) {
      sent = await send().then(
        () => true,
        () => false,
      );
    }
    expect(sent).toBe(true);
  });

  test('a member whose session has ended is told to join again, and can, without a flood in the log', async () => {
    const topic = await harness.topic();
    const consumer = throughProxy().consumer({
      groupId: harness.uniqueName('group'),
      clientId: 'member',
      topics: [topic],
      assignor: spreading,
      sessionTimeoutMs: 6_000,
    });
    await consumer.rejoin(new Uint8Array());
    consumer.seek({ topic, partition: 0 }, 0);
    proxy.hang();
    const polled = await pollUntilRebalance(consumer, 30_000);
    expect(polled).toMatchObject({ kind: 'rebalance' });
    expect((await consumer.poll(10)).kind).toBe('rebalance');
    proxy.cut();
    await sleep(500);
    proxy.restore();
    expect(await consumer.rejoin(new Uint8Array())).toEqual([{ topic, partition: 0 }]);
    await harness
      .client('producer')
      .plainProducer()
      .send([{ topic, key: null, value: Buffer.from('v') }]);
    expect(await consumer.poll(10_000)).toMatchObject({ batches: [{ nextOffset: 1 }] });
    expect(lines.length).toBeLessThan(30);
  });
});
