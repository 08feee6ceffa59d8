/**
 * Conformance of consumer groups: who reads what, from where, and how a group hands partitions over.
 *
 * Invariant under test: at most one member of a generation holds a partition, every partition has a holder once the group is
 * stable, and a member reads only what it holds, from where it was sought.
 */
import { expect } from 'vitest';
import type {
  FetchedBatch,
  GroupConsumer,
  GroupMember,
  PartitionAssignor,
  TopicPartition,
} from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';
import { GroupReader, spreading } from './log-client-group-reader.ts';
import type { DeclareScenario, LogScenario } from './log-client-scenario.ts';
import { bytes, text, valuesOf } from './log-client-scenario.ts';

interface GroupSetup {
  readonly groupId: string;
  readonly topic: string;
  readonly partitions: readonly TopicPartition[];
  readonly consumer: (assignor?: PartitionAssignor) => GroupConsumer;
}

const group = async (log: LogScenario, partitionCount: number): Promise<GroupSetup> => {
  const topic = await log.topic(partitionCount);
  const groupId = log.harness.uniqueName('group');
  return {
    groupId,
    topic,
    partitions: Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
    consumer: (assignor = spreading) =>
      log.client().consumer({ groupId, clientId: 'member', topics: [topic], assignor, sessionTimeoutMs: 10_000 }),
  };
};

/** Polls until `count` records came; fails with what came past the deadline. */
const take = async (log: LogScenario, consumer: GroupConsumer, count: number): Promise<FetchedBatch[]> => {
  const batches: FetchedBatch[] = [];
  await log.eventually(
    async () => {
      const polled = await consumer.poll(1_000);
      if (polled.kind === 'records') batches.push(...polled.batches);
      return batches.flatMap(({ records }) => valuesOf(records));
    },
    (values) => values.length >= count,
  );
  return batches;
};

const valuesIn = (batches: readonly FetchedBatch[]): (string | null)[] =>
  valuesOf(batches.flatMap(({ records }) => records));

const keys = (partitions: readonly TopicPartition[]): string[] => partitions.map(topicPartitionKey).sort();

export function describeGroups(scenario: DeclareScenario): void {
  describeAssignment(scenario);
  describePolling(scenario);
  describeRebalances(scenario);
}

function describeAssignment(scenario: DeclareScenario): void {
  scenario('assigns every partition to the only member', async (log) => {
    const { consumer, partitions } = await group(log, 3);
    expect(keys(await consumer().rejoin(bytes('')))).toEqual(keys(partitions));
  });

  scenario('brings what the leader announces to every member, before its rejoin resolves', async (log) => {
    const { consumer } = await group(log, 2);
    const heard: [who: string, announced: string | null][] = [];
    const telling = (who: string): PartitionAssignor => ({
      name: 'telling',
      assign: (members, counts) => spreading.assign(members, counts),
      announcement: (members) =>
        bytes(
          members
            .map(({ userData }) => text(userData))
            .sort()
            .join(),
        ),
      onAnnouncement: (announced) => void heard.push([who, text(announced)]),
    });
    const first = consumer(telling('first'));
    await first.rejoin(bytes('a'));
    expect(heard).toEqual([['first', 'a']]);
    const joining = consumer(telling('second')).rejoin(bytes('b'));
    await log.eventually(
      async () => (await first.poll(1_000)).kind,
      (kind) => kind === 'rebalance',
    );
    await Promise.all([first.rejoin(bytes('a')), joining]);
    expect(heard.slice(-2).sort()).toEqual([
      ['first', 'a,b'],
      ['second', 'a,b'],
    ]);
  });

  scenario('gives the assignor each member with topics and user data, and the partition counts', async (log) => {
    const { consumer, topic } = await group(log, 2);
    const seen: { members: readonly GroupMember[]; counts: ReadonlyMap<string, number> }[] = [];
    const recording: PartitionAssignor = {
      name: 'recording',
      assign: (members, counts) => {
        seen.push({ members, counts });
        return spreading.assign(members, counts);
      },
    };
    const member = consumer(recording);
    await member.rejoin(bytes('first'));
    await member.rejoin(new Uint8Array([0, 255, 128]));
    const last = seen.at(-1);
    expect(last?.counts).toEqual(new Map([[topic, 2]]));
    expect(last?.members.map(({ topics, userData }) => [topics, [...userData]])).toEqual([[[topic], [0, 255, 128]]]);
    expect(text(seen[0]?.members[0]?.userData ?? null)).toBe('first');
  });

  scenario('has no committed offset before one was committed', async (log) => {
    const { consumer, groupId, partitions } = await group(log, 2);
    const member = consumer();
    await member.rejoin(bytes(''));
    expect(await member.committed(partitions)).toEqual([undefined, undefined]);
    const producer = await log.producer();
    await producer.commit(groupId, [{ ...(partitions[1] as TopicPartition), offset: 12 }]);
    const committed = await log.eventually(
      () => member.committed(partitions),
      ([, position]) => position !== undefined,
    );
    expect(committed).toEqual([undefined, { offset: 12, metadata: '' }]);
  });
}

