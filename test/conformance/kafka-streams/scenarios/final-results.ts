/** Aggregates by windows, each sent on once, when it closes. */
import { SlidingWindows } from '../../../../streams/dsl/windows.ts';
import { type Scenario } from '../scenario.ts';
import {
  append,
  gently,
  grouped,
  HOPPING,
  outOfOrder,
  SESSION,
  sessions,
  sliding,
  strictlyText,
  timed,
  TUMBLING,
  windowed,
} from './windowed.ts';

export const finalResultScenarios: readonly Scenario[] = [
  windowed({
    name: 'tumbling-on-close',
    description: 'each window once, when its grace is over, in the order of starts and keys',
    key: timed,
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(TUMBLING).emitStrategy('on-window-close').count(),
    steps: gently,
  }),
  windowed({
    name: 'tumbling-on-close-after-jumps',
    description: 'event time jumps past windows before they were sent on',
    key: timed,
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(TUMBLING).emitStrategy('on-window-close').count(),
    steps: outOfOrder,
  }),
  windowed({
    name: 'hopping-on-close',
    description: 'hopping windows, each once',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(HOPPING)
        .emitStrategy('on-window-close')
        .aggregate(() => '', append, strictlyText),
    steps: gently,
  }),
  windowed({
    name: 'hopping-on-close-after-jumps',
    description: 'event time jumps past windows before they were sent on',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(HOPPING)
        .emitStrategy('on-window-close')
        .aggregate(() => '', append, strictlyText),
    steps: outOfOrder,
  }),
  windowed({
    name: 'sliding-on-close',
    description: 'sliding windows, each once',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5))
        .emitStrategy('on-window-close')
        .aggregate(() => '', append, strictlyText),
    steps: gently,
  }),
  windowed({
    name: 'sliding-on-close-after-jumps',
    description: 'event time jumps past windows before they were sent on',
    key: timed,
    value: 'string',
    table: (builder) =>
      grouped(builder)
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5))
        .emitStrategy('on-window-close')
        .aggregate(() => '', append, strictlyText),
    steps: sliding,
  }),
  windowed({
    name: 'session-on-close',
    description: 'sessions, each once',
    key: 'session',
    value: 'long',
    table: (builder) => grouped(builder).windowedBy(SESSION).emitStrategy('on-window-close').count(),
    steps: sessions,
  }),
];
