/**
 * Joins of a stream with a table, or with a global table by any key.
 *
 * Invariant: a stream and a table are joined in the task that has both; a global table is in every task.
 */
import type { Serde } from '../serde.ts';
import type { GlobalKTable, KStream, KTable } from './api.ts';
import { invalid, requireSerde } from './graph.ts';
import type { Joined, Named, ValueJoiner } from './options.ts';
import { joinBufferBuilder, StreamTableJoinProcessor, type StreamTableJoin } from './operators/stream-table-join.ts';
import { openTableStore } from './operators/table-store.ts';
import { shapeOfTable, storeOfGlobalTable, type Dsl, type StreamShape } from './shapes.ts';

type AnyJoiner = ValueJoiner<unknown, unknown, unknown, unknown>;
type AnyShape = StreamShape<unknown, unknown>;
type AnyJoin = StreamTableJoin<unknown, unknown, unknown, unknown, unknown>;

const joinPrefix = (left: boolean): string => (left ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-');

/** `stream` is partitioned as the table is. */
export function joinTable(
  dsl: Dsl,
  stream: AnyShape,
  table: KTable<unknown, unknown>,
  { joiner, joined, left }: { joiner: AnyJoiner; joined: Joined<unknown, unknown>; left: boolean },
): KStream<unknown, unknown> {
  const { graph } = dsl;
  const { operator, versioned } = shapeOfTable(table);
  const name = graph.name(joined.name, joinPrefix(left));
  const { graceMs } = joined;
  if (graceMs !== undefined && !versioned) {
    throw invalid(`"${name}" has a grace period; for that its table must be versioned (\`historyRetentionMs\`).`);
  }
  const view = operator.view();
  const bufferName = graceMs === undefined ? undefined : `${name}-Buffer`;
  const join: AnyJoin = { node: name, view, tableKey: (key) => key, joiner, left, bufferName };
  const key = (joined.key as Serde<unknown> | undefined) ?? stream.key;
  graph.add((topology) => {
    const supplier = () => new StreamTableJoinProcessor(join);
    topology.addProcessor({ name, supplier, parents: [stream.name], stores: view.stores });
    if (bufferName === undefined || graceMs === undefined) return;
    const serdes = {
      key: requireSerde(key, 'key', name),
      value: requireSerde((joined.value as Serde<unknown> | undefined) ?? stream.value, 'value', name),
    };
    topology.addStateStore(joinBufferBuilder(graph.stores, bufferName, { ...serdes, graceMs }), [name]);
  });
  return dsl.stream({ name, key, value: undefined, repartitionRequired: false });
}

export function joinGlobalTable(
  dsl: Dsl,
  stream: AnyShape,
  table: GlobalKTable<unknown, unknown>,
  options: {
    keySelector: (key: unknown, value: unknown) => unknown;
    joiner: AnyJoiner;
    named: Named;
    left: boolean;
  },
): KStream<unknown, unknown> {
  const { keySelector, joiner, named, left } = options;
  const name = dsl.graph.name(named.name, joinPrefix(left));
  const storeName = storeOfGlobalTable(table);
  const join: AnyJoin = {
    node: name,
    // Global stores are there for everyone; they are not connected.
    view: { stores: [], open: (context) => openTableStore(context, storeName) },
    tableKey: (key, value) => keySelector(key, value) ?? null,
    joiner,
    left,
    bufferName: undefined,
  };
  dsl.graph.add((topology) => {
    const supplier = () => new StreamTableJoinProcessor(join);
    topology.addProcessor({ name, supplier, parents: [stream.name] });
  });
  return dsl.stream({ ...stream, name, value: undefined });
}