function describePolling(scenario: DeclareScenario): void {
  scenario('reads a partition only after it was sought, and from there', async (log) => {
    const { consumer, partitions } = await group(log, 2);
    const [left, right] = partitions as [TopicPartition, TopicPartition];
    await log.write(left, ['never read']);
    await log.write(right, ['0', '1', '2']);
    const member = consumer();
    await member.rejoin(bytes(''));
    expect(await member.poll(500)).toEqual({ kind: 'records', batches: [] });
    member.seek(right, 1);
    expect(valuesIn(await take(log, member, 2))).toEqual(['1', '2']);
    member.seek(right, 0);
    expect(valuesIn(await take(log, member, 3))).toEqual(['0', '1', '2']);
  });

  scenario('goes on where the last poll ended, and waits for more', async (log) => {
    const { consumer, partitions } = await group(log, 1);
    const [partition] = partitions as [TopicPartition];
    const member = consumer();
    await member.rejoin(bytes(''));
    member.seek(partition, 0);
    await log.write(partition, ['a']);
    expect(valuesIn(await take(log, member, 1))).toEqual(['a']);
    const waiting = take(log, member, 1);
    await log.write(partition, ['b']);
    const [batch] = (await waiting).filter(({ records }) => records.length > 0);
    expect(batch).toMatchObject({ ...partition, nextOffset: 2, endOffset: 2, logAppendTime: false });
    expect(valuesIn(batch === undefined ? [] : [batch])).toEqual(['b']);
  });

  scenario('moves its position past aborted records and markers to the end [INV-LOG-CAUGHT-UP]', async (log) => {
    const { consumer, partitions } = await group(log, 1);
    const [partition] = partitions as [TopicPartition];
    const transactionalId = log.harness.uniqueName('dead');
    await log.write(partition, ['a']);
    await log.harness.openTransaction({ transactionalId, partition, values: ['aborted'] });
    await log.producer(transactionalId);
    const end = await log.end(partition);
    expect(end).toBe(3);
    const member = consumer();
    await member.rejoin(bytes(''));
    member.seek(partition, 0);
    let [position, values] = [0, [] as (string | null)[]];
    await log.eventually(
      async () => {
        const polled = await member.poll(1_000);
        const batches = polled.kind === 'records' ? polled.batches : [];
        position = batches.at(-1)?.nextOffset ?? position;
        values = [...values, ...valuesIn(batches)];
        return position;
      },
      (reached) => reached === end,
    );
    expect(values).toEqual(['a']);
  });

  scenario('returns without records when its time is over', async (log) => {
    const { consumer } = await group(log, 1);
    const member = consumer();
    await member.rejoin(bytes(''));
    const startedMs = log.clock.now();
    expect(await member.poll(300)).toEqual({ kind: 'records', batches: [] });
    expect(log.clock.now() - startedMs).toBeGreaterThanOrEqual(250);
    expect(log.clock.now() - startedMs).toBeLessThan(5_000);
  });

  scenario('does not fetch a paused partition, and goes on from its position afterwards', async (log) => {
    const { consumer, partitions } = await group(log, 2);
    const [left, right] = partitions as [TopicPartition, TopicPartition];
    const member = consumer();
    await member.rejoin(bytes(''));
    for (const partition of partitions) member.seek(partition, 0);
    await log.write(left, ['left 1']);
    await take(log, member, 1);
    member.pause([left]);
    await log.write(left, ['left 2']);
    await log.write(right, ['right 1']);
    expect(valuesIn(await take(log, member, 1))).toEqual(['right 1']);
    expect(await member.poll(500)).toEqual({ kind: 'records', batches: [] });
    member.resume([left]);
    expect(valuesIn(await take(log, member, 1))).toEqual(['left 2']);
  });

  scenario('lets a waiting poll return on wakeup', async (log) => {
    const { consumer } = await group(log, 1);
    const member = consumer();
    await member.rejoin(bytes(''));
    const startedMs = log.clock.now();
    const polling = member.poll(30_000);
    await log.clock.sleep(200);
    member.wakeup();
    expect(await polling).toEqual({ kind: 'records', batches: [] });
    expect(log.clock.now() - startedMs).toBeLessThan(10_000);
  });
}

