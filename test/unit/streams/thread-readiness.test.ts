/** When a stream thread counts as running, which is what readiness asks: not while its tasks move or restore. */
import { describe, expect, it } from 'vitest';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { keyValueStore } from '../../../state/stores.ts';
import { streamsConfig } from '../../../streams/config.ts';
import type { LogClient, LogReader } from '../../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../../streams/serdes.ts';
import type { KeyValueStore } from '../../../streams/state-store.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { StreamThread, type StreamThreadState } from '../../../streams/thread.ts';
import { Topology } from '../../../streams/topology.ts';
import { stringKey } from '../../../state/codecs.ts';

const countingTopology = (): Topology => {
  const supplier = (): Processor<string, string, never, never> => {
    let counts: KeyValueStore<string, number>;
    return {
      init: (context: ProcessorContext<never, never>) => void (counts = context.getStateStore('counts')),
      process: ({ key }) => counts.put(key, (counts.get(key) ?? 0) + 1),
    };
  };
  return new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'count', supplier, parents: ['in'] })
    .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count']);
};

/** The client with reads that wait until they are let through: a restore that takes its time. */
const held = (client: LogClient, until: Promise<void>): LogClient => {
  const slow = (reader: LogReader): LogReader => ({
    range: (partition) => reader.range(partition),
    read: async (...request) => {
      await until;
      return reader.read(...request);
    },
    follow: (...request) => reader.follow(...request),
    close: () => reader.close(),
  });
  return {
    consumer: (options) => client.consumer(options),
    producer: (transactionalId) => client.producer(transactionalId),
    plainProducer: () => client.plainProducer(),
    reader: () => slow(client.reader()),
    admin: () => client.admin(),
    close: () => client.close(),
  };
};

describe('a stream thread', () => {
  it('[INV-HEALTH-RESTORE] is not running while it restores, nor while the group assigns anew', async () => {
    const clock = new VirtualClock(1_000_000);
    const log = new InMemoryLog({ clock });
    for (const name of ['input', 'dead-letters']) log.createTopics([{ name, partitions: 2, config: {} }]);
    const running: { thread: StreamThread; ended: Promise<void> }[] = [];
    const start = async (name: string, client: LogClient): Promise<StreamThreadState[]> => {
      const states: StreamThreadState[] = [];
      const stateFactory = new MemoryBackendFactory();
      const thread = new StreamThread({
        ...{ name, client, stateFactory, clock, metrics: silentMetrics, logger: silentLogger },
        topology: countingTopology().build('app'),
        config: streamsConfig({ applicationId: 'app', deadLetterTopic: 'dead-letters' }),
        globalBackend: await stateFactory.open('global'),
        onStateChange: (state) => states.push(state),
      });
      running.push({ thread, ended: thread.run() });
      return states;
    };

    const first = await start('first', log.client('first'));
    const producer = log.client('sender').plainProducer();
    const records = [0, 1].map((partition) => ({
      topic: 'input',
      partition,
      key: Buffer.from('k'),
      value: Buffer.from('v'),
    }));
    await clock.runUntil(producer.send(records));
    await clock.advance(1_000);
    expect(first.at(-1)).toBe('running');

    const gate = Promise.withResolvers<void>();
    const second = await start('second', held(log.client('second'), gate.promise));
    await clock.advance(5_000);
    // The group was assigned anew, so the first one was not running for that time; it is again, with what it kept.
    expect(first.filter((state) => state === 'partitions-revoked').length).toBeGreaterThan(1);
    expect(first.at(-1)).toBe('running');
    // The other has got a partition with a changelog to read, and says so as long as it takes.
    expect(second.at(-1)).toBe('partitions-assigned');
    await clock.advance(60_000);
    expect(second).not.toContain('running');
    gate.resolve();
    await clock.advance(1_000);
    expect(second.at(-1)).toBe('running');

    for (const { thread } of running) thread.stop();
    await clock.runUntil(Promise.all(running.map(({ ended }) => ended)));
  });
});
