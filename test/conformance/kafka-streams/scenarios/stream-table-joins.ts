/** Joins of a stream with a table or a global table. */
import type { KStream } from '../../../../streams/dsl/api.ts';
import type { StreamsBuilder } from '../../../../streams/dsl/streams-builder.ts';
import { byString, longInput, longs, pair, strings, text, textInput, type Scenario } from '../scenario.ts';

const HISTORY_MS = 20;
const history = { as: 'history', historyRetentionMs: HISTORY_MS };

const stream = (builder: StreamsBuilder) => builder.stream('stream', strings);
const out = (joined: KStream<string, string>): void => joined.to('out', byString);
/** The row that a record names: the first letter of its value, or none if that is a dash. */
const named = (_key: string, value: string): string | null => (value.startsWith('-') ? null : value.slice(0, 1));

const values = textInput(['a', 'b', null]);
const inputs = { stream: values, table: values };
const outputs = { out: text };

const steps = `
  stream A a 5
  table A b 9
  stream A c 7
  table A d 3
  stream A e 12
  stream ~ f 13
  stream A ~ 14
  table A ~ 15
  stream A g 16
  table ~ h 17
  table B i 30
  stream B j 1`;

const rows = `
  table A 1 10
  stream A a 12
  table A 2 20
  stream A b 15
  stream A c 20
  stream A d 9
  table A 3 14
  stream A e 15
  table A ~ 25
  stream A f 26
  table B 4 45
  stream A g 24
  stream A h 31
  stream B i 44
  stream B j 50
  stream A ~ 51
  stream ~ k 52
  table B 5 60
  stream A l 8
  stream B m 75
  stream B n 66
  stream B o 90`;

export const streamTableJoinScenarios: readonly Scenario[] = [
  {
    name: 'stream-table-join',
    description: 'each record with the row as it is when the record comes; rows make no results of their own',
    inputs,
    outputs,
    build: (builder) => out(stream(builder).join(builder.table('table', strings), pair)),
    steps,
  },
  {
    name: 'stream-table-left-join',
    description: 'records without a row, or without a key, go on alone',
    inputs,
    outputs,
    build: (builder) => out(stream(builder).leftJoin(builder.table('table', strings), pair)),
    steps,
  },
  {
    name: 'stream-table-join-by-value',
    description: 'a repartitioned stream, joined with a mapped table',
    inputs: { stream: textInput(['Ab', 'B', 'Ac']), table: textInput(['a', 'b', null]) },
    outputs,
    build: (builder) =>
      out(
        stream(builder)
          .selectKey((_key, value) => value.slice(0, 1))
          .join(
            builder.table('table', strings).mapValues((value) => value + value),
            pair,
            byString,
          ),
      ),
    steps: `
      table A x 1
      stream k Ab 2
      stream k B 3
      table B y 4
      stream ~ Bc 1`,
  },
  {
    name: 'stream-global-table-join',
    description: 'each record with the row that it names',
    inputs: { stream: textInput(['Ab', 'B', '-', null]), table: textInput(['a', 'b', null], ['A', 'B']) },
    outputs,
    build: (builder) => out(stream(builder).join(builder.globalTable('table', strings), named, pair)),
    steps: `
      stream k Ab 1
      table A x 9
      stream k Ac 2
      stream ~ Ad 3
      stream k - 4
      stream ~ - 4
      stream k ~ 5
      table A ~ 6
      stream k Ae 7
      table B y 8
      stream k B 10`,
  },
  {
    name: 'stream-global-table-left-join',
    description: 'records that name no row go on alone',
    inputs: { stream: textInput(['Ab', 'B', '-', null]), table: textInput(['a', 'b', null], ['A', 'B']) },
    outputs,
    build: (builder) => out(stream(builder).leftJoin(builder.globalTable('table', strings), named, pair)),
    steps: `
      stream k Ab 1
      table A x 9
      stream k Ac 2
      stream ~ Ad 3
      stream k - 4
      stream ~ - 4
      stream k ~ 5
      table A ~ 6
      stream k Ae 7
      table B y 8
      stream k B 10`,
  },
  {
    name: 'stream-versioned-table-join',
    description: 'each record with the row that was valid at its own time, as far back as the history goes',
    inputs: { stream: values, table: longInput() },
    outputs,
    build: (builder) => out(stream(builder).join(builder.table('table', longs, history), pair, byString)),
    steps: rows,
  },
  {
    name: 'stream-versioned-table-join-grace',
    description: 'records wait for the grace and are joined in the order of their times',
    inputs: { stream: textInput(['a', 'b', null], ['A', 'B']), table: longInput() },
    outputs,
    build: (builder) =>
      out(
        stream(builder).leftJoin(builder.table('table', longs, history), pair, {
          ...byString,
          name: 'waiting',
          graceMs: 10,
        }),
      ),
    steps: rows.replace(/\n *stream ~ .*/, ''),
  },
];
