/** Tables whose updates are held back. */
import type { StreamsBuilder } from '../../../../streams/dsl/streams-builder.ts';
import { BufferConfig, Suppressed } from '../../../../streams/dsl/suppressed.ts';
import { byStringLongs, long, longInput, longs, type Scenario } from '../scenario.ts';
import { grouped, HOPPING, SESSION, SLIDING, TUMBLING, windowed } from './windowed.ts';

const table = (builder: StreamsBuilder) => builder.table('in', longs);
const rows = { in: longInput() };

const closing = `
  in A a 1
  in B b 9
  in A c 10
  in A d 4
  in A e 14
  in B f 15
  in A g 3
  in B h 25
  in A i 24
  in C j 41
  in A k 30
  in A l 60`;

export const suppressScenarios: readonly Scenario[] = [
  windowed({
    name: 'suppress-tumbling',
    description: 'one result for each window, when it closes, by its end and then its key',
    key: { windowed: 10 },
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(TUMBLING).count().suppress(Suppressed.untilWindowCloses()),
    steps: closing,
  }),
  windowed({
    name: 'suppress-hopping-filtered',
    description: 'final results of a filtered table; what the filter left out is not announced',
    key: { windowed: 10 },
    value: 'long',
    table: (builder) =>
      grouped(builder)
        .windowedBy(HOPPING)
        .count()
        .filter((_key, count) => count > 1)
        .suppress(Suppressed.untilWindowCloses()),
    steps: closing,
  }),
  windowed({
    name: 'suppress-sliding',
    description: 'final results of sliding windows',
    key: { windowed: 10 },
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(SLIDING).count().suppress(Suppressed.untilWindowCloses()),
    steps: `
      in A a 12
      in A b 20
      in B c 25
      in A d 18
      in A e 51
      in A f 60
      in B g 35
      in A h 99`,
  }),
  windowed({
    name: 'suppress-session',
    description: 'final results of sessions, also of merged ones',
    key: 'session',
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(SESSION).count().suppress(Suppressed.untilWindowCloses()),
    steps: `
      in A a 0
      in A b 10
      in A c 5
      in B d 6
      in A e 30
      in B f 45
      in A g 33
      in A h 46
      in B i 70`,
  }),
  {
    name: 'suppress-time-limit',
    description: 'the last update within the limit after the first one; deletions too',
    inputs: rows,
    outputs: { out: long },
    build: (builder) => table(builder).suppress(Suppressed.untilTimeLimit(10)).toStream().to('out'),
    steps: `
      in A 1 5
      in A 2 9
      in B 3 10
      in A 4 3
      in C 5 15
      in B 6 11
      in A 7 20
      in B ~ 21
      in C 8 26
      in D 9 40
      in A ~ 39
      in D 1 60`,
  },
  {
    name: 'suppress-max-records',
    description: 'the oldest updates go early when the buffer is full',
    inputs: rows,
    outputs: { out: long },
    build: (builder) =>
      table(builder)
        .suppress(Suppressed.untilTimeLimit(100, BufferConfig.maxRecords(2)))
        .toStream()
        .to('out'),
    steps: `
      in A 1 5
      in B 2 3
      in A 3 9
      in C 4 8
      in D 5 1
      in B 6 20
      in B 7 130`,
  },
  {
    name: 'suppress-at-once',
    description: 'without a time to wait, an update that is not out of order goes at once',
    inputs: rows,
    outputs: { out: long },
    build: (builder) => table(builder).suppress(Suppressed.untilTimeLimit(0)).toStream().to('out'),
    steps: `
      in A 1 5
      in B 2 3
      in A ~ 9
      in A 4 9`,
  },
  {
    name: 'suppress-then-group',
    description: 'a sum over the updates that were let go takes the former ones out',
    inputs: rows,
    outputs: { out: long },
    build: (builder) =>
      table(builder)
        .suppress(Suppressed.untilTimeLimit(10))
        .groupBy((key, value) => [key.slice(0, 1), value], byStringLongs)
        .reduce(
          (sum, value) => sum + value,
          (sum, value) => sum - value,
        )
        .toStream()
        .to('out'),
    steps: `
      in A 1 5
      in A 2 20
      in A 3 22
      in A 4 24
      in AB 10 40
      in A 5 41
      in A ~ 60
      in AB 20 80
      in A 6 99`,
  },
  {
    name: 'suppress-then-join',
    description: 'the other side of a join sees the table as if what waits had not happened',
    inputs: { ...rows, other: longInput() },
    outputs: { out: long },
    build: (builder) =>
      table(builder)
        .suppress(Suppressed.untilTimeLimit(10))
        .join(builder.table('other', longs), (value, other) => value * 100 + other)
        .toStream()
        .to('out', byStringLongs),
    steps: `
      in A 1 5
      other A 7 6
      in A 2 20
      other A 8 21
      in B 1 40
      other A 9 41
      in A ~ 42
      other A 3 43
      in B 2 60
      other A 4 61`,
  },
];
