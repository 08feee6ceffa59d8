/** What the scenarios with windows share: the windows, their inputs, and records out of order, late, and too late. */
import type { KTable } from '../../../../streams/dsl/api.ts';
import type { StreamsBuilder } from '../../../../streams/dsl/streams-builder.ts';
import { SessionWindows, SlidingWindows, TimeWindows, type Windowed } from '../../../../streams/dsl/windows.ts';
import { int64Serde, stringSerde } from '../../../../streams/serdes.ts';
import { strings, textInput, type Form, type InputForm, type Scenario } from '../scenario.ts';

export const TUMBLING = TimeWindows.ofSizeAndGrace(10, 5);
export const HOPPING = TimeWindows.ofSizeAndGrace(10, 3).advanceBy(4);
export const SLIDING = SlidingWindows.ofTimeDifferenceAndGrace(10, 20);
export const SESSION = SessionWindows.ofInactivityGapAndGrace(5, 10);

export const input: { readonly [topic: string]: InputForm } = { in: textInput(['a', 'b', 'c']) };
export const both = { left: textInput(['a', 'b']), right: textInput(['c', 'd']) };
export const nullable = { in: textInput(['a', 'b', 'x', null]) };
export const timed: Form = { windowed: 10 };
export const strictlyText = { value: stringSerde };

export const grouped = (builder: StreamsBuilder) => builder.stream('in', strings).groupByKey();

export const cogrouped = (builder: StreamsBuilder) =>
  builder
    .stream('left', strings)
    .groupByKey()
    .cogroup<string>((_key, value, aggregate) => `${aggregate}l${value}`)
    .cogroup(builder.stream('right', strings).groupByKey(), (_key, value, aggregate) => `${aggregate}r${value}`);

export const append = (_key: string, value: string, aggregate: string): string => aggregate + String(value);

interface WindowScenario {
  readonly name: string;
  readonly description: string;
  readonly key: Form;
  readonly value: Form;
  readonly inputs?: Scenario['inputs'];
  readonly table: (builder: StreamsBuilder) => KTable<Windowed<string>, string> | KTable<Windowed<string>, number>;
  readonly steps: string;
}

/** Sends the windowed table on as it is. */
export const windowed = ({
  name,
  description,
  key,
  value,
  inputs = input,
  table,
  steps,
}: WindowScenario): Scenario => ({
  name,
  description,
  inputs,
  outputs: { out: { key, value } },
  build: (builder) =>
    (table(builder) as KTable<Windowed<string>, unknown>)
      .toStream()
      .to('out', { value: value === 'long' ? int64Serde : stringSerde }),
  steps,
});

export const outOfOrder = `
  in A a 1
  in A b 9
  in B c 10
  in A d 4
  in A e 13
  in ~ f 14
  in A g 12
  in B h 15
  in A i 8
  in B j 25
  in A k 9
  in A l 19
  in A m 20
  in A n 10
  in B o 41
  in A p 31
  in A q 30`;

/** Neighbours, gaps, repeats, records between others, early and late ones. */
export const sliding = `
  in A a 12
  in A b 15
  in A c 15
  in A d 25
  in B e 26
  in A f 18
  in A g 36
  in A h 14
  in ~ i 99
  in A j 47
  in A k 22
  in A l 60
  in A m 44
  in A n 5
  in A o 120
  in A p 90
  in A q 89`;

export const sessions = `
  in A a 0
  in A b 10
  in A c 5
  in B d 6
  in A e 15
  in A f 30
  in A g 24
  in A h 20
  in B i 40
  in A j 25
  in A k 26
  in A l 35
  in ~ m 36
  in A n 35
  in B o 70
  in A p 54
  in A q 55
  in A r 71
  in B s 75`;

/** Event time in steps so small that no window closes long before anyone looks. */
export const gently = `
  in A a 1
  in B b 3
  in A c 9
  in A d 13
  in ~ e 14
  in B f 12
  in A g 8
  in A h 17
  in B i 21
  in A j 19
  in A k 25
  in A l 29
  in B m 26
  in A n 33
  in B o 37
  in A p 31
  in A q 41`;
