import { expect, it } from 'vitest';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { streamsConfig } from '../../../streams/config.ts';
import { RetriableLogError } from '../../../streams/errors.ts';
import type { GroupConsumer, PartitionAssignor } from '../../../streams/ports.ts';
import type { Processor } from '../../../streams/processor.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import type { FaultInjector } from '../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { TaskManager, type TaskEntry } from '../../../streams/task-manager.ts';
import { Topology } from '../../../streams/topology.ts';

const RESTORE_MS = 500;

/** Opening a task takes a while. */
const slowOpening: FaultInjector = {
  before: ({ kind }) => (kind === 'reader.range' ? { delayMs: RESTORE_MS } : undefined),
  after: () => undefined,
};

/** Gives everything to the member that joined last. */
const toTheLast: PartitionAssignor = {
  name: 'to-the-last',
  assign: (members) =>
    new Map(
      members.map(({ memberId }, index) => [
        memberId,
        index === members.length - 1 ? [{ topic: 'input', partition: 0 }] : [],
      ]),
    ),
};

const nothing = (): Processor<string, string> => ({ process: () => undefined });

const start = () => {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock, faults: slowOpening });
  log.createTopics([{ name: 'input', partitions: 1, config: {} }]);
  const topology = new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'nothing', supplier: nothing, parents: ['in'] })
    .build('app');
  const [subTopology] = topology.subTopologies;
  if (subTopology === undefined) throw new Error('The topology has a sub-topology.');
  const consumerOf = (clientId: string): GroupConsumer =>
    log.client(clientId).consumer({
      ...{ groupId: 'app', clientId, topics: ['input'], assignor: toTheLast, sessionTimeoutMs: 10_000 },
    });
  const client = log.client('a');
  const consumer = consumerOf('a');
  const fatal: unknown[] = [];
  const environment = {
    ...{ config: streamsConfig({ applicationId: 'app' }), client, consumer, reader: client.reader(), clock },
    ...{ stateFactory: new MemoryBackendFactory(), globalStores: new Map(), partitionCounts: new Map([['input', 1]]) },
    ...{ metrics: silentMetrics, logger: silentLogger },
  };
  const ignore = (): void => undefined;
  const tasks = new TaskManager(environment, {
    ...{ onWakeUp: ignore, onTaskLost: ignore, onFatal: (error: unknown) => fatal.push(error) },
  });
  return { clock, log, consumer, consumerOf, tasks, fatal, place: { subTopology, partition: 0 } };
};

const NO_DATA = new Uint8Array();

/**
 * A task was still being opened when the group was joined again and its partition went to another member; it then positioned
 * an input that this member did not have any more, which stopped the whole thread.
 */
it('lets no task begin to read before it is known that this member still has its partitions [INV-READ-ASSIGNED]', async () => {
  const { clock, consumer, consumerOf, tasks, fatal, place } = start();
  await clock.runUntil(consumer.rejoin(NO_DATA));
  await tasks.assign([place]);
  tasks.awaitAssignment();
  const other = consumerOf('b').rejoin(NO_DATA);
  expect(await clock.runUntil(Promise.all([consumer.rejoin(NO_DATA), other]))).toEqual([[], [expect.anything()]]);
  await clock.advance(10 * RESTORE_MS);
  await tasks.assign([]);
  expect([tasks.entries, fatal]).toEqual([[], []]);
});

it('lets a task read that was opened meanwhile and stays', async () => {
  const { clock, consumer, tasks, fatal, place } = start();
  await clock.runUntil(consumer.rejoin(NO_DATA));
  await tasks.assign([place]);
  tasks.awaitAssignment();
  await clock.advance(10 * RESTORE_MS);
  expect(tasks.allRunning).toBe(false);
  await tasks.assign([place]);
  await clock.settle();
  expect([tasks.allRunning, fatal]).toEqual([true, []]);
  await clock.runUntil(tasks.closeAll());
});

/**
 * Joining the group lifts the pause of a failed task's partitions, and from where that task had read to, a batch came in just
 * before its successor began, which took it for its own and so left out everything before.
 */
it('reads nothing for a task that is opened again while the group is joined [INV-READ-ASSIGNED]', async () => {
  const { clock, log, consumer, tasks, place } = start();
  await clock.runUntil(consumer.rejoin(NO_DATA));
  await tasks.assign([place]);
  await clock.advance(10 * RESTORE_MS);
  const [entry] = tasks.entries as [TaskEntry];
  if (entry.task === undefined) throw new Error('The task runs by now.');
  const failing = tasks.fail(entry, entry.task, new RetriableLogError('AWAY', 'The broker is away.'));
  tasks.awaitAssignment();
  await clock.runUntil(consumer.rejoin(NO_DATA));
  await tasks.assign([place]);
  const record = { topic: 'input', partition: 0, key: NO_DATA, value: NO_DATA };
  await clock.runUntil(log.client('producer').plainProducer().send([record]));
  const polled = (): Promise<number> =>
    clock.runUntil(consumer.poll(1)).then((poll) => (poll.kind === 'records' ? poll.batches.length : -1));
  expect([tasks.allRunning, await polled()]).toEqual([false, 0]);
  await clock.runUntil(failing);
  await clock.advance(10 * RESTORE_MS);
  expect([tasks.allRunning, await polled()]).toEqual([true, 1]);
  await clock.runUntil(tasks.closeAll());
});
