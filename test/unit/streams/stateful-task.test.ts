import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../../state/rocksdb-factory.ts';
import { keyValueStore, timerStore } from '../../../state/stores.ts';
import type { StateBackendFactory } from '../../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../../streams/serdes.ts';
import type { KeyValueStore, TimerStore } from '../../../streams/state-store.ts';
import { TopologyTestDriver } from '../../../streams/testing/topology-test-driver.ts';
import { Topology } from '../../../streams/topology.ts';

const CLOSE_AFTER_MS = 1_000;

/** Counts per key and closes a key a while after its first record: says `key=count` and `key closed`. */
class Counting implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #counts!: KeyValueStore<string, number>;
  #timers!: TimerStore<string>;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#counts = context.getStateStore('counts');
    this.#timers = context.getStateStore('closing');
    context.onDue<string, number>('closing', (key, _, dueMs) => {
      this.#timers.cancel(key);
      this.#counts.delete(key);
      context.forward({ key, value: `${key} closed`, timestampMs: dueMs });
    });
  }

  process({ key, value, timestampMs }: { key: string; value: string; timestampMs: number }): void {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.put(key, count);
    if (count === 1) this.#timers.schedule(key, timestampMs + CLOSE_AFTER_MS);
    this.#context.forward({ key, value: `${key}=${count}`, timestampMs });
    if (value === 'bad') throw new Error('after the count was written');
  }
}

const topology = () =>
  new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'count', supplier: () => new Counting(), parents: ['in'] })
    .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count'])
    .addStateStore(timerStore({ name: 'closing', key: stringKey }), ['count'])
    .addSink({ name: 'out', topic: 'output', key: stringSerde, value: stringSerde, parents: ['count'] });

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

const rocksDb = async (): Promise<StateBackendFactory> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'stateful-task-'));
  directories.push(stateDir);
  return new RocksDbBackendFactory({ stateDir });
};

describe.each([
  ['in-memory', async (): Promise<StateBackendFactory> => new MemoryBackendFactory()],
  ['RocksDB', rocksDb],
])('a stateful StreamTask on the %s backend', (_, makeFactory) => {
  const start = async (more = {}) => {
    const stateFactory = await makeFactory();
    const driver = await TopologyTestDriver.start({ topology: topology(), stateFactory, ...more });
    const input = driver.inputTopic('input', stringSerde, stringSerde);
    const output = driver.outputTopic('output', stringSerde, stringSerde);
    const values = async () => (await output.read()).map(({ value }) => value);
    return { driver, input, output, values };
  };

  it('goes on with its state after a restart [INV-COMMIT-ORDER]', async () => {
    const { driver, input, values } = await start();
    await input.pipe('a', 'x', { timestampMs: 1 });
    await input.pipe('a', 'x', { timestampMs: 2 });
    await driver.restart();
    await input.pipe('a', 'x', { timestampMs: 3 });
    expect(await values()).toEqual(['a=1', 'a=2', 'a=3']);
    await driver.close();
  });

  it('restores its state from the changelogs where the disk has nothing [INV-RESTORE]', async () => {
    const first = await start();
    await first.input.pipe('a', 'x', { timestampMs: 1 });
    await first.input.pipe('b', 'x', { timestampMs: 2 });
    await first.driver.close();
    const { driver, input, output } = await start({ log: first.driver });
    await input.pipe('a', 'x', { timestampMs: 3 });
    await driver.advanceWallClock(10 * CLOSE_AFTER_MS);
    expect((await output.read()).map(({ value }) => value)).toEqual(['a=1', 'b=1', 'a=2', 'a closed', 'b closed']);
    await driver.close();
  });

  it("takes a failing record's store writes and timers back with its output [INV-ATOMIC-RECORD]", async () => {
    const { driver, input, values } = await start();
    await input.pipe('a', 'bad', { timestampMs: 1 });
    await input.pipe('a', 'x', { timestampMs: 500 });
    expect(await values()).toEqual(['a=1']);
    await driver.advanceWallClock(CLOSE_AFTER_MS + 499);
    expect(await values()).toEqual([]);
    await driver.advanceWallClock(1);
    expect(await values()).toEqual(['a closed']);
    await driver.close();
  });

  it('fires timers before any record with a later time, with their due time, and by the clock when drained [INV-TIMER-ORDER]', async () => {
    const { driver, input, output } = await start({ startTimeMs: 1_000_000 });
    await input.pipe('a', 'x', { timestampMs: 0 });
    await input.pipe('b', 'x', { timestampMs: 10 });
    expect((await output.read()).map(({ value, timestampMs }) => [value, timestampMs])).toEqual([
      ['a=1', 0],
      ['a closed', 1_000],
      ['b=1', 10],
      ['b closed', 1_010],
    ]);
    await driver.close();
  });

  it('fires the same timers at the same places when the same backlog is replayed [INV-REPLAY]', async () => {
    const backlog = [
      ['a', 0],
      ['b', 400],
      ['a', 1_000],
      ['c', 1_001],
      ['b', 1_399],
      ['b', 3_000],
    ] as const;
    const replay = async () => {
      const { driver, output } = await start({ startTimeMs: 2_000 });
      const producer = driver.log.client('backlog').plainProducer();
      const bytes = (text: string) => new TextEncoder().encode(text);
      await producer.send(
        backlog.map(([key, timestampMs]) => ({ topic: 'input', key: bytes(key), value: bytes('x'), timestampMs })),
      );
      await driver.run();
      const values = (await output.read()).map(({ value }) => value);
      await driver.close();
      return values;
    };
    const values = await replay();
    // The clock stands at 2,000: what is due later waits for it, though the last record's own time is past that.
    expect(values).toEqual(['a=1', 'b=1', 'a=2', 'a closed', 'c=1', 'b=2', 'b closed', 'b=1']);
    expect(await replay()).toEqual(values);
  });
});
