import { afterEach, describe, expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { keyValueStore } from '../../../state/stores.ts';
import { streamsConfig } from '../../../streams/config.ts';
import { StateCorruptedError } from '../../../streams/errors.ts';
import type { StateBackend, StateBackendFactory } from '../../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../../streams/serdes.ts';
import type { KeyValueStore } from '../../../streams/state-store.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { StreamThread } from '../../../streams/thread.ts';
import { Topology } from '../../../streams/topology.ts';

const PARTITIONS = 3;
const KEYS = 12;

/** Task state of which a part may be damaged: it opens, and whatever is read or written then fails, until it is destroyed. */
class DamagedDisk implements StateBackendFactory {
  readonly destroyed: string[] = [];
  readonly #states = new MemoryBackendFactory();
  readonly #damaged = new Set<string>();

  damage(taskId: string): void {
    this.#damaged.add(taskId);
  }

  async open(taskId: string): Promise<StateBackend> {
    const backend = await this.#states.open(taskId);
    const refuse = (): never => {
      throw new StateCorruptedError('STATE_CORRUPTED', `The state of ${taskId} is damaged.`);
    };
    if (!this.#damaged.has(taskId)) return backend;
    return {
      keySpace: (name) => ({ ...backend.keySpace(name), name, get: refuse, getMany: refuse, range: refuse }),
      batch: () => backend.batch(),
      write: refuse,
      position: (partition) => backend.position(partition),
      wipe: refuse,
      stats: () => ({}),
      close: () => backend.close(),
    };
  }

  async destroy(taskId: string): Promise<void> {
    await this.#states.destroy(taskId);
    this.#damaged.delete(taskId);
    this.destroyed.push(taskId);
  }

  list(): Promise<readonly string[]> {
    return this.#states.list();
  }
}

class Counting implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #counts!: KeyValueStore<string, number>;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#counts = context.getStateStore('counts');
  }

  process({ key, timestampMs }: { key: string; timestampMs: number }): void {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.put(key, count);
    this.#context.forward({ key, value: `${key}=${count}`, timestampMs });
  }
}

const topology = new Topology()
  .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
  .addProcessor({ name: 'count', supplier: () => new Counting(), parents: ['in'] })
  .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count'])
  .addSink({
    name: 'out',
    topic: 'output',
    key: stringSerde,
    value: stringSerde,
    parents: ['count'],
    partitioner: (_, partition) => partition,
  })
  .build('app');

describe('a task whose state on disk is damaged', () => {
  const clock = new VirtualClock(1_000_000);
  const log = new InMemoryLog({ clock });
  const disk = new DamagedDisk();
  let thread: StreamThread | undefined;
  let ended: Promise<void> = Promise.resolve();
  let sent = 0;

  afterEach(() => stop());

  const start = async (stateFactory: StateBackendFactory): Promise<void> => {
    thread = new StreamThread({
      name: 'instance',
      topology,
      config: streamsConfig({ applicationId: 'app' }),
      client: log.client('instance'),
      stateFactory,
      globalBackend: await new MemoryBackendFactory().open('global'),
      clock,
      metrics: silentMetrics,
      logger: silentLogger,
    });
    ended = thread.run();
    ended.catch(() => undefined);
  };

  const stop = async (): Promise<void> => {
    thread?.stop();
    await clock.runUntil(ended);
  };

  const send = async (count: number): Promise<void> => {
    const records = Array.from({ length: count }, () => {
      const index = sent++;
      const key = Buffer.from(`key-${index % KEYS}`);
      return { topic: 'input', partition: index % PARTITIONS, key, value: Buffer.from('x'), timestampMs: clock.now() };
    });
    await clock.runUntil(log.client('test').plainProducer().send(records));
    await clock.advance(1_000);
  };

  const outputs = (): string[] =>
    Array.from({ length: PARTITIONS }, (_, partition) => log.records({ topic: 'output', partition }))
      .flat()
      .map(({ value }) => Buffer.from(value ?? []).toString())
      .sort();

  const expected = (): string[] =>
    Array.from({ length: sent }, (_, index) => `key-${index % KEYS}=${Math.floor(index / KEYS) + 1}`).sort();

  it('is rebuilt from its changelog, it alone, when the damage shows while it catches up [INV-REBUILD-ALONE]', async () => {
    for (const name of ['input', 'output']) log.createTopics([{ name, partitions: PARTITIONS, config: {} }]);
    await start(disk);
    await send(60);
    await stop();
    // Somebody else goes on, so that the state must catch up when it is opened here again.
    await start(new MemoryBackendFactory());
    await send(60);
    await stop();
    disk.damage('0_1');
    await start(disk);
    await send(60);
    expect(outputs()).toEqual(expected());
    expect(disk.destroyed).toEqual(['0_1']);
  });

  it('is rebuilt from its changelog, it alone, when the damage shows at work [INV-REBUILD-ALONE]', async () => {
    await start(disk);
    await send(60);
    await stop();
    disk.damage('0_2');
    await start(disk);
    await send(60);
    expect(outputs()).toEqual(expected());
    expect(disk.destroyed).toEqual(['0_1', '0_2']);
  });
});
