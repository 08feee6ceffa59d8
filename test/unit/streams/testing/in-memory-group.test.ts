/**
 * Consumer groups of the in-memory log when members die, stall, come back or misbehave.
 */
import { describe, expect, test } from 'vitest';
import { FatalLogError } from '../../../../streams/errors.ts';
import type { ConsumerPoll, GroupConsumer, PartitionAssignor, TopicPartition } from '../../../../streams/ports.ts';
import type { InMemoryClient } from '../../../../streams/testing/in-memory-client.ts';
import type { FaultInjector, LogOperation } from '../../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 30_000;
const NO_DATA = new Uint8Array(0);
const NOTHING: ConsumerPoll = { kind: 'records', batches: [] };
const PARTITIONS = [0, 1].map((partition) => ({ topic: 'topic', partition }));

/** The partitions in turn, to the members in the order given. */
const inTurn: PartitionAssignor = {
  name: 'in-turn',
  assign: (members) => {
    const share = (index: number): TopicPartition[] =>
      PARTITIONS.filter(({ partition }) => partition % members.length === index);
    return new Map(members.map(({ memberId }, index) => [memberId, share(index)]));
  },
};

interface Process {
  readonly client: InMemoryClient;
  readonly consumer: GroupConsumer;
}

class Setup {
  readonly clock = new VirtualClock();
  readonly failing = new Set<LogOperation['kind']>();
  readonly log = new InMemoryLog({
    clock: this.clock,
    faults: this.#faults(),
    rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
  });

  constructor() {
    this.log.createTopics([{ name: 'topic', partitions: 2, config: {} }]);
  }

  process(clientId: string, assignor = inTurn): Process {
    const client = this.log.client(clientId);
    const options = { groupId: 'group', clientId, topics: ['topic'], assignor, sessionTimeoutMs: SESSION_TIMEOUT_MS };
    return { client, consumer: client.consumer(options) };
  }

  /** Two members with a partition each. */
  async pair(): Promise<[Process, Process]> {
    const [first, second] = [this.process('first'), this.process('second')];
    await first.consumer.rejoin(NO_DATA);
    await this.joinAgain(second, first);
    return [first, second];
  }

  async joinAgain(...processes: Process[]): Promise<(readonly TopicPartition[])[]> {
    return this.clock.runUntil(Promise.all(processes.map(({ consumer }) => consumer.rejoin(NO_DATA))));
  }

  poll({ consumer }: Process, timeoutMs: number): Promise<ConsumerPoll> {
    return this.clock.runUntil(consumer.poll(timeoutMs));
  }

  #faults(): FaultInjector {
    const fails = ({ kind }: LogOperation): { then: 'fail' } | undefined =>
      this.failing.delete(kind) ? { then: 'fail' } : undefined;
    return { before: fails, after: () => undefined };
  }
}

describe('a member that crashes', () => {
  test('is dropped after its session timeout, and the others take over [INV-LOG-SESSION]', async () => {
    const setup = new Setup();
    const [survivor, victim] = await setup.pair();
    victim.client.crash();
    const polled = await setup.poll(survivor, 60_000);
    expect(polled.kind).toBe('rebalance');
    expect(setup.clock.now()).toBe(SESSION_TIMEOUT_MS);
    expect(await setup.joinAgain(survivor)).toEqual([PARTITIONS]);
  });

  test('while joining does not hold the others up beyond its session', async () => {
    const setup = new Setup();
    const [survivor, other] = await setup.pair();
    const third = setup.process('third');
    let returned = false;
    void third.consumer.rejoin(NO_DATA).finally(() => (returned = true));
    await setup.clock.settle();
    third.client.crash();
    await setup.clock.advance(SESSION_TIMEOUT_MS);
    expect(await setup.joinAgain(survivor, other)).toEqual(PARTITIONS.map((partition) => [partition]));
    expect(returned).toBe(false);
  });

  test('never returns from its poll', async () => {
    const setup = new Setup();
    const [victim] = await setup.pair();
    let returned = false;
    void victim.consumer.poll(100).finally(() => (returned = true));
    await setup.clock.settle();
    victim.client.crash();
    await setup.clock.advance(120_000);
    expect(returned).toBe(false);
  });
});

describe('a member that stalls', () => {
  test('keeps its partitions when it goes on within its session', async () => {
    const setup = new Setup();
    const [other, stalling] = await setup.pair();
    stalling.client.pause();
    await setup.clock.advance(SESSION_TIMEOUT_MS - 1);
    stalling.client.resume();
    await setup.clock.advance(SESSION_TIMEOUT_MS);
    expect(await setup.poll(stalling, 0)).toEqual(NOTHING);
    expect(await setup.poll(other, 0)).toEqual(NOTHING);
  });

  test('is told to join again when it wakes up too late, and can', async () => {
    const setup = new Setup();
    const [other, stalling] = await setup.pair();
    stalling.client.pause();
    await setup.clock.advance(SESSION_TIMEOUT_MS);
    expect(await setup.joinAgain(other)).toEqual([PARTITIONS]);
    stalling.client.resume();
    expect((await setup.poll(stalling, 1_000)).kind).toBe('rebalance');
    const assignments = await setup.joinAgain(stalling, other);
    expect(assignments.map(({ length }) => length)).toEqual([1, 1]);
  });

  test('reads nothing before it goes on', async () => {
    const setup = new Setup();
    const [stalling] = await setup.pair();
    stalling.consumer.seek(PARTITIONS[0] as TopicPartition, 0);
    const polling = stalling.consumer.poll(60_000);
    await setup.clock.settle();
    stalling.client.pause();
    const record = { topic: 'topic', partition: 0, key: null, value: new Uint8Array([1]) };
    await setup.log.client('writer').plainProducer().send([record]);
    let polled: ConsumerPoll | undefined;
    void polling.then((result) => (polled = result));
    await setup.clock.advance(1_000);
    expect(polled).toBeUndefined();
    stalling.client.resume();
    await setup.clock.settle();
    expect(polled).toMatchObject({ kind: 'records', batches: [{ nextOffset: 1 }] });
  });
});

