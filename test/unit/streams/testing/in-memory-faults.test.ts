/**
 * Faults on the in-memory log: whatever fails, dies or is delayed, transactions stay atomic and owners exclusive.
 */
import { describe, expect, test } from 'vitest';
import {
  FatalLogError,
  ProducerFencedError,
  RetriableLogError,
  TransactionAbortedError,
} from '../../../../streams/errors.ts';
import type { TransactionalProducer } from '../../../../streams/ports.ts';
import type { Fault, FaultInjector, LogOperation } from '../../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | null): string => new TextDecoder().decode(value ?? new Uint8Array(0));
const TOPIC = 'topic';
const partitionOf = (partition: number): { topic: string; partition: number } => ({ topic: TOPIC, partition });

class ScriptedFaults implements FaultInjector {
  readonly passed: string[] = [];
  readonly #faults = new Map<string, Fault>();

  /** The fault of the next such operation, for instance `after producer.commit`. */
  next(when: 'before' | 'after', kind: LogOperation['kind'], fault: Fault): void {
    this.#faults.set(`${when} ${kind}`, fault);
  }

  before(operation: LogOperation): Fault | undefined {
    return this.#take('before', operation);
  }

  after(operation: LogOperation): Fault | undefined {
    return this.#take('after', operation);
  }

  #take(when: 'before' | 'after', { kind }: LogOperation): Fault | undefined {
    const key = `${when} ${kind}`;
    this.passed.push(key);
    const fault = this.#faults.get(key);
    this.#faults.delete(key);
    return fault;
  }
}

interface Setup {
  readonly clock: VirtualClock;
  readonly faults: ScriptedFaults;
  readonly log: InMemoryLog;
}

const setUp = (): Setup => {
  const clock = new VirtualClock();
  const faults = new ScriptedFaults();
  const log = new InMemoryLog({ clock, faults });
  log.createTopics([{ name: TOPIC, partitions: 2, config: {} }]);
  return { clock, faults, log };
};

const values = (log: InMemoryLog, partition = 0): string[] =>
  log.records(partitionOf(partition)).map(({ value }) => text(value));

const initialised = async (log: InMemoryLog, clientId: string, id = 'id'): Promise<TransactionalProducer> => {
  const producer = log.client(clientId).producer(id);
  await producer.init();
  return producer;
};

const append = (producer: TransactionalProducer, value: string, partition = 0): void =>
  producer.append(TOPIC, partition, bytes(value), bytes(value), 1);

