/** Joins of tables by a foreign key: what stands before the colon of a left row, if it has one. */
import type { StreamsBuilder } from '../../../../streams/dsl/streams-builder.ts';
import { byString, pair, strings, text, textInput, type Scenario } from '../scenario.ts';

const foreignKey = (value: string): string | null => (value.includes(':') ? value.slice(0, value.indexOf(':')) : null);
const left = (builder: StreamsBuilder) => builder.table('left', strings);
const right = (builder: StreamsBuilder) => builder.table('right', strings);

const inputs = {
  left: textInput(['R:1', 'R:2', 'S:1', 'none', null]),
  right: textInput(['a', 'b', null], ['R', 'S']),
};

/** Rows before and after what they name, moves between foreign rows, deletions on both sides, rows that name none. */
const steps = `
  left A R:1 5
  right R a 3
  left B R:2 9
  right R b 7
  left A S:1 10
  right R c 11
  right S d 2
  left A S:2 12
  left B ~ 13
  right R e 14
  right S ~ 15
  left A R:3 16
  left A none 17
  left A R:4 18
  left A ~ 19
  left C none 20
  left C R:5 21
  right R ~ 22
  left C S:6 23
  right S f 24
  left C ~ 25
  left ~ R:7 26
  left D none 27
  left D ~ 28
  left D ~ 29
  left E S:8 30
  left E S:8 31
  right S g 32
  right S g 33`;

export const foreignKeyJoinScenarios: readonly Scenario[] = [
  {
    name: 'foreign-key-join',
    description: 'each row with the row it names',
    inputs,
    outputs: { out: text },
    build: (builder) => left(builder).join(right(builder), foreignKey, pair).toStream().to('out', byString),
    steps,
  },
  {
    name: 'foreign-key-left-join',
    description: 'each row, with the row it names if there is one',
    inputs,
    outputs: { out: text },
    build: (builder) => left(builder).leftJoin(right(builder), foreignKey, pair).toStream().to('out', byString),
    steps,
  },
  {
    name: 'foreign-key-join-stored',
    description: 'the results grouped again: every update takes the former result out',
    inputs,
    outputs: { out: text },
    build: (builder) =>
      left(builder)
        .join(right(builder), foreignKey, pair, { as: 'joined', ...byString })
        .groupBy((key, value) => [foreignKey(value), key], byString)
        .count()
        .mapValues(String)
        .toStream()
        .to('out', byString),
    steps,
  },
];
