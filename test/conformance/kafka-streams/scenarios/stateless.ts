/** Operators that look at one record at a time, and processors among them. */
import { stringKey } from '../../../../state/codecs.ts';
import { keyValueStore } from '../../../../state/stores.ts';
import type { FixedKeyProcessor } from '../../../../streams/dsl/fixed-key.ts';
import type { Processor, ProcessorContext } from '../../../../streams/processor.ts';
import { stringSerde } from '../../../../streams/serdes.ts';
import type { KeyValueStore } from '../../../../streams/state-store.ts';
import { byString, strings, text, textInput, type Scenario } from '../scenario.ts';

const nullableText = textInput(['a', 'ab', 'xab', 'b', null]);
const presentText = textInput(['a', 'ab', 'ba', 'c'], ['A', 'B', null]);

/** Says the key's former value, by the value for a key. */
function swapWithLast(): Processor<string, string, string, string> {
  let context: ProcessorContext<string, string>;
  let last: KeyValueStore<string, string>;
  return {
    init: (given) => {
      context = given;
      last = given.getStateStore('last');
    },
    process: ({ key, value, timestampMs }) => {
      const former = last.get(key);
      last.put(key, value);
      if (former !== undefined) context.forward({ key: value, value: former, timestampMs });
    },
  };
}

function exclaim(): FixedKeyProcessor<string, string, string> {
  let forward: (record: Parameters<FixedKeyProcessor<string, string, string>['process']>[0]) => void;
  return {
    init: (context) => {
      forward = (record) => context.forward(record);
    },
    process: (record) => {
      forward(record.withValue(`${record.value}!`));
      forward(record.withValue(`${record.value}?`).withTimestamp(record.timestampMs + 1));
    },
  };
}

export const statelessScenarios: readonly Scenario[] = [
  {
    name: 'filter',
    description: 'filter and filterNot pass records with null keys, and tombstones as the predicate says',
    inputs: { in: nullableText },
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('in', strings)
        .filter((_key, value) => value !== null && value.length > 1)
        .filterNot((_key, value) => value.startsWith('x'))
        .to('out'),
    steps: `
      in A a 1
      in A ab 2
      in A xab 3
      in ~ abc 4
      in B ~ 5
      in B cd 3`,
  },
  {
    name: 'map',
    description: 'map, mapValues, flatMap and flatMapValues keep the timestamp and the order of what they answer',
    inputs: { in: nullableText },
    outputs: { mapped: text, 'values-mapped': text, 'flat-mapped': text, 'flat-values': text },
    build: (builder) => {
      const stream = builder.stream('in', strings);
      stream.map((key, value) => [value, key]).to('mapped', byString);
      stream.mapValues((value, key) => `${key}:${value}`).to('values-mapped', byString);
      stream
        .flatMap((key, value): (readonly [string, string])[] =>
          value === null
            ? []
            : [
                [value, key],
                [key, value + value],
              ],
        )
        .to('flat-mapped', byString);
      stream.flatMapValues((value) => (value === null ? [] : value.split(''))).to('flat-values', byString);
    },
    steps: `
      in A abc 1
      in ~ d 2
      in B ~ 3
      in B ef 1`,
  },
  {
    name: 'select-key-and-peek',
    description: 'selectKey changes the key and nothing else',
    inputs: { in: presentText },
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('in', strings)
        .peek(() => undefined)
        .selectKey((_key, value) => value.slice(0, 1))
        .to('out', byString),
    steps: `
      in A xy 1
      in ~ zx 2
      in B x 3`,
  },
  {
    name: 'split-with-default',
    description: 'a record goes to the first branch that takes it, or else to the default branch',
    inputs: { in: presentText },
    outputs: { a: text, b: text, rest: text },
    build: (builder) => {
      const branches = builder
        .stream('in', strings)
        .split({ name: 'by-' })
        .branch((_key, value) => value.startsWith('a'), { name: 'a' })
        .branch((_key, value) => value.includes('b'), { name: 'b' })
        .defaultBranch({ name: 'rest' });
      branches.get('by-a')?.to('a');
      branches.get('by-b')?.to('b');
      branches.get('by-rest')?.to('rest');
    },
    steps: `
      in A ab 1
      in A cb 2
      in B c 3
      in ~ b 4`,
  },
  {
    name: 'split-without-default',
    description: 'what no branch takes is dropped',
    inputs: { in: presentText },
    outputs: { a: text, b: text },
    build: (builder) => {
      const to = (topic: string) => ({
        chain: (branch: ReturnType<typeof builder.stream<string, string>>) => {
          branch.to(topic);
          return undefined;
        },
      });
      builder
        .stream('in', strings)
        .split()
        .branch((_key, value) => value.startsWith('a'), to('a'))
        .branch(() => true, to('b'))
        .noDefaultBranch();
    },
    steps: `
      in A ab 1
      in A cb 2
      in B a 3`,
  },
  {
    name: 'merge',
    description: 'merge takes the records of both streams as they come',
    inputs: { left: presentText, right: presentText },
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('left', strings)
        .merge(builder.stream('right', strings))
        .mapValues((value) => `${value}!`)
        .to('out', byString),
    steps: `
      left A a 5
      right A b 3
      left B c 1
      right ~ d 9`,
  },
  {
    name: 'repartition',
    description: 'records pass repartition topics in order, also those without a key',
    inputs: { in: presentText },
    outputs: { out: text },
    build: (builder) =>
      builder
        .stream('in', strings)
        .selectKey((_key, value) => value)
        .repartition(byString)
        .mapValues((value, key) => `${key}${value}`)
        .repartition({ name: 'again', ...byString })
        .to('out'),
    steps: `
      in A a 1
      in A b 5
      in ~ c 3
      in B ~ 4`,
  },
  {
    name: 'process',
    description: 'processors with stores among the operators; processValues keeps keys',
    inputs: { in: textInput(['a', 'b', 'c'], ['A', 'B']) },
    outputs: { out: text },
    build: (builder) =>
      builder
        .addStateStore(keyValueStore({ name: 'last', key: stringKey, value: stringSerde }))
        .stream('in', strings)
        .process(swapWithLast, { stores: ['last'] })
        .processValues(exclaim)
        .to('out', byString),
    steps: `
      in A a 1
      in A b 2
      in B c 3
      in A d 1
      in B e 9`,
  },
];