describe('a rebalance', () => {
  test('drops members that do not join in time', async () => {
    const setup = new Setup();
    const [lazy, second] = await setup.pair();
    const assignments = await setup.joinAgain(second);
    expect(assignments).toEqual([PARTITIONS]);
    expect(setup.clock.now()).toBe(REBALANCE_TIMEOUT_MS);
    expect((await setup.poll(lazy, 0)).kind).toBe('rebalance');
  });

  test('is asked for until the member joins, and polls give no records meanwhile', async () => {
    const setup = new Setup();
    const [first, second] = await setup.pair();
    first.consumer.seek(PARTITIONS[0] as TopicPartition, 0);
    const record = { topic: 'topic', partition: 0, key: null, value: new Uint8Array([1]) };
    await setup.log.client('writer').plainProducer().send([record]);
    await second.consumer.close();
    for (let poll = 0; poll < 3; poll++) expect((await setup.poll(first, 1_000)).kind).toBe('rebalance');
    await setup.joinAgain(first);
    expect((await setup.poll(first, 1_000)).kind).toBe('records');
  });

  test('survives a leader whose assignor fails: it is told, and the next member leads', async () => {
    const setup = new Setup();
    const failure = new Error('cannot assign');
    const broken: PartitionAssignor = {
      name: 'broken',
      assign: () => {
        throw failure;
      },
    };
    const leader = setup.process('leader', broken);
    await expect(leader.consumer.rejoin(NO_DATA)).rejects.toBe(failure);
    expect(await setup.joinAgain(setup.process('follower'))).toEqual([PARTITIONS]);
  });

  test('begins when a member leaves, and ends at once when nobody is left', async () => {
    const setup = new Setup();
    const [first, second] = await setup.pair();
    await first.consumer.close();
    expect((await setup.poll(second, 1_000)).kind).toBe('rebalance');
    await second.consumer.close();
    expect(await setup.joinAgain(setup.process('later'))).toEqual([PARTITIONS]);
    expect(setup.clock.sleeping).toBe(0);
  });
});

describe('a consumer', () => {
  test('rides out faults while joining and polling', async () => {
    const setup = new Setup();
    const member = setup.process('member');
    setup.failing.add('consumer.join');
    await setup.joinAgain(member);
    setup.failing.add('consumer.fetch');
    member.consumer.seek(PARTITIONS[1] as TopicPartition, 0);
    const record = { topic: 'topic', partition: 1, key: null, value: new Uint8Array([1]) };
    await setup.log.client('writer').plainProducer().send([record]);
    expect(await setup.poll(member, 1_000)).toMatchObject({ batches: [{ partition: 1, nextOffset: 1 }] });
  });

  test('that could not say goodbye is dropped after its session timeout', async () => {
    const setup = new Setup();
    const [staying, leaving] = await setup.pair();
    setup.failing.add('consumer.leave');
    await leaving.consumer.close();
    expect((await setup.poll(staying, 60_000)).kind).toBe('rebalance');
    expect(setup.clock.now()).toBe(SESSION_TIMEOUT_MS);
  });

  test('remembers a wakeup that came before the poll, once', async () => {
    const setup = new Setup();
    const [member] = await setup.pair();
    member.consumer.wakeup();
    expect(await setup.poll(member, 5_000)).toEqual(NOTHING);
    expect(setup.clock.now()).toBe(0);
    await setup.poll(member, 5_000);
    expect(setup.clock.now()).toBe(5_000);
  });

  test('refuses to seek what it does not hold, and to join a topic that does not exist', async () => {
    const setup = new Setup();
    const [member] = await setup.pair();
    expect(() => member.consumer.seek(PARTITIONS[1] as TopicPartition, 0)).toThrow(FatalLogError);
    const options = { groupId: 'other', clientId: 'c', topics: ['missing'], assignor: inTurn, sessionTimeoutMs: 1_000 };
    await expect(member.client.consumer(options).rejoin(NO_DATA)).rejects.toBeInstanceOf(FatalLogError);
  });

  test('returns from a waiting poll when it is closed', async () => {
    const setup = new Setup();
    const [member] = await setup.pair();
    const polling = member.consumer.poll(60_000);
    await setup.clock.settle();
    await member.consumer.close();
    expect(await polling).toEqual(NOTHING);
    await expect(member.consumer.poll(0)).rejects.toBeInstanceOf(FatalLogError);
  });
});
