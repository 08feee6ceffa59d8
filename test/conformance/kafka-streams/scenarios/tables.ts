/** Tables, what is worked out of them, and their aggregates. */
import { stringSerde } from '../../../../streams/serdes.ts';
import {
  byString,
  byStringLongs,
  long,
  longInput,
  longs,
  strings,
  text,
  textInput,
  type Scenario,
} from '../scenario.ts';

const texts = { in: textInput(['a', 'b', 'ax', null]) };
const numbers = { in: longInput([1, 5, 12, 20, 95, null]) };
const HISTORY_MS = 20;

const rows = `
  in A 1 1
  in A 12 2
  in A 15 1
  in A 3 5
  in A 4 6
  in B ~ 7
  in B 20 3
  in ~ 30 4
  in B ~ 9
  in B ~ 10
  in A 95 8
  in A 13 11
  in C 2 12`;

const add = (sum: number, value: number): number => sum + value;
const subtract = (sum: number, value: number): number => sum - value;

export const tableScenarios: readonly Scenario[] = [
  {
    name: 'table',
    description: 'a table sends each update on, also those out of order; deletions of what is not there too',
    inputs: texts,
    outputs: { out: text },
    build: (builder) => builder.table('in', strings).toStream().to('out'),
    steps: `
      in A a 5
      in A ~ 6
      in B ~ 7
      in ~ b 8
      in A c 3
      in A d 9`,
  },
  {
    name: 'table-stored',
    description: 'the same with a store',
    inputs: texts,
    outputs: { out: text },
    build: (builder) => builder.table('in', strings, { as: 'rows' }).toStream().to('out'),
    steps: `
      in A a 5
      in A ~ 6
      in B ~ 7
      in ~ b 8
      in A c 3
      in A d 9`,
  },
  {
    name: 'table-filter',
    description: 'a filter that does not know the former value announces every row it leaves out',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs)
        .filter((_key, value) => value > 10)
        .toStream()
        .to('out'),
    steps: rows,
  },
  {
    name: 'table-filter-stored-source',
    description: 'a filter behind a stored table knows the former value and announces only what changes',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs, { as: 'rows' })
        .filter((_key, value) => value > 10)
        .toStream()
        .to('out'),
    steps: rows,
  },
  {
    name: 'table-filter-stored',
    description: 'a filter with a store of its own',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs)
        .filterNot((_key, value) => value > 10, { as: 'small' })
        .toStream()
        .to('out'),
    steps: rows,
  },
  {
    name: 'table-map-values',
    description: 'a mapper that answers null deletes',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs)
        .mapValues((value) => (value > 90 ? null : value * 2))
        .toStream()
        .to('out', byStringLongs),
    steps: rows,
  },
  {
    name: 'table-map-values-stored',
    description: 'a filter behind a stored table of mapped values',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs)
        .mapValues((value) => (value > 90 ? null : value * 2), { as: 'doubled', ...byStringLongs })
        .filter((_key, value) => value > 10)
        .toStream()
        .to('out'),
    steps: rows,
  },
  {
    name: 'table-group-count',
    description: 'rows counted by their value; an update moves a row from group to group',
    inputs: texts,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', strings)
        .groupBy((key, value) => [value, key], byString)
        .count()
        .toStream()
        .to('out'),
    steps: `
      in A a 1
      in B a 2
      in A b 3
      in A b 4
      in B ~ 5
      in B ~ 6
      in ~ a 7
      in C a 1
      in C b 0`,
  },
  {
    name: 'table-group-reduce',
    description: 'sums by size; a subtractor that answers null removes the group',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs)
        .groupBy((_key, value) => [value > 10 ? 'big' : 'small', value], byStringLongs)
        .reduce(add, (sum, value) => (sum === value ? null : sum - value))
        .toStream()
        .to('out'),
    steps: rows,
  },
  {
    name: 'table-group-aggregate',
    description: 'updates within a group take out and put in at once; a selector that answers null leaves rows out',
    inputs: { in: textInput(['ax', 'ay', 'bz', 'none', null]) },
    outputs: { out: text },
    build: (builder) =>
      builder
        .table('in', strings)
        .groupBy((key, value) => (value === 'none' ? [null, value] : [value.slice(0, 1), key + value]), byString)
        .aggregate(
          () => '>',
          (_key, value, aggregate) => `${aggregate}+${value}`,
          (_key, value, aggregate) => `${aggregate}-${value}`,
          { value: stringSerde },
        )
        .toStream()
        .to('out'),
    steps: `
      in A ax 1
      in B ay 5
      in A az 3
      in A bx 2
      in A none 4
      in A bq 6
      in B ~ 7
      in A br 1`,
  },
  {
    name: 'table-derived-group',
    description: 'grouping a table that is filtered and mapped asks for former values all the way up',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs)
        .filter((_key, value) => value > 10)
        .mapValues((value) => value % 10)
        .groupBy((_key, value) => [`d${value}`, value], byStringLongs)
        .count()
        .toStream()
        .to('out'),
    steps: rows,
  },
  {
    name: 'to-table',
    description: 'a stream read as a table',
    inputs: texts,
    outputs: { out: text },
    build: (builder) => builder.stream('in', strings).toTable().toStream().to('out'),
    steps: `
      in A a 5
      in A ~ 6
      in ~ b 8
      in A c 3`,
  },
  {
    name: 'to-table-by-value',
    description: 'a stream with changed keys is repartitioned to become a table',
    inputs: { in: textInput(['ab', 'ax', 'b', null], ['A', 'B']) },
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('in', strings)
        .selectKey((key, value) => (value === null ? key : value.slice(0, 1)))
        .toTable({ as: 'by-value', ...byString })
        .filter((_key, value) => !value.endsWith('x'))
        .toStream()
        .to('out'),
    steps: `
      in A ab 5
      in B ax 6
      in a ~ 8
      in C ac 3`,
  },
  {
    name: 'versioned-filter',
    description: 'a filter of a versioned table sends on updates of the past too, and drops those too old',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs, { as: 'history', historyRetentionMs: HISTORY_MS })
        .filter((_key, value) => value > 10)
        .toStream()
        .to('out'),
    steps: `
      in A 1 10
      in A 12 20
      in A 15 15
      in A 3 30
      in A 40 9
      in B 20 11
      in B 1 10`,
  },
  {
    name: 'versioned-group',
    description: 'updates of the past are no part of an aggregate of a versioned table',
    inputs: numbers,
    outputs: { out: long },
    build: (builder) =>
      builder
        .table('in', longs, { as: 'history', historyRetentionMs: HISTORY_MS })
        .groupBy((_key, value) => [value > 10 ? 'big' : 'small', value], byStringLongs)
        .reduce(add, subtract)
        .toStream()
        .to('out'),
    steps: `
      in A 1 10
      in A 12 20
      in A 15 15
      in B 2 21
      in B ~ 19
      in A 3 30
      in A 40 9
      in B ~ 31
      in B 5 25`,
  },
];
