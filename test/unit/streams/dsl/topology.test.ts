/**
 * What the DSL makes of its calls: names, topics, their widths, and what it refuses.
 */
import { describe, expect, it, vi } from 'vitest';
import { MemoryBackendFactory, storeSuppliers } from '../../../../state/index.ts';
import {
  CalendarWindows,
  int64Serde,
  JoinWindows,
  StreamsBuilder,
  stringSerde,
  Suppressed,
  TimeWindows,
  timeWindowedSerde,
  type TopologyError,
  type WindowStore,
  TopologyTestDriver,
} from '../../../../streams/index.ts';
import { prepareTopics } from '../../../../streams/internal-topics.ts';
import type { TopicSpec } from '../../../../streams/ports.ts';

const text = { key: stringSerde, value: stringSerde };
const within = JoinWindows.ofTimeDifferenceWithNoGrace(10);
const newBuilder = () => new StreamsBuilder({ stores: storeSuppliers });
const pair = (one: string, other: string): string => one + other;

/** What the application creates on a cluster with these topics. */
async function created(builder: StreamsBuilder, external: Readonly<Record<string, number>>): Promise<TopicSpec[]> {
  const counts = new Map(Object.entries(external));
  const made: TopicSpec[] = [];
  await prepareTopics(
    builder.build().build('app'),
    'app',
    {
      partitionCounts: async (names) => new Map([...counts].filter(([name]) => names.includes(name))),
      createTopics: async (topics) => {
        made.push(...topics);
        for (const { name, partitions } of topics) counts.set(name, partitions);
      },
      close: async () => undefined,
    },
    undefined,
  );
  return made;
}

const widths = async (builder: StreamsBuilder, external: Readonly<Record<string, number>>) =>
  Object.fromEntries((await created(builder, external)).map(({ name, partitions }) => [name, partitions]));

describe('internal topics', () => {
  it('have the names that are given, however many operators are put in before them [INV-STABLE-NAMES]', async () => {
    const named = (extra: boolean): StreamsBuilder => {
      const builder = newBuilder();
      let stream = builder.stream('in', text);
      if (extra) stream = stream.filter(() => true).mapValues((value) => value);
      const other = builder.stream('other', text);
      stream.groupBy((_key, value) => value, { ...text, name: 'by-value' }).count({ as: 'counts' });
      stream
        .selectKey((_key, value) => value)
        .join(other, pair, within, { ...text, otherValue: stringSerde, name: 'pairs', as: 'pair-stores' });
      builder
        .table('rows', text, { as: 'rows' })
        .groupBy((key, value) => [value, key], { ...text, name: 'rows-by-value' })
        .count({ as: 'row-counts' });
      return builder;
    };
    const external = { in: 2, other: 2, rows: 2 };
    const names = Object.keys(await widths(named(false), external)).sort();
    expect(names).toEqual([
      'app-by-value-repartition',
      'app-counts-changelog',
      'app-pair-stores-other-join-store-changelog',
      'app-pair-stores-this-join-store-changelog',
      'app-pairs-left-repartition',
      'app-row-counts-changelog',
      'app-rows-by-value-repartition',
      'app-rows-changelog',
    ]);
    expect(Object.keys(await widths(named(true), external)).sort()).toEqual(names);
  });

  it('are as wide as the topics they are read with, else as their writers, else as declared', async () => {
    const builder = newBuilder();
    const wide = builder.stream('wide', text);
    const narrow = builder.stream('narrow', text);
    wide
      .selectKey((_key, value) => value)
      .join(narrow, pair, within, { ...text, otherValue: stringSerde, name: 'met' });
    wide.groupBy((_key, value) => value, { ...text, name: 'written' }).count({ as: 'counts' });
    narrow.repartition({ name: 'declared', partitions: 7 }).groupByKey().count({ as: 'more' });
    const found = await widths(builder, { wide: 6, narrow: 3 });
    expect(found['app-met-left-repartition']).toBe(3);
    expect(found['app-written-repartition']).toBe(6);
    expect(found['app-declared-repartition']).toBe(7);
    expect(found['app-counts-changelog']).toBe(6);
    expect(found['app-more-changelog']).toBe(7);
  });

  it('are none for a store without a changelog, and keep windows for as long as they are asked for', async () => {
    const builder = newBuilder();
    builder.stream('in', text).groupByKey().count({ as: 'plain', logging: false });
    builder
      .stream('in2', text)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .count({ as: 'windows', retentionMs: 100, changelogConfig: { 'segment.ms': '1000' } });
    const [windows, ...others] = await created(builder, { in: 1, in2: 1 });
    expect(others).toEqual([]);
    expect(windows).toMatchObject({
      name: 'app-windows-changelog',
      config: { 'cleanup.policy': 'compact,delete', 'retention.ms': String(100 + 86_400_000), 'segment.ms': '1000' },
    });
  });
});

