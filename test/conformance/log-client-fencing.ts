/**
 * Conformance of ownership: who may still write under a transactional id, what becomes of a dead owner's transaction, and
 * that offsets share the fate of the records they were committed with.
 *
 * Invariant under test: once a producer is initialised, nothing of an older one with the same id can become visible any more.
 */
import { expect } from 'vitest';
import { ProducerFencedError } from '../../streams/errors.ts';
import type { GroupConsumer, LogClient, TopicPartition, TransactionalProducer } from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';
import type { DeclareScenario } from './log-client-scenario.ts';
import { bytes } from './log-client-scenario.ts';

const append = (producer: TransactionalProducer, { topic, partition }: TopicPartition, ...values: string[]): void => {
  for (const value of values) producer.append(topic, partition, bytes(value), bytes(value), 1_000);
};

/** A consumer that only asks for committed offsets. */
const offsetsOf = (client: LogClient, groupId: string, topic: string): GroupConsumer =>
  client.consumer({
    groupId,
    clientId: 'offsets',
    topics: [topic],
    assignor: { name: 'none', assign: () => new Map() },
    sessionTimeoutMs: 10_000,
  });

export function describeFencing(scenario: DeclareScenario): void {
  scenario('refuses the commit of an owner that was replaced [INV-LOG-FENCING]', async (log) => {
    const partition = await log.partition();
    const [id, groupId] = [log.harness.uniqueName('producer'), log.harness.uniqueName('group')];
    const zombie = await log.producer(id);
    append(zombie, partition, 'zombie');
    const owner = await log.producer(id);
    await expect(zombie.commit(groupId, [{ ...partition, offset: 7 }])).rejects.toBeInstanceOf(ProducerFencedError);
    append(owner, partition, 'owner');
    const written = await owner.commit(groupId, []);
    const position = written.get(topicPartitionKey(partition)) as number;
    expect(await log.values(partition, position)).toEqual(['owner']);
    const offsets = offsetsOf(log.client(), groupId, partition.topic);
    expect(await offsets.committed([partition])).toEqual([undefined]);
  });

  scenario('keeps refusing a replaced owner, whatever it tries to commit', async (log) => {
    const partition = await log.partition();
    const [id, groupId] = [log.harness.uniqueName('producer'), log.harness.uniqueName('group')];
    const zombie = await log.producer(id);
    append(zombie, partition, 'committed in time');
    await zombie.commit(groupId, []);
    const owner = await log.producer(id);
    await expect(zombie.commit(groupId, [{ ...partition, offset: 7 }])).rejects.toBeInstanceOf(ProducerFencedError);
    const again = async (): Promise<void> => {
      append(zombie, partition, 'again');
      await zombie.commit(groupId, []);
    };
    await expect(again()).rejects.toBeInstanceOf(ProducerFencedError);
    append(owner, partition, 'owner');
    const written = await owner.commit(groupId, []);
    const position = written.get(topicPartitionKey(partition)) as number;
    expect(await log.values(partition, position)).toEqual(['committed in time', 'owner']);
  });

  scenario('lets only the latest of several owners commit', async (log) => {
    const partition = await log.partition();
    const id = log.harness.uniqueName('producer');
    const owners: TransactionalProducer[] = [];
    for (let turn = 0; turn < 3; turn++) owners.push(await log.producer(id));
    owners.forEach((owner, turn) => append(owner, partition, `owner ${turn}`));
    const commits = await Promise.allSettled(owners.map((owner) => owner.commit('unused-group', [])));
    expect(commits.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    const end = await log.eventually(
      () => log.end(partition),
      (offset) => offset > 0,
    );
    expect(await log.values(partition, end)).toEqual(['owner 2']);
  });

  scenario('holds readers back at the last stable offset while a transaction is open [INV-LOG-LSO]', async (log) => {
    const partition = await log.partition();
    await log.write(partition, ['before']);
    await log.harness.openTransaction({ transactionalId: log.harness.uniqueName('dead'), partition, values: ['open'] });
    await log.write(partition, ['behind']);
    expect(await log.end(partition)).toBe(1);
    const reader = log.client().reader();
    const seen: number[] = [];
    const stop = new AbortController();
    const following = reader.follow(
      [{ ...partition, offset: 0 }],
      (batch) => void seen.push(...batch.records.map(({ offset }) => offset)),
      stop.signal,
    );
    await log.eventually(
      () => seen.length,
      (count) => count > 0,
    );
    await log.clock.sleep(500);
    stop.abort();
    await following;
    expect(seen).toEqual([0]);
  });

  scenario('aborts the open transaction of the former owner and hides its records [INV-LOG-ABORTED]', async (log) => {
    const partition = await log.partition();
    const transactionalId = log.harness.uniqueName('dead');
    await log.write(partition, ['before']);
    await log.harness.openTransaction({ transactionalId, partition, values: ['dead 1', 'dead 2'] });
    const end = await log.write(partition, ['behind']);
    const owner = await log.producer(transactionalId);
    expect(await log.values(partition, end)).toEqual(['before', 'behind']);
    append(owner, partition, 'owner');
    const written = await owner.commit('unused-group', []);
    const position = written.get(topicPartitionKey(partition)) as number;
    expect(await log.values(partition, position)).toEqual(['before', 'behind', 'owner']);
  });

  scenario('has ended the former transaction when init resolves', async (log) => {
    const partition = await log.partition();
    const [transactionalId, groupId] = [log.harness.uniqueName('dead'), log.harness.uniqueName('group')];
    const positions = [{ ...partition, offset: 9 }];
    await log.harness.openTransaction({
      transactionalId,
      partition,
      values: ['dead'],
      offsets: { groupId, positions },
    });
    await log.producer(transactionalId);
    const end = await log.end(partition);
    expect(end).toBe(2);
    const { records, position } = await log.read(partition, end);
    expect({ records, position }).toEqual({ records: [], position: 2 });
    expect(await offsetsOf(log.client(), groupId, partition.topic).committed([partition])).toEqual([undefined]);
  });

  scenario('shows offsets once their transaction is committed, with its records [INV-LOG-OFFSETS]', async (log) => {
    const input = { topic: await log.topic(2), partition: 1 };
    const output = await log.partition();
    const groupId = log.harness.uniqueName('group');
    const producer = await log.producer();
    const offsets = offsetsOf(log.client(), groupId, input.topic);
    append(producer, output, 'a');
    await producer.commit(groupId, [{ ...input, offset: 5, metadata: 'note' }]);
    const other = { ...input, partition: 0 };
    const committed = (): ReturnType<GroupConsumer['committed']> => offsets.committed([other, input]);
    const five = { offset: 5, metadata: 'note' };
    expect(await log.eventually(committed, ([, position]) => position?.offset === 5)).toEqual([undefined, five]);
    await log.harness.openTransaction({
      transactionalId: log.harness.uniqueName('dead'),
      partition: output,
      values: ['open'],
      offsets: { groupId, positions: [{ ...input, offset: 6 }] },
    });
    expect(await committed()).toEqual([undefined, five]);
  });

  scenario('commits offsets without records', async (log) => {
    const partition = await log.partition();
    const groupId = log.harness.uniqueName('group');
    const id = log.harness.uniqueName('producer');
    const producer = await log.producer(id);
    expect(await producer.commit(groupId, [{ ...partition, offset: 3 }])).toEqual(new Map());
    expect(await producer.commit(groupId, [{ ...partition, offset: 4 }])).toEqual(new Map());
    // A taken-over id has no decided transaction under way, so its offsets stand.
    await log.producer(id);
    expect(await offsetsOf(log.client(), groupId, partition.topic).committed([partition])).toEqual([
      { offset: 4, metadata: '' },
    ]);
    expect(await log.end(partition)).toBe(0);
  });
}
