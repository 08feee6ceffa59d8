/**
 * Types flow through the DSL: what is wrong does not typecheck. Each `@ts-expect-error` is a mistake that `npm run check:types`
 * must find; where it does not, the expectation itself becomes an error. The topologies are put together too, so that the right
 * lines between the wrong ones are known to be right.
 */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { stringKey, keyValueStore, storeSuppliers } from '../../../../state/index.ts';
import {
  int64Serde,
  JoinWindows,
  jsonSerde,
  nullable,
  SessionWindows,
  StreamsBuilder,
  stringSerde,
  Suppressed,
  TimeWindows,
  timeWindowedSerde,
  type TopologyTestDriver,
  type FixedKeyProcessor,
  type KGroupedStream,
  type KStream,
  type KTable,
  type Processor,
  type Windowed,
} from '../../../../streams/index.ts';

interface Order {
  readonly customer: string;
  readonly amount: number;
}

const text = { key: stringSerde, value: stringSerde };
const longs = { key: stringSerde, value: int64Serde };
const order = jsonSerde<Order>();
const tumbling = TimeWindows.ofSizeWithNoGrace(10);
const within = JoinWindows.ofTimeDifferenceWithNoGrace(10);
const append = (one: string, other: string): string => one + other;

/** A new builder with a stream of orders. */
function orders(): { builder: StreamsBuilder; stream: KStream<string, Order> } {
  const builder = new StreamsBuilder({ stores: storeSuppliers });
  return { builder, stream: builder.stream('orders', { key: stringSerde, value: order }) };
}

/** Calls that are never made: only their types count. */
const neverRun = (_calls: () => void): void => undefined;