describe('co-partitioning', () => {
  it('is required of what is joined, and the error says of which topics', async () => {
    const builder = newBuilder();
    builder.stream('orders', text).join(builder.table('customers', text), pair);
    await expect(created(builder, { orders: 4, customers: 3 })).rejects.toThrow(
      'Topics that are read together need the same number of partitions, so that equal keys meet in one task: ' +
        'orders (4), customers (3).',
    );
  });

  it('is not required of a global table, nor of a foreign key', async () => {
    const builder = newBuilder();
    const names = builder.globalTable('names', text);
    builder
      .stream('orders', text)
      .join(names, (key) => key, pair)
      .to('out', text);
    builder
      .table('vans', text)
      .join(builder.table('drivers', text), (value) => value, pair, { name: 'fk', value: stringSerde });
    await expect(created(builder, { orders: 4, names: 1, out: 1, vans: 2, drivers: 5 })).resolves.toBeDefined();
  });
});

describe('the builder', () => {
  it.each([
    [
      'a serde that nobody gave',
      (b: StreamsBuilder) =>
        b
          .stream('in', text)
          .mapValues((value) => value.length)
          .to('out'),
      'SERDE_MISSING',
    ],
    [
      'a retention that is shorter than windows take records',
      (b: StreamsBuilder) =>
        b.stream('in', text).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(10, 5)).count({ retentionMs: 14 }),
      'TOPOLOGY_INVALID',
    ],
    [
      'a topic that is read with different serdes',
      (b: StreamsBuilder) => [b.stream('in', text), b.stream('in', { key: stringSerde, value: int64Serde })],
      'TOPOLOGY_INVALID',
    ],
    [
      'a name that is given twice',
      (b: StreamsBuilder) =>
        b
          .stream('in', text)
          .filter(() => true, { name: 'f' })
          .filter(() => true, { name: 'f' }),
      'TOPOLOGY_INVALID',
    ],
  ] as const)('refuses %s', (_, calls, code) => {
    const put = (): unknown => {
      const builder = newBuilder();
      calls(builder);
      return builder.build().build('app');
    };
    expect(put).toThrow(expect.objectContaining({ code }) as TopologyError);
  });
});

