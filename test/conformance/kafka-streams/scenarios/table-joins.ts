/** Joins of tables by their common key. */
import type { KTable } from '../../../../streams/dsl/api.ts';
import type { StreamsBuilder } from '../../../../streams/dsl/streams-builder.ts';
import { stringSerde } from '../../../../streams/serdes.ts';
import {
  byString,
  byStringLongs,
  long,
  longInput,
  longs,
  pair,
  strings,
  text,
  textInput,
  type Scenario,
} from '../scenario.ts';
import { TUMBLING, windowed } from './windowed.ts';

const values = textInput(['a', 'b', 'x', null]);
const inputs = { left: values, right: values };
const HISTORY_MS = 20;

const left = (builder: StreamsBuilder) => builder.table('left', strings);
const right = (builder: StreamsBuilder) => builder.table('right', strings);

/** Each side first, updates, deletions of what is there and what is not, records out of order. */
const updates = `
  left A a 5
  right A b 3
  right A c 9
  left A d 7
  right B e 1
  left B f 2
  left A ~ 11
  left A ~ 12
  right A g 13
  left A h 10
  right A ~ 14
  right A ~ 15
  left A i 16
  left ~ j 17
  left B ~ 4
  right B ~ 18
  right C ~ 19
  left C ~ 20`;

const out = (table: KTable<string, string>): void => table.toStream().to('out', byString);

const grouped = (table: KTable<string, string>): void =>
  table
    .groupBy((_key, value) => [value.slice(0, 1), value], byString)
    .aggregate(
      () => '>',
      (_key, value, aggregate) => `${aggregate} +${value}`,
      (_key, value, aggregate) => `${aggregate} -${value}`,
      { value: stringSerde },
    )
    .toStream()
    .to('out');

export const tableJoinScenarios: readonly Scenario[] = [
  {
    name: 'table-join',
    description: 'a result as long as both rows are there',
    inputs,
    outputs: { out: text },
    build: (builder) => out(left(builder).join(right(builder), pair)),
    steps: updates,
  },
  {
    name: 'table-left-join',
    description: 'a result as long as the left row is there',
    inputs,
    outputs: { out: text },
    build: (builder) => out(left(builder).leftJoin(right(builder), pair)),
    steps: updates,
  },
  {
    name: 'table-outer-join',
    description: 'a result as long as one of the rows is there',
    inputs,
    outputs: { out: text },
    build: (builder) => out(left(builder).outerJoin(right(builder), pair)),
    steps: updates,
  },
  {
    name: 'table-join-stored',
    description: 'a join with a store, and a filter behind it',
    inputs,
    outputs: { out: text },
    build: (builder) =>
      out(
        left(builder)
          .join(right(builder), pair, { as: 'joined', ...byString })
          .filter((_key, value) => !value.includes('x')),
      ),
    steps: `${updates}
      left D x 30
      right D y 31
      left D z 32`,
  },
  {
    name: 'table-left-join-grouped',
    description: 'the results of a left join, grouped: every update takes the former result out',
    inputs,
    outputs: { out: text },
    build: (builder) => grouped(left(builder).leftJoin(right(builder), pair)),
    steps: updates,
  },
  {
    name: 'table-outer-join-grouped',
    description: 'the results of an outer join, grouped',
    inputs,
    outputs: { out: text },
    build: (builder) => grouped(left(builder).outerJoin(right(builder), pair)),
    steps: updates,
  },
  {
    name: 'table-join-of-joins',
    description: 'a third table joined with a join that has no store',
    inputs: { ...inputs, third: values },
    outputs: { out: text },
    build: (builder) =>
      out(
        left(builder)
          .leftJoin(right(builder), pair)
          .outerJoin(builder.table('third', strings), (both, third) => `${both}/${third}`),
      ),
    steps: `
      left A a 5
      third A t 3
      right A b 9
      third A u 7
      left A ~ 8
      third A ~ 10
      third B v 1
      right B c 2
      left B d 3`,
  },
  {
    name: 'table-join-derived',
    description: 'a filtered table joined with a mapped one, neither with a store of its own',
    inputs,
    outputs: { out: text },
    build: (builder) =>
      out(
        left(builder)
          .filter((_key, value) => !value.startsWith('x'))
          .leftJoin(
            right(builder).mapValues((value) => (value.startsWith('x') ? null : value + value)),
            pair,
          ),
      ),
    steps: `
      left A a 5
      right A b 3
      left A xa 9
      right A c 7
      left A d 2
      right A xc 11
      left B xe 1
      right B f 2
      left B g 4`,
  },
  {
    name: 'table-join-group-sides',
    description: 'two tables of counts, outer joined',
    inputs,
    outputs: { out: text },
    build: (builder) =>
      out(
        builder
          .stream('left', strings)
          .groupByKey()
          .count()
          .outerJoin(builder.stream('right', strings).groupByKey().count(), pair),
      ),
    steps: `
      left A a 5
      right A b 9
      right B c 1
      left A d 7
      left B e 3
      right ~ f 9`,
  },
  windowed({
    name: 'windowed-table-join',
    description: 'two windowed tables, joined window by window',
    key: { windowed: 10 },
    value: 'string',
    inputs: { left: textInput(['a', 'b']), right: textInput(['a', 'b']) },
    table: (builder) =>
      builder
        .stream('left', strings)
        .groupByKey()
        .windowedBy(TUMBLING)
        .count()
        .leftJoin(builder.stream('right', strings).groupByKey().windowedBy(TUMBLING).count(), pair),
    steps: `
      left A a 5
      right A b 9
      right A c 12
      left A d 11
      left A e 8
      right B f 14
      left A g 27
      right A h 26
      right A i 9`,
  }),
  {
    name: 'versioned-table-join',
    description: 'versioned tables are joined by their latest versions; updates of the past make no results',
    inputs: { left: longInput(), right: longInput() },
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('left', longs, { as: 'ours', historyRetentionMs: HISTORY_MS })
        .leftJoin(
          builder.table('right', longs, { as: 'theirs', historyRetentionMs: HISTORY_MS }),
          (one, other) => one * 100 + (other ?? 0),
        )
        .toStream()
        .to('out', byStringLongs),
    steps: `
      left A 1 10
      right A 2 20
      left A 3 5
      right A 4 15
      left A 5 25
      right A ~ 24
      left A ~ 26
      left A 6 22
      right A 7 30`,
  },
];