describe('a fault', () => {
  test('before an operation keeps it from taking effect', async () => {
    const { faults, log } = setUp();
    const producer = await initialised(log, 'client');
    faults.next('before', 'producer.commit', { then: 'fail' });
    append(producer, 'a');
    await expect(producer.commit('group', [])).rejects.toBeInstanceOf(TransactionAbortedError);
    append(producer, 'b');
    await expect(producer.commit('group', [])).rejects.toBeInstanceOf(TransactionAbortedError);
    await producer.init();
    append(producer, 'c');
    await producer.commit('group', []);
    expect(values(log)).toEqual(['c']);
  });

  test('after an operation loses the answer only: the commit stands', async () => {
    const { faults, log } = setUp();
    const producer = await initialised(log, 'client');
    faults.next('after', 'producer.commit', { then: 'fail' });
    append(producer, 'a');
    await expect(producer.commit('group', [{ ...partitionOf(1), offset: 4 }])).rejects.toThrow(
      /start from the last commit/,
    );
    expect(values(log)).toEqual(['a']);
    expect(log.committedOffset('group', partitionOf(1))).toBe(4);
  });

  test('reaches the callers of other operations as a retriable error', async () => {
    const { faults, log } = setUp();
    const client = log.client('client');
    faults.next('before', 'producer.init', { then: 'fail' });
    faults.next('after', 'producer.send', { then: 'fail' });
    faults.next('before', 'reader.range', { then: 'fail' });
    faults.next('before', 'admin.describe', { then: 'fail' });
    const record = { ...partitionOf(0), key: null, value: bytes('a') };
    await expect(client.producer('id').init()).rejects.toBeInstanceOf(RetriableLogError);
    await expect(client.plainProducer().send([record])).rejects.toBeInstanceOf(RetriableLogError);
    await expect(client.reader().range(partitionOf(0))).rejects.toBeInstanceOf(RetriableLogError);
    await expect(client.admin().partitionCounts([TOPIC])).rejects.toBeInstanceOf(RetriableLogError);
    expect(values(log)).toEqual(['a']);
  });

  test('is ridden out by followers', async () => {
    const { clock, faults, log } = setUp();
    await log
      .client('writer')
      .plainProducer()
      .send([{ ...partitionOf(0), key: null, value: bytes('a') }]);
    faults.next('before', 'reader.fetch', { then: 'fail' });
    const stop = new AbortController();
    const seen: string[] = [];
    const following = log
      .client('follower')
      .reader()
      .follow(
        [{ ...partitionOf(0), offset: 0 }],
        ({ records }) => {
          seen.push(...records.map(({ value }) => text(value)));
          stop.abort();
        },
        stop.signal,
      );
    await clock.runUntil(following);
    expect(seen).toEqual(['a']);
    expect(clock.now()).toBeGreaterThan(0);
  });

  test('that crashes a client silences all of it for good', async () => {
    const { clock, faults, log } = setUp();
    const client = log.client('client');
    const producer = client.producer('id');
    await producer.init();
    append(producer, 'a');
    faults.next('before', 'producer.commit', { then: 'crash' });
    let returned = 0;
    const count = (): void => void (returned += 1);
    const stop = new AbortController();
    void client
      .reader()
      .follow([{ ...partitionOf(0), offset: 0 }], count, stop.signal)
      .then(count, count);
    void producer.commit('group', []).then(count, count);
    await clock.settle();
    stop.abort();
    void client.reader().range(partitionOf(0)).then(count, count);
    void client.reader().range(partitionOf(99)).then(count, count);
    void client.close().then(count, count);
    await clock.advance(1_000);
    expect(returned).toBe(0);
    expect(values(log)).toEqual([]);
  });
});