describe('the types of the DSL', () => {
  it('carry keys and values from one operator to the next', () => {
    const { stream } = orders();
    expectTypeOf(stream.mapValues(({ amount }) => amount)).toEqualTypeOf<KStream<string, number>>();
    expectTypeOf(stream.map((_key, { customer, amount }) => [amount, customer])).toEqualTypeOf<
      KStream<number, string>
    >();
    expectTypeOf(stream.selectKey((_key, { amount }) => amount)).toEqualTypeOf<KStream<number, Order>>();
    expectTypeOf(stream.flatMapValues(({ customer }) => [customer.length])).toEqualTypeOf<KStream<string, number>>();
    expectTypeOf(stream.groupBy((_key, { amount }) => amount, { key: int64Serde })).toEqualTypeOf<
      KGroupedStream<number, Order>
    >();
    expectTypeOf(stream.groupByKey().count()).toEqualTypeOf<KTable<string, number>>();
    expectTypeOf(stream.groupByKey().windowedBy(tumbling).count()).toEqualTypeOf<KTable<Windowed<string>, number>>();
    expectTypeOf(stream.groupByKey().count().toStream()).toEqualTypeOf<KStream<string, number | null>>();
  });

  it('narrow a stream by a predicate that is a guard', () => {
    const { builder } = orders();
    const maybe = builder.stream('maybe', { key: stringSerde, value: nullable(stringSerde) });
    const there = maybe.filter((_key, value): value is string => value !== null);
    expectTypeOf(there).toEqualTypeOf<KStream<string, string>>();
  });

  it('refuse a wrong serde', () => {
    const { builder, stream } = orders();
    neverRun(() => {
      // @ts-expect-error the values are orders
      stream.to('out', { value: stringSerde });
      // @ts-expect-error the keys are texts
      stream.to('out', { key: int64Serde });
      // @ts-expect-error the new keys are numbers
      stream.groupBy((_key, { amount }) => amount, { key: stringSerde });
      // @ts-expect-error the values are orders
      stream.groupByKey({ value: int64Serde });
      // @ts-expect-error a count is a number
      stream.groupByKey().count({ value: stringSerde });
      stream.groupByKey().aggregate(
        () => '',
        (_key, { customer }, all) => all + customer,
        // @ts-expect-error the aggregate is a text
        { value: int64Serde },
      );
      stream
        .groupByKey()
        .windowedBy(tumbling)
        // @ts-expect-error the store of a windowed table has the keys without their windows
        .count({ key: timeWindowedSerde(stringSerde, tumbling) });
      // @ts-expect-error the values are orders
      stream.repartition({ value: stringSerde });
      // @ts-expect-error the values are orders
      stream.toTable({ value: stringSerde });
      // @ts-expect-error the mapped values are numbers
      builder.table('rows', text).mapValues((value) => value.length, { value: stringSerde });
      // @ts-expect-error the store is for texts
      builder.table('rows', text, { value: int64Serde });
      // @ts-expect-error the other stream has texts
      stream.join(builder.stream('other', text), (one) => one, within, { otherValue: int64Serde });
    });
    expect(builder.build()).toBeDefined();
  });

  it('refuse joins of different keys, and joiners of other values', () => {
    const { builder, stream } = orders();
    const byNumber = builder.stream('numbers', { key: int64Serde, value: stringSerde });
    const table = builder.table('rows', text);
    const numbered = builder.table('numbered', { key: int64Serde, value: stringSerde });
    const global = builder.globalTable('global', { key: int64Serde, value: stringSerde });
    neverRun(() => {
      // @ts-expect-error the keys differ
      stream.join(byNumber, (one) => one, within);
      // @ts-expect-error the keys differ
      stream.leftJoin(numbered, (one) => one);
      // @ts-expect-error the keys differ
      table.join(numbered, append);
      // @ts-expect-error the keys differ
      stream.merge(byNumber);
      // @ts-expect-error the table's value may be missing
      stream.leftJoin(table, (_order, value) => value.length);
      // @ts-expect-error each side may be missing
      table.outerJoin(builder.table('more', text), append);
      // @ts-expect-error the foreign key is a number
      table.join(numbered, (value) => value, append);
      // @ts-expect-error the global table's keys are numbers
      stream.join(
        global,
        (_key, { customer }) => customer,
        (one) => one,
      );
      // @ts-expect-error a join of streams has a window
      stream.join(builder.stream('other', text), (one) => one);
      stream
        .groupByKey()
        .cogroup((_key, _value, all: string) => all)
        // @ts-expect-error the streams of a cogroup have the same keys
        .cogroup(byNumber.groupByKey(), (_key, value) => value);
    });
    expectTypeOf(stream.join(table, ({ amount }, name) => ({ amount, name }))).toEqualTypeOf<
      KStream<string, { amount: number; name: string }>
    >();
    expectTypeOf(stream.leftJoin(table, (_order, name) => name)).toEqualTypeOf<KStream<string, string | null>>();
    expectTypeOf(table.join(numbered, ({ length }) => length, append)).toEqualTypeOf<KTable<string, string>>();
    expectTypeOf(
      stream.join(
        global,
        (_key, { amount }) => amount,
        (_order, name) => name,
      ),
    ).toEqualTypeOf<KStream<string, string>>();
  });

  it('refuse what does not fit the kind of table or window', () => {
    const { builder, stream } = orders();
    const table = builder.table('rows', text);
    const windowed = stream.groupByKey().windowedBy(tumbling).count();
    neverRun(() => {
      // @ts-expect-error there are no windows to wait for
      table.suppress(Suppressed.untilWindowCloses());
      stream
        .groupByKey()
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5))
        .aggregate(
          () => 0,
          () => 1,
          // @ts-expect-error sessions are merged, so aggregating them takes a merger
          {},
        );
      // @ts-expect-error an update of a grouped table is taken out again, so reducing it takes two functions
      table.groupBy((key, value) => [key, value]).reduce(append);
      // @ts-expect-error a reducer answers what it was given
      stream.groupByKey().reduce(({ amount }) => amount);
      // @ts-expect-error retention belongs to windows
      stream.groupByKey().count({ retentionMs: 5 });
      // @ts-expect-error a branch takes a predicate
      stream.split().branch('left');
    });
    expectTypeOf(windowed.suppress(Suppressed.untilWindowCloses())).toEqualTypeOf<typeof windowed>();
  });

  it('refuse processors of other records', () => {
    const { builder, stream } = orders();
    const lengths = (): Processor<string, string, string, number> => ({ process: () => undefined });
    const amounts = (): FixedKeyProcessor<string, Order, number> => ({ process: () => undefined });
    builder.addStateStore(keyValueStore({ name: 'store', key: stringKey, value: int64Serde }));
    neverRun(() => {
      // @ts-expect-error the processor takes texts
      stream.process(lengths);
      // @ts-expect-error the values that come out are numbers
      stream.processValues(amounts, { stores: ['store'] }).to('out', text);
      // @ts-expect-error the codec is for texts
      keyValueStore<number, number>({ name: 'other', key: stringKey, value: int64Serde });
    });
    expectTypeOf(stream.processValues(amounts)).toEqualTypeOf<KStream<string, number>>();
  });

  it('refuse records of a wrong type in the test driver', () => {
    neverRun(() => {
      const driver = {} as TopologyTestDriver;
      // @ts-expect-error the input takes texts
      void driver.inputTopic('in', stringSerde, stringSerde).pipe('key', 5);
      // @ts-expect-error the input takes text keys
      void driver.inputTopic('in', stringSerde, int64Serde).pipeAll([[1, 5]]);
    });
    const { builder, stream } = orders();
    stream.mapValues(({ amount }) => amount).to('amounts', longs);
    expect(builder.build()).toBeDefined();
  });
});
