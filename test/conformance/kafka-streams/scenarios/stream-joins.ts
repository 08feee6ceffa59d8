/** Joins of streams, with partners that are late, early, missing, and too late. */
import type { KStream } from '../../../../streams/dsl/api.ts';
import type { StreamsBuilder } from '../../../../streams/dsl/streams-builder.ts';
import { JoinWindows } from '../../../../streams/dsl/windows.ts';
import { stringSerde } from '../../../../streams/serdes.ts';
import { byString, pair, strings, text, textInput, type Scenario } from '../scenario.ts';

const NEAR = JoinWindows.ofTimeDifferenceAndGrace(5, 4);
const NO_GRACE = JoinWindows.ofTimeDifferenceWithNoGrace(5);
/** The other record is the later one. */
const AFTER = JoinWindows.ofTimeDifferenceAndGrace(8, 2).before(0);
const BY = { ...byString, otherValue: stringSerde };

const left = (builder: StreamsBuilder) => builder.stream('left', strings);
const right = (builder: StreamsBuilder) => builder.stream('right', strings);
const out = (stream: KStream<string, string>): void => stream.to('out', byString);

const values = textInput(['a', 'b', 'c', null]);
const inputs = { left: values, right: values };
const outputs = { out: text };

const steps = `
  left A a 10
  right A b 12
  right A c 15
  right A d 16
  left A e 11
  left B f 13
  right B g 30
  left A h 30
  left A i 24
  right A j 28
  right A k 20
  left ~ l 31
  right ~ m 31
  left A ~ 32
  left A n 30
  right A o 30
  right A p 30
  left A q 60
  right A r 50
  right A s 55
  left A t 41
  right A u 36
  left C v 70
  right D w 72
  left C x 90
  right D y 120
  left A z 121`;

export const streamJoinScenarios: readonly Scenario[] = [
  {
    name: 'stream-join',
    description: 'every pair within the windows once, when the second of the two comes',
    inputs,
    outputs,
    build: (builder) => out(left(builder).join(right(builder), pair, NEAR, BY)),
    steps,
  },
  {
    name: 'stream-join-no-grace',
    description: 'the same without grace: partners are forgotten sooner',
    inputs,
    outputs,
    build: (builder) => out(left(builder).join(right(builder), pair, NO_GRACE, BY)),
    steps,
  },
  {
    name: 'stream-left-join',
    description: 'unpaired records of the left stream go on alone when their windows are over',
    inputs,
    outputs,
    build: (builder) => out(left(builder).leftJoin(right(builder), pair, NEAR, BY)),
    steps,
  },
  {
    name: 'stream-outer-join',
    description: 'unpaired records of both streams go on alone when their windows are over',
    inputs,
    outputs,
    build: (builder) => out(left(builder).outerJoin(right(builder), pair, NEAR, BY)),
    steps,
  },
  {
    name: 'stream-left-join-no-grace',
    description: 'a left join without grace',
    inputs,
    outputs,
    build: (builder) => out(left(builder).leftJoin(right(builder), pair, NO_GRACE, BY)),
    steps,
  },
  {
    name: 'stream-left-join-several-waiting',
    description: 'several unpaired records wait at once, and only some of their windows are over',
    inputs,
    outputs,
    build: (builder) => out(left(builder).leftJoin(right(builder), pair, NO_GRACE, BY)),
    steps: `
      left A a 10
      left A b 12
      left A c 14
      left B d 16
      left B e 18
      right B f 20
      left A g 22
      left A h 40`,
  },
  {
    name: 'stream-outer-join-no-grace',
    description: 'an outer join without grace',
    inputs,
    outputs,
    build: (builder) => out(left(builder).outerJoin(right(builder), pair, NO_GRACE, BY)),
    steps,
  },
  {
    name: 'stream-join-after',
    description: 'partners that are later only',
    inputs,
    outputs,
    build: (builder) => out(left(builder).join(right(builder), pair, AFTER, BY)),
    steps,
  },
  {
    name: 'stream-left-join-after',
    description: 'a left join with partners that are later only',
    inputs,
    outputs,
    build: (builder) => out(left(builder).leftJoin(right(builder), pair, AFTER, BY)),
    steps,
  },
  {
    name: 'stream-outer-join-after',
    description: 'an outer join with partners that are later only',
    inputs,
    outputs,
    build: (builder) => out(left(builder).outerJoin(right(builder), pair, AFTER, BY)),
    steps,
  },
  {
    name: 'stream-self-join',
    description: 'a stream joined with itself: each record with itself once, and with each neighbour twice',
    inputs: { in: values },
    outputs,
    build: (builder) => {
      const stream = builder.stream('in', strings);
      out(stream.join(stream, pair, NEAR, BY));
    },
    steps: `
      in A a 10
      in A b 12
      in B c 11
      in A d 16
      in A e 12
      in A f 40
      in A g 37
      in A h 20`,
  },
  {
    name: 'stream-join-by-value',
    description: 'both streams repartitioned by a new key, one of them sometimes without',
    inputs: { left: textInput(['ab', 'ac', 'b', null]), right: textInput(['ax', 'by']) },
    outputs,
    build: (builder) =>
      out(
        left(builder)
          .selectKey((_key, value) => (value === null ? (null as unknown as string) : value.slice(0, 1)))
          .leftJoin(
            right(builder).selectKey((_key, value) => value.slice(0, 1)),
            pair,
            NEAR,
            BY,
          ),
      ),
    steps: `
      left k ab 10
      right k ax 12
      left k bc 13
      left k ~ 14
      right k cd 40
      left k ce 41`,
  },
  {
    name: 'stream-join-chain',
    description: 'the results of one join, joined with a third stream',
    inputs: { ...inputs, third: values },
    outputs,
    build: (builder) =>
      out(
        left(builder)
          .join(right(builder), pair, NEAR, BY)
          .leftJoin(builder.stream('third', strings), (both, third) => `${both}/${third}`, NEAR, BY),
      ),
    steps: `
      left A a 10
      right A b 12
      third A c 15
      left A d 14
      right B e 20
      left B f 22
      left A g 50
      right A h 51
      left A i 80
      right A j 81`,
  },
];