describe('a transaction', () => {
  test('that was decided is completed, not aborted, by the next owner [INV-LOG-DECIDED]', async () => {
    const { clock, faults, log } = setUp();
    const producer = await initialised(log, 'first');
    faults.next('before', 'broker.marker', { delayMs: 5_000 });
    append(producer, 'a', 0);
    append(producer, 'b', 1);
    await producer.commit('group', [{ ...partitionOf(0), offset: 1 }]);
    expect([values(log, 0), values(log, 1)]).toEqual([[], []]);
    await clock.runUntil(initialised(log, 'second'));
    expect(clock.now()).toBe(5_000);
    expect([values(log, 0), values(log, 1)]).toEqual([['a'], ['b']]);
    expect(log.committedOffset('group', partitionOf(0))).toBe(1);
  });

  test('waits for the markers of the one before it', async () => {
    const { clock, faults, log } = setUp();
    const producer = await initialised(log, 'client');
    faults.next('before', 'broker.marker', { delayMs: 50 });
    append(producer, 'a');
    await producer.commit('group', []);
    append(producer, 'b');
    await clock.runUntil(producer.commit('group', []));
    expect(log.records(partitionOf(0)).map(({ offset }) => offset)).toEqual([0, 2]);
  });

  test('that stays open is aborted after its timeout, and its producer fenced', async () => {
    const { clock, faults, log } = setUp();
    const client = log.client('client');
    const producer = client.producer('id');
    await producer.init();
    append(producer, 'a');
    faults.next('before', 'producer.commit', { delayMs: 60_001 });
    const commit = producer.commit('group', []);
    await clock.settle();
    await log
      .client('other')
      .plainProducer()
      .send([{ ...partitionOf(0), key: null, value: bytes('behind') }]);
    expect(values(log)).toEqual([]);
    await expect(clock.runUntil(commit)).rejects.toBeInstanceOf(ProducerFencedError);
    expect(values(log)).toEqual(['behind']);
    await expect(producer.init()).rejects.toBeInstanceOf(ProducerFencedError);
  });

  test('of a paused owner cannot be finished after another took over', async () => {
    const { clock, faults, log } = setUp();
    const client = log.client('stalls');
    const zombie = client.producer('id');
    await zombie.init();
    append(zombie, 'zombie');
    faults.next('before', 'producer.commit', { delayMs: 1 });
    const commit = zombie.commit('group', [{ ...partitionOf(0), offset: 9 }]);
    await clock.settle();
    client.pause();
    await clock.advance(1_000);
    const owner = await initialised(log, 'owner');
    append(owner, 'owner');
    await owner.commit('group', []);
    client.resume();
    await expect(clock.runUntil(commit)).rejects.toBeInstanceOf(ProducerFencedError);
    expect(values(log)).toEqual(['owner']);
    expect(log.committedOffset('group', partitionOf(0))).toBeUndefined();
  });

  test('of a replaced owner is refused while its abort is still being written', async () => {
    const { clock, faults, log } = setUp();
    const zombie = await initialised(log, 'zombie');
    append(zombie, 'zombie');
    faults.next('before', 'producer.commit', { delayMs: 10 });
    faults.next('before', 'broker.marker', { delayMs: 100 });
    const commit = zombie.commit('group', []);
    await clock.settle();
    const takeover = initialised(log, 'owner');
    await expect(clock.runUntil(commit)).rejects.toBeInstanceOf(ProducerFencedError);
    expect(clock.now()).toBe(10);
    await clock.runUntil(takeover);
    expect(clock.now()).toBe(100);
    expect(values(log)).toEqual([]);
  });

  test.each(['before', 'after'] as const)(
    'begun %s a takeover, while the one before it is being completed, never gets into the new owner’s',
    async (when) => {
      const { clock, faults, log } = setUp();
      const zombie = await initialised(log, 'zombie');
      faults.next('before', 'broker.marker', { delayMs: 100 });
      append(zombie, 'committed in time');
      await zombie.commit('group', []);
      append(zombie, 'zombie');
      const begin = (): Promise<unknown> => zombie.commit('group', []).catch((error: unknown) => error);
      const early = when === 'before' ? begin() : undefined;
      await clock.settle();
      const takeover = initialised(log, 'owner');
      await clock.settle();
      const refused = early ?? begin();
      const owner = await clock.runUntil(takeover);
      expect(await clock.runUntil(refused)).toBeInstanceOf(ProducerFencedError);
      append(owner, 'owner');
      await owner.commit('group', []);
      expect(values(log)).toEqual(['committed in time', 'owner']);
    },
  );

  test('takes nothing more once its commit is under way, and is waited for by close', async () => {
    const { log } = setUp();
    const producer = await initialised(log, 'client');
    append(producer, 'a');
    const commit = producer.commit('group', []);
    expect(() => append(producer, 'b')).toThrow(FatalLogError);
    await expect(producer.commit('group', [{ ...partitionOf(0), offset: 1 }])).rejects.toBeInstanceOf(FatalLogError);
    await producer.close();
    expect(values(log)).toEqual(['a']);
    await commit;
    append(producer, 'c');
    await expect(producer.commit('group', [])).rejects.toBeInstanceOf(FatalLogError);
  });

  test('is abandoned by abort after a failed commit', async () => {
    const { faults, log } = setUp();
    const producer = await initialised(log, 'client');
    faults.next('before', 'producer.commit', { then: 'fail' });
    append(producer, 'a');
    await expect(producer.commit('group', [])).rejects.toBeInstanceOf(TransactionAbortedError);
    await log
      .client('other')
      .plainProducer()
      .send([{ ...partitionOf(0), key: null, value: bytes('behind') }]);
    expect(values(log)).toEqual([]);
    await producer.abort();
    expect(values(log)).toEqual(['behind']);
  });
});

/** A client died between the moment it was seen alive and the effect of its call; a group then had a member that never ended. */
test.each(Array.from({ length: 12 }, (_, turns) => turns))(
  'nothing that a client asked for has an effect once it is dead, however short before it asked (%i turns)',
  async (turns) => {
    const clock = new VirtualClock();
    const log = new InMemoryLog({ clock });
    log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
    const client = log.client('dies');
    void client.plainProducer().send([{ ...partitionOf(0), key: null, value: bytes('last words') }]);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    client.crash();
    const written = log.records(partitionOf(0)).length;
    await clock.settle();
    expect(log.records(partitionOf(0))).toHaveLength(written);
  },
);
