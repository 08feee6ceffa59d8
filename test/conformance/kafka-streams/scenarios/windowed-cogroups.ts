/** Several streams with one aggregate by windows. */
import { type Scenario } from '../scenario.ts';
import { both, cogrouped, SESSION, SLIDING, strictlyText, timed, TUMBLING, windowed } from './windowed.ts';

export const windowedCogroupScenarios: readonly Scenario[] = [
  windowed({
    name: 'tumbling-cogroup',
    description: 'two streams with one aggregate by tumbling windows',
    key: timed,
    value: 'string',
    inputs: both,
    table: (builder) =>
      cogrouped(builder)
        .windowedBy(TUMBLING)
        .aggregate(() => '', strictlyText),
    steps: `
      left A a 1
      right A b 3
      left A d 2
      right A e 4
      left A f 14
      right A c 13
      right A i 9
      left B g 30
      right A h 29`,
  }),
  windowed({
    name: 'tumbling-cogroup-lagging',
    description: 'one of the streams lags behind the other by more than the grace',
    key: timed,
    value: 'string',
    inputs: both,
    table: (builder) =>
      cogrouped(builder)
        .windowedBy(TUMBLING)
        .aggregate(() => '', strictlyText),
    steps: `
      left A a 1
      right A b 40
      left A c 2
      left A d 3
      left A e 41`,
  }),
  windowed({
    name: 'sliding-cogroup',
    description: 'two streams with one aggregate by sliding windows',
    key: timed,
    value: 'string',
    inputs: both,
    table: (builder) =>
      cogrouped(builder)
        .windowedBy(SLIDING)
        .aggregate(() => '', strictlyText),
    steps: `
      left A a 12
      right A b 15
      left A c 25
      right A d 19
      left A e 45
      right A f 40
      left A g 30`,
  }),
  windowed({
    name: 'session-cogroup',
    description: 'two streams with one aggregate by sessions',
    key: 'session',
    value: 'string',
    inputs: both,
    table: (builder) =>
      cogrouped(builder)
        .windowedBy(SESSION)
        .aggregate(
          () => '',
          (_key, one, other) => `${one}|${other}`,
          strictlyText,
        ),
    steps: `
      left A a 0
      right A b 10
      left A c 5
      right A d 33
      left A e 20
      right A f 21
      left A g 34`,
  }),
];
