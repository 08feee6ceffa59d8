/** Aggregates of grouped streams over all time. */
import { stringSerde } from '../../../../streams/serdes.ts';
import { byString, byStringLongs, long, strings, text, textInput, type Scenario } from '../scenario.ts';

const input = { in: textInput(['a', 'b', 'x', null]) };
const present = { in: textInput(['a', 'b', 'ab', 'x']) };
const stringValues = { value: stringSerde };

export const aggregateScenarios: readonly Scenario[] = [
  {
    name: 'count-by-key',
    description: 'records without key or value do not count; the time of a count is that of its latest record',
    inputs: input,
    outputs: { out: long },
    build: (builder) => builder.stream('in', strings).groupByKey().count().toStream().to('out'),
    steps: `
      in A a 5
      in A b 9
      in A c 7
      in ~ d 20
      in B e 1
      in A ~ 30
      in A f 10`,
  },
  {
    name: 'count-by-value',
    description: 'grouping by another key goes through a repartition topic',
    inputs: input,
    outputs: { out: long },
    build: (builder) =>
      builder
        .stream('in', strings)
        .groupBy((_key, value) => value, byString)
        .count()
        .toStream()
        .to('out'),
    steps: `
      in A a 5
      in B a 3
      in ~ b 7
      in B ~ 8
      in C a 1`,
  },
  {
    name: 'reduce',
    description: 'the first value is taken as it is; a reducer that answers null removes the aggregate',
    inputs: input,
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('in', strings)
        .groupByKey()
        .reduce((aggregate, value) => (value === 'x' ? null : aggregate + value))
        .toStream()
        .to('out'),
    steps: `
      in A a 5
      in A b 3
      in A x 9
      in A c 1
      in B x 2
      in B d 4
      in A ~ 11
      in ~ e 12`,
  },
  {
    name: 'aggregate',
    description: 'an aggregator that answers null removes the aggregate, and the next record starts another',
    inputs: input,
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('in', strings)
        .groupByKey()
        .aggregate(
          () => '>',
          (_key, value, aggregate) => (value === 'x' ? null : aggregate + value),
          stringValues,
        )
        .toStream()
        .to('out'),
    steps: `
      in A a 5
      in A b 3
      in A x 9
      in A x 10
      in A c 1
      in B ~ 4
      in B d 2`,
  },
  {
    name: 'count-of-counts',
    description: 'a table of counts grouped by the count: every update takes the former count out',
    inputs: present,
    outputs: { out: long },
    build: (builder) =>
      builder
        .stream('in', strings)
        .groupByKey()
        .count()
        .groupBy((key, count) => [`n${count}`, key], byString)
        .count()
        .toStream()
        .to('out'),
    steps: `
      in A a 1
      in B a 2
      in A b 3
      in A c 2
      in C d 9
      in B e 4`,
  },
  {
    name: 'sum-of-counts',
    description: 'counts by value, summed by first letter',
    inputs: present,
    outputs: { out: long },
    build: (builder) =>
      builder
        .stream('in', strings)
        .groupBy((_key, value) => value, byString)
        .count()
        .groupBy((key, count) => [key.slice(0, 1), count], byStringLongs)
        .reduce(
          (sum, count) => sum + count,
          (sum, count) => sum - count,
        )
        .toStream()
        .to('out'),
    steps: `
      in A aa 1
      in B ab 2
      in A aa 3
      in A b 2
      in C ab 9`,
  },
  {
    name: 'cogroup',
    description: 'two streams with one aggregate, one of them repartitioned',
    inputs: { left: textInput(['a', 'b', null]), right: textInput(['Aa', 'Bb', 'Ax']) },
    outputs: { out: text },
    build: (builder) => {
      const left = builder.stream('left', strings).groupByKey();
      const right = builder.stream('right', strings).groupBy((_key, value) => value.slice(0, 1), byString);
      left
        .cogroup<string>((_key, value, aggregate) => `${aggregate}l${value}`)
        .cogroup(right, (_key, value, aggregate) => (value === 'Ax' ? null : `${aggregate}r${value}`))
        .aggregate(() => '', stringValues)
        .toStream()
        .to('out');
    },
    steps: `
      left A a 5
      right k A1 3
      right k B1 7
      left B b 2
      right k Ax 9
      left A c 1
      left ~ d 1
      left A ~ 12`,
  },
  {
    name: 'named-grouping',
    description: 'a grouping with a name has one repartition topic for all its aggregates',
    inputs: present,
    outputs: { 'counts-out': long, 'joined-out': text },
    build: (builder) => {
      const grouped = builder.stream('in', strings).groupBy((_key, value) => value, { name: 'by-value', ...byString });
      grouped.count({ as: 'counts' }).toStream().to('counts-out');
      grouped
        .reduce((aggregate, value) => aggregate + value, { as: 'joined' })
        .toStream()
        .to('joined-out');
    },
    steps: `
      in A a 5
      in B a 3
      in B b 7`,
  },
];
