/** Aggregates by windows, updated with every record. */
import { SessionWindows, SlidingWindows } from '../../../../streams/dsl/windows.ts';
import { byString, byStringLongs, long, strings, type Scenario } from '../scenario.ts';
import {
  append,
  grouped,
  HOPPING,
  input,
  nullable,
  outOfOrder,
  SESSION,
  sessions,
  SLIDING,
  sliding,
  strictlyText,
  timed,
  TUMBLING,
  windowed,
} from './windowed.ts';

export const windowScenarios: readonly Scenario[] = [
  windowed({
    name: 'tumbling-count',
    description: 'tumbling windows take records until their grace is over',
    key: timed,
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(TUMBLING).count(),
    steps: outOfOrder,
  }),
  windowed({
    name: 'tumbling-reduce',
    description: 'reducing in tumbling windows',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(TUMBLING)
        .reduce((aggregate, value) => aggregate + value),
    steps: outOfOrder,
  }),
  windowed({
    name: 'tumbling-aggregate-removing',
    description: 'an aggregator that answers null removes the window; null values reach the aggregator',
    key: timed,
    value: 'string',
    inputs: nullable,
    table: (builder) =>
      grouped(builder)
        .windowedBy(TUMBLING)
        .aggregate(
          () => '>',
          (_key, value, aggregate) => (value === 'x' ? null : aggregate + String(value)),
          strictlyText,
        ),
    steps: `
      in A a 1
      in A ~ 2
      in A x 3
      in A x 4
      in A b 5
      in B c 12
      in A x 6
      in A d 7`,
  }),
  windowed({
    name: 'hopping-aggregate',
    description: 'a record belongs to every hopping window around it, and to those that still take records',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(HOPPING)
        .aggregate(() => '', append, strictlyText),
    steps: outOfOrder,
  }),
  windowed({
    name: 'sliding-aggregate',
    description: 'sliding windows of records out of order: new ones take over from those around them',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(SLIDING)
        .aggregate(() => '', append, strictlyText),
    steps: sliding,
  }),
  windowed({
    name: 'sliding-count',
    description: 'sliding windows with a short grace, beginning with records too early for a left window',
    key: timed,
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5)).count(),
    steps: `
      in A a 3
      in A b 3
      in A c 7
      in A d 1
      in A e 10
      in A f 5
      in B g 0
      in B h 11
      in A i 16
      in A j 0
      in A k 9
      in B l 30
      in A m 15
      in A n 14`,
  }),
  windowed({
    name: 'sliding-reduce',
    description: 'reducing in sliding windows',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(SLIDING)
        .reduce((aggregate, value) => aggregate + value),
    steps: sliding,
  }),
  windowed({
    name: 'session-count',
    description: 'sessions grow, merge and take late records; what was merged is taken back',
    key: 'session',
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(SESSION).count(),
    steps: sessions,
  }),
  windowed({
    name: 'session-aggregate',
    description: 'the merger joins the aggregates of merged sessions in the order of time',
    key: 'session',
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(SESSION)
        .aggregate(
          () => '',
          append,
          (_key, one, other) => `${one}|${other}`,
          strictlyText,
        ),
    steps: sessions,
  }),
  windowed({
    name: 'session-reduce',
    description: 'reducing in sessions without grace',
    key: 'session',
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5))
        .reduce((aggregate, value) => aggregate + value),
    steps: sessions,
  }),
  windowed({
    name: 'tumbling-by-value',
    description: 'windows of a stream grouped by another key',
    key: timed,
    value: 'long',
    inputs: nullable,
    table: (builder) =>
      builder
        .stream('in', strings)
        .groupBy((_key, value) => value, byString)
        .windowedBy(TUMBLING)
        .count(),
    steps: `
      in A a 1
      in B a 12
      in C b 3
      in A ~ 4
      in A a 9
      in A b 16
      in A b 2`,
  }),
  {
    name: 'tumbling-then-grouped',
    description: 'windows summed by key: every update takes the former one out',
    inputs: input,
    outputs: { out: long },
    build: (builder) =>
      grouped(builder)
        .windowedBy(TUMBLING)
        .count()
        .groupBy((key, count) => [key.key, count], byStringLongs)
        .reduce(
          (sum, count) => sum + count,
          (sum, count) => sum - count,
        )
        .toStream()
        .to('out'),
    steps: outOfOrder,
  },
  {
    name: 'session-then-grouped',
    description: 'sessions summed by key, through merges',
    inputs: input,
    outputs: { out: long },
    build: (builder) =>
      grouped(builder)
        .windowedBy(SESSION)
        .count()
        .groupBy((key, count) => [key.key, count], byStringLongs)
        .reduce(
          (sum, count) => sum + count,
          (sum, count) => sum - count,
        )
        .toStream()
        .to('out'),
    steps: sessions,
  },
];