describe('TopologyTestDriver', () => {
  it('pipes records at times of its own, and shows outputs, stores and their names', async () => {
    const builder = newBuilder();
    builder.stream('in', text).groupByKey().count({ as: 'counts' }).toStream().to('out', { value: int64Serde });
    builder.globalTable('global', text, { as: 'everywhere' });
    const driver = await TopologyTestDriver.start({
      topology: builder.build(),
      stateFactory: new MemoryBackendFactory(),
      startTimeMs: 50,
    });
    const input = driver.inputTopic('in', stringSerde, stringSerde, { startTimeMs: 1_000, autoAdvanceMs: 10 });
    const output = driver.outputTopic('out', stringSerde, int64Serde);
    await input.pipeAll([
      ['a', '1'],
      ['b', '2'],
      ['a', '3', 7_000],
    ]);
    input.advanceTime(100);
    await input.pipe('b', '4');
    expect((await output.read()).map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual([
      ['a', 1, 1_000],
      ['b', 1, 1_010],
      ['a', 2, 7_000],
      ['b', 2, 1_120],
    ]);
    await driver.inputTopic('in', stringSerde, stringSerde).pipeAll([
      ['a', '5'],
      ['a', '6'],
    ]);
    expect(await output.readToMap()).toEqual(new Map([['a', 4]]));
    expect(await output.readKeyValues()).toEqual([]);
    expect([...driver.stores().keys()].sort()).toEqual(['counts', 'everywhere']);
    expect(() => driver.store('nothing')).toThrow(/there are: everywhere, counts/);
    expect(() => driver.inputTopic('in', stringSerde, stringSerde).advanceTime(1)).toThrow(/start time/);
    await driver.close();
  });
});

describe('windows of a calendar', () => {
  it('take records out of order until their grace is over, on the day of 25 hours too, over a restart', async () => {
    const days = CalendarWindows.of({ unit: 'day', timeZone: 'Europe/Berlin', graceMs: 3_600_000 });
    const builder = newBuilder();
    builder
      .stream('trips', text)
      .groupByKey()
      .windowedBy(days)
      .count({ as: 'per-day' })
      .suppress(Suppressed.untilWindowCloses())
      .toStream()
      .to('out', { value: int64Serde });
    const driver = await TopologyTestDriver.start({
      topology: builder.build(),
      stateFactory: new MemoryBackendFactory(),
    });
    const input = driver.inputTopic('trips', stringSerde, stringSerde);
    const output = driver.outputTopic('out', timeWindowedSerde(stringSerde, days), int64Serde);
    const at = (time: string): number => Date.parse(time);
    await input.pipe('van', '1', { timestampMs: at('2026-10-25T23:30:00+01:00') });
    await input.pipe('van', '2', { timestampMs: at('2026-10-26T00:30:00+01:00') });
    await input.pipe('van', '3', { timestampMs: at('2026-10-25T02:30:00+02:00') });
    await driver.restart();
    await input.pipe('van', '4', { timestampMs: at('2026-10-25T02:30:00+01:00') });
    expect(await output.read()).toEqual([]);
    await input.pipe('van', '5', { timestampMs: at('2026-10-26T01:00:00+01:00') });
    await input.pipe('van', 'late', { timestampMs: at('2026-10-25T23:59:00+01:00') });
    expect(await output.readKeyValues()).toEqual([
      [{ key: 'van', window: { startMs: at('2026-10-25T00:00:00+02:00'), endMs: at('2026-10-26T00:00:00+01:00') } }, 3],
    ]);
    await driver.close();
  });
});

describe('foreach', () => {
  it('sees each record once and sends nothing on', async () => {
    const builder = newBuilder();
    const seen: string[] = [];
    builder.stream('in', text).foreach((key, value) => void seen.push(`${key}=${value}`));
    const driver = await TopologyTestDriver.start({
      topology: builder.build(),
      stateFactory: new MemoryBackendFactory(),
    });
    await driver.inputTopic('in', stringSerde, stringSerde).pipeAll([
      ['a', '1'],
      ['a', '2'],
    ]);
    expect(seen).toEqual(['a=1', 'a=2']);
    await driver.close();
  });
});

describe('final results', () => {
  it('cost a look at the windows when one of them closes, not with every record', async () => {
    const builder = newBuilder();
    builder
      .stream('in', text)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(1_000, 100).advanceBy(500))
      .emitStrategy('on-window-close')
      .count({ as: 'counts' })
      .toStream()
      .to('out', { value: int64Serde });
    const driver = await TopologyTestDriver.start({
      topology: builder.build(),
      stateFactory: new MemoryBackendFactory(),
    });
    const looks = vi.spyOn(driver.store<WindowStore<string, unknown>>('counts'), 'fetchAll');
    const input = driver.inputTopic('in', stringSerde, stringSerde, { startTimeMs: 0, autoAdvanceMs: 10 });
    await input.pipeAll(Array.from({ length: 215 }, (_, number) => [`k${number % 3}`, '']));
    // Windows end at 1000, 1500 and 2000; a tenth of a second later they take no more records.
    expect(looks).toHaveBeenCalledTimes(3);
    const windows = timeWindowedSerde(stringSerde, TimeWindows.ofSizeWithNoGrace(1_000));
    const results = await driver.outputTopic('out', windows, int64Serde).readKeyValues();
    expect(results).toHaveLength(3 * 3);
    expect(results.reduce((sum, [, count]) => sum + count, 0)).toBe(300);
    await driver.close();
  });
});
