import { expect, it } from 'vitest';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { streamsConfig } from '../../../streams/config.ts';
import type { LogRecord } from '../../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import type { Deserializer } from '../../../streams/serde.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import type { FaultInjector } from '../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { StreamThread } from '../../../streams/thread.ts';
import { Topology } from '../../../streams/topology.ts';

const PREPARE_MS = 5_000;
const COMMIT_MS = 200;

const copying = (): Processor<string, string, string, string> => {
  let context: ProcessorContext<string, string>;
  return { init: (given) => (context = given), process: (record) => context.forward(record) };
};

/** Reading anything but the first record takes a while to prepare, as with a schema that is fetched. */
const slowToPrepare = (clock: VirtualClock): Deserializer<string> => ({
  deserialize: (topic, data) => stringSerde.deserialize(topic, data),
  prepare: (_: string, records: readonly LogRecord[]) =>
    records.some(({ offset }) => offset > 0) ? clock.sleep(PREPARE_MS) : undefined,
});

/** The first commit takes a while and fails. */
const failingOnce = (): FaultInjector => {
  let commits = 0;
  return {
    before: ({ kind }) =>
      kind === 'producer.commit' && ++commits === 1 ? { delayMs: COMMIT_MS, then: 'fail' } : undefined,
    after: () => undefined,
  };
};

/**
 * A batch was polled for a task whose commit then failed; the task was opened again, and the batch, whose reading had to be
 * prepared meanwhile, went to it: behind a gap, since the new one begins at the committed position. The record in the gap was lost.
 */
it('never gives a task what was polled for its predecessor [INV-STALE-BATCH]', async () => {
  const clock = new VirtualClock(1_000_000);
  const log = new InMemoryLog({ clock, faults: failingOnce() });
  for (const name of ['input', 'output']) log.createTopics([{ name, partitions: 1, config: {} }]);
  const topology = new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: slowToPrepare(clock) })
    .addProcessor({ name: 'copy', supplier: copying, parents: ['in'] })
    .addSink({ name: 'out', topic: 'output', key: stringSerde, value: stringSerde, parents: ['copy'] })
    .build('app');
  const stateFactory = new MemoryBackendFactory();
  const thread = new StreamThread({
    ...{ name: 'thread', topology, stateFactory, clock, metrics: silentMetrics, logger: silentLogger },
    ...{ config: streamsConfig({ applicationId: 'app' }), client: log.client('a') },
    globalBackend: await stateFactory.open('global'),
  });
  const ended = thread.run();
  const producer = log.client('producer').plainProducer();
  const send = async (value: string): Promise<void> => {
    const record = { topic: 'input', partition: 0, key: Buffer.from('key'), value: Buffer.from(value) };
    await clock.runUntil(producer.send([record]));
  };
  await send('first');
  await clock.advance(COMMIT_MS / 2);
  await send('second');
  await clock.advance(10 * PREPARE_MS);
  const output = log.records({ topic: 'output', partition: 0 }).map(({ value }) => Buffer.from(value ?? []).toString());
  expect(output).toEqual(['first', 'second']);
  thread.stop();
  await clock.runUntil(ended);
});
