import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { streamsConfig, type StreamsConfig } from '../../../streams/config.ts';
import { TopologyError } from '../../../streams/errors.ts';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import type { Serde } from '../../../streams/serde.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { StreamThread, type StreamThreadState } from '../../../streams/thread.ts';
import { Topology } from '../../../streams/topology.ts';

const text: Serde<string> = {
  serialize: (_, data) => new TextEncoder().encode(data),
  deserialize: (_, data) => new TextDecoder().decode(data ?? new Uint8Array()),
};

const copyTopology = () => {
  const supplier = (): Processor<string, string, string, string> => {
    let context: ProcessorContext<string, string>;
    return { init: (given) => (context = given), process: (record) => context.forward(record) };
  };
  return new Topology()
    .addSource({ name: 'in', topics: ['input'], key: text, value: text })
    .addProcessor({ name: 'copy', supplier, parents: ['in'] })
    .addSink({
      name: 'out',
      topic: 'output',
      key: text,
      value: text,
      parents: ['copy'],
      partitioner: (_, partition) => partition,
    });
};

const PARTITIONS = 4;

/** Some instances of one application on one in-memory log, driven by virtual time. */
class World {
  readonly clock = new VirtualClock(1_000_000);
  readonly log = new InMemoryLog({ clock: this.clock });
  readonly running: { thread: StreamThread; ended: Promise<void> }[] = [];
  #sent = 0;

  constructor() {
    for (const name of ['input', 'output', 'dead-letters'])
      this.log.createTopics([{ name, partitions: PARTITIONS, config: {} }]);
  }

  async instance(name: string, more: { config?: Partial<StreamsConfig>; topology?: Topology } = {}) {
    const states: StreamThreadState[] = [];
    const client = this.log.client(name);
    const stateFactory = new MemoryBackendFactory();
    const thread = new StreamThread({
      name,
      topology: (more.topology ?? copyTopology()).build('app'),
      config: streamsConfig({ applicationId: 'app', deadLetterTopic: 'dead-letters', ...more.config }),
      client,
      stateFactory,
      globalBackend: await stateFactory.open('global'),
      clock: this.clock,
      metrics: silentMetrics,
      logger: silentLogger,
      onStateChange: (state) => states.push(state),
    });
    const ended = thread.run();
    ended.catch(() => undefined);
    this.running.push({ thread, ended });
    return { thread, ended, client, states };
  }

  async send(count: number): Promise<void> {
    const producer = this.log.client('test').plainProducer();
    const records = Array.from({ length: count }, () => {
      const value = text.serialize('', `record-${this.#sent++}`);
      return { topic: 'input', partition: this.#sent % PARTITIONS, key: null, value, timestampMs: this.clock.now() };
    });
    await this.clock.runUntil(producer.send(records));
  }

  get output(): string[] {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) =>
      this.log.records({ topic: 'output', partition }),
    );
    return partitions.flat().map(({ value }) => text.deserialize('', value));
  }

  get expected(): string[] {
    return Array.from({ length: this.#sent }, (_, index) => `record-${index}`).sort();
  }

  async stop(): Promise<void> {
    for (const { thread } of this.running) thread.stop();
    await this.clock.runUntil(Promise.allSettled(this.running.map(({ ended }) => ended)));
  }
}

describe('StreamThread', () => {
  let world: World;
  afterEach(() => world.stop());

  it('processes what it is assigned, each record once, and commits at once when drained', async () => {
    world = new World();
    const { states } = await world.instance('a');
    await world.send(100);
    await world.clock.advance(50);
    expect(world.output.sort()).toEqual(world.expected);
    expect(states).toEqual(['starting', 'partitions-revoked', 'partitions-assigned', 'running']);
  });

  it('shares its tasks with an instance that joins and takes them back when it leaves [INV-EXACTLY-ONCE]', async () => {
    world = new World();
    const a = await world.instance('a');
    await world.send(40);
    await world.clock.advance(100);
    const b = await world.instance('b');
    await world.send(40);
    await world.clock.advance(5_000);
    expect([a.thread.tasks.length, b.thread.tasks.length]).toEqual([2, 2]);
    await world.send(40);
    b.thread.stop();
    await world.clock.runUntil(b.ended);
    await world.clock.advance(5_000);
    expect(a.thread.tasks).toHaveLength(4);
    expect(world.output.sort()).toEqual(world.expected);
  });

  it('takes over from an instance that was killed, without loss or repetition [INV-EXACTLY-ONCE]', async () => {
    world = new World();
    await world.instance('a');
    const b = await world.instance('b');
    await world.clock.advance(5_000);
    await world.send(200);
    b.client.crash();
    world.running.pop();
    await world.clock.advance(60_000);
    await world.send(40);
    await world.clock.advance(1_000);
    expect(world.output.sort()).toEqual(world.expected);
  });

  it('gives a task up when a stalled instance wakes to find another owner: it is fenced and writes nothing [INV-FENCING]', async () => {
    world = new World();
    const zombie = await world.instance('zombie');
    await world.send(40);
    await world.clock.advance(100);
    zombie.client.pause();
    await world.send(40);
    const heir = await world.instance('heir');
    await world.clock.advance(60_000);
    expect(world.output.sort()).toEqual(world.expected);
    zombie.client.resume();
    await world.send(40);
    await world.clock.advance(60_000);
    expect(zombie.thread.tasks.length + heir.thread.tasks.length).toBe(4);
    expect(world.output.sort()).toEqual(world.expected);
  });

  it('rejects with a sentence that says what to do when a topic is missing', async () => {
    world = new World();
    const topology = copyTopology().addSink({
      name: 'more',
      topic: 'nowhere',
      key: text,
      value: text,
      parents: ['copy'],
    });
    const { ended } = await world.instance('a', { topology });
    await expect(world.clock.runUntil(ended)).rejects.toThrow(TopologyError);
    await expect(ended).rejects.toThrow('create them first: nowhere');
  });

  it('pauses a partition whose queue is full and resumes it', async () => {
    world = new World();
    await world.instance('a', { config: { maxBufferedRecords: 20, maxRecordsPerTurn: 5 } });
    await world.send(2_000);
    await world.clock.advance(2_000);
    expect(world.output.sort()).toEqual(world.expected);
  });
});