function describeRebalances(scenario: DeclareScenario): void {
  scenario('asks the members to join again when another one joins [INV-LOG-REBALANCE]', async (log) => {
    const { consumer, partitions } = await group(log, 4);
    const [first, second] = [consumer(), consumer()];
    await first.rejoin(bytes(''));
    const joining = second.rejoin(bytes(''));
    await log.eventually(
      () => first.poll(1_000),
      ({ kind }) => kind === 'rebalance',
    );
    expect((await first.poll(1_000)).kind).toBe('rebalance');
    const [left, right] = await Promise.all([first.rejoin(bytes('')), joining]);
    expect([left.length, right.length]).toEqual([2, 2]);
    expect(keys([...left, ...right])).toEqual(keys(partitions));
  });

  scenario('keeps positions of kept partitions over a rejoin, and lifts pauses', async (log) => {
    const { consumer, partitions } = await group(log, 1);
    const [partition] = partitions as [TopicPartition];
    const member = consumer();
    await member.rejoin(bytes(''));
    member.seek(partition, 0);
    await log.write(partition, ['a']);
    await take(log, member, 1);
    member.pause([partition]);
    await member.rejoin(bytes(''));
    await log.write(partition, ['b']);
    expect(valuesIn(await take(log, member, 1))).toEqual(['b']);
  });

  scenario('splits the partitions between members, and gives them back when one leaves', async (log) => {
    const { consumer, partitions } = await group(log, 4);
    const [first, second] = [new GroupReader(consumer()), new GroupReader(consumer())];
    first.start();
    await log.eventually(
      () => first.held.length,
      (count) => count === 4,
    );
    second.start();
    await log.eventually(
      () => [first.held.length, second.held.length],
      ([left, right]) => left === 2 && right === 2,
    );
    expect(keys([...first.held, ...second.held])).toEqual(keys(partitions));
    await second.stop();
    await log.eventually(
      () => first.held.length,
      (count) => count === 4,
    );
    for (const partition of partitions) await log.write(partition, [topicPartitionKey(partition)]);
    await log.eventually(
      () => first.values.length,
      (count) => count === 4,
    );
    expect([...first.values].sort()).toEqual(keys(partitions));
    await first.stop();
  });

  scenario('brings three members to a common assignment', async (log) => {
    const { consumer, partitions } = await group(log, 6);
    const readers = [1, 2, 3].map(() => new GroupReader(consumer()));
    for (const reader of readers) reader.start();
    await log.eventually(
      () => readers.map(({ held }) => held.length),
      (counts) => counts.every((count) => count === 2),
    );
    expect(keys(readers.flatMap(({ held }) => held))).toEqual(keys(partitions));
    for (const reader of readers) await reader.stop();
  });
}
