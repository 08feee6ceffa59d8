import { describe, expect, it } from 'vitest';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import type { Serde } from '../../../streams/serde.ts';
import { TopologyTestDriver } from '../../../streams/testing/topology-test-driver.ts';
import { Topology } from '../../../streams/topology.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';

const text: Serde<string> = {
  serialize: (_, data) => new TextEncoder().encode(data),
  deserialize: (_, data) => new TextDecoder().decode(data ?? new Uint8Array()),
};

type Context = ProcessorContext<string, string>;
type TextProcessor = Processor<string, string, string, string>;

const topologyOf = (make: () => TextProcessor) =>
  new Topology()
    .addSource({ name: 'in', topics: ['input'], key: text, value: text })
    .addProcessor({ name: 'work', supplier: make, parents: ['in'] })
    .addSink({ name: 'out', topic: 'output', key: text, value: text, parents: ['work'] });

const start = (make: () => TextProcessor, more = {}) =>
  TopologyTestDriver.start({ topology: topologyOf(make), stateFactory: new MemoryBackendFactory(), ...more });

const upperCase = (): TextProcessor => {
  let context: Context;
  return {
    init: (given) => (context = given),
    process: ({ value, ...record }) => {
      context.forward({ ...record, value: `${value}-1` });
      if (value === 'bad') throw new Error('no such word');
      context.forward({ ...record, value: value.toUpperCase() });
    },
  };
};

describe('StreamTask', () => {
  it('forwards records to the sink within the transaction that commits their input', async () => {
    const driver = await start(upperCase);
    await driver.inputTopic('input', text, text).pipe('k', 'word', { timestampMs: 7 });
    const records = await driver.outputTopic('output', text, text).read();
    expect(records.map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual([
      ['k', 'word-1', 7],
      ['k', 'WORD', 7],
    ]);
    expect(driver.log.committedOffset('test', { topic: 'input', partition: 0 })).toBe(1);
    await driver.close();
  });

  it('takes back what a failing record sent before it failed, and keeps the record whole in the dead letters [INV-ATOMIC-RECORD]', async () => {
    const driver = await start(upperCase);
    const input = driver.inputTopic('input', text, text);
    const headers = [['trace', new TextEncoder().encode('t1')]] as const;
    await input.pipe('k', 'bad', { timestampMs: 3, headers });
    await input.pipe('k', 'good');
    expect((await driver.outputTopic('output', text, text).read()).map(({ value }) => value)).toEqual([
      'good-1',
      'GOOD',
    ]);
    const letters = await driver.outputTopic('dead-letters', text, text).read();
    expect(letters.map(({ key, value }) => [key, value])).toEqual([['k', 'bad']]);
    const about = Object.fromEntries(
      (letters[0]?.headers ?? []).map(([name, value]) => [name, text.deserialize('', value)]),
    );
    expect(about).toMatchObject({
      trace: 't1',
      '__streams.errors.stage': 'processing',
      '__streams.errors.code': 'PROCESSING_FAILED',
      '__streams.errors.message': 'Processing failed: no such word',
      '__streams.errors.topic': 'input',
      '__streams.errors.offset': '0',
    });
    await driver.close();
  });

  it('stops in front of a record when its handler says fail', async () => {
    const errorHandlers = { deserialization: () => 'fail', processing: () => 'fail', production: () => 'fail' };
    const driver = await start(upperCase, { config: { errorHandlers } });
    await expect(driver.inputTopic('input', text, text).pipe('k', 'bad')).rejects.toThrow(
      'Stopped in front of input-0 at offset 0',
    );
    expect(driver.log.committedOffset('test', { topic: 'input', partition: 0 })).toBeUndefined();
  });

  it('punctuates by stream time with the first record and by wall clock after an interval', async () => {
    const make = (): TextProcessor => ({
      init: (context) => {
        const say = (what: string) => (timestampMs: number) =>
          context.forward({ key: what, value: String(timestampMs), timestampMs });
        context.schedule(10, 'stream-time', say('stream'));
        context.schedule(100, 'wall-clock', say('wall'));
      },
      process: () => undefined,
    });
    const driver = await start(make, { startTimeMs: 1_000 });
    const input = driver.inputTopic('input', text, text);
    await input.pipe('k', 'a', { timestampMs: 5 });
    await input.pipe('k', 'b', { timestampMs: 8 });
    await input.pipe('k', 'c', { timestampMs: 47 });
    await driver.advanceWallClock(99);
    await driver.advanceWallClock(1);
    const records = await driver.outputTopic('output', text, text).read();
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      ['stream', '5'],
      ['stream', '47'],
      ['wall', '1100'],
    ]);
    await driver.close();
  });

  it('goes on behind the last commit after a restart, neither losing nor repeating a record [INV-EXACTLY-ONCE]', async () => {
    const driver = await start(upperCase);
    const input = driver.inputTopic('input', text, text);
    await input.pipe('k', 'one');
    await driver.restart();
    await input.pipe('k', 'two');
    const values = (await driver.outputTopic('output', text, text).read()).map(({ value }) => value);
    expect(values).toEqual(['one-1', 'ONE', 'two-1', 'TWO']);
    await driver.close();
  });

  it('runs sub-topologies that feed each other until nothing is left to do', async () => {
    const topology = topologyOf(upperCase)
      .addSource({ name: 'again', topics: ['output'], key: text, value: text })
      .addSink({ name: 'copy', topic: 'final', key: text, value: text, parents: ['again'] });
    const driver = await TopologyTestDriver.start({ topology, stateFactory: new MemoryBackendFactory() });
    await driver.inputTopic('input', text, text).pipe('k', 'word');
    expect((await driver.outputTopic('final', text, text).read()).map(({ value }) => value)).toEqual([
      'word-1',
      'WORD',
    ]);
    await driver.close();
  });

  it('sends records on by another key through a repartition topic that it makes itself', async () => {
    const topology = new Topology()
      .addRepartitionTopic('by-value')
      .addSource({ name: 'in', topics: ['input'], key: text, value: text })
      .addProcessor({
        name: 'rekey',
        supplier: () => {
          let context: Context;
          return {
            init: (given: Context) => (context = given),
            process: ({ value, ...rest }) => context.forward({ ...rest, key: value, value }),
          } satisfies TextProcessor;
        },
        parents: ['in'],
      })
      .addSink({ name: 'to', topic: 'by-value', key: text, value: text, parents: ['rekey'] })
      .addSource({ name: 'from', topics: ['by-value'], key: text, value: text })
      .addSink({ name: 'out', topic: 'output', key: text, value: text, parents: ['from'] });
    const driver = await TopologyTestDriver.start({
      topology,
      stateFactory: new MemoryBackendFactory(),
      partitions: 3,
    });
    const input = driver.inputTopic('input', text, text);
    for (const value of ['x', 'y', 'z', 'x']) await input.pipe(`key-${value}`, value);
    const records = await driver.outputTopic('output', text, text).read();
    expect(records.map(({ key }) => key).sort()).toEqual(['x', 'x', 'y', 'z']);
    expect(driver.log.committedOffset('test', { topic: 'test-by-value-repartition', partition: 0 })).toBeDefined();
    await driver.close();
  });
});
