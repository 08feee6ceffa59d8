/**
 * Tables made from topics and streams.
 *
 * Invariant: the store, if the table takes one, is added with the node that keeps it, so whoever else reads it finds it there.
 */
import type { Serde } from '../serde.ts';
import type { Topology } from '../topology.ts';
import type { DslGraph } from './graph.ts';
import { requireSerde } from './graph.ts';
import type { Consumed, TableMaterialized } from './options.ts';
import { TableSource } from './operators/table-source.ts';
import { tableStoreBuilder } from './operators/table-store.ts';
import { repartitioned } from './repartition.ts';
import { nullable } from './serdes.ts';
import type { StreamShape, TableShape } from './shapes.ts';

export function topicToTable<K, V>(
  graph: DslGraph,
  topic: string,
  consumed: Consumed<K, V>,
  materialized: TableMaterialized<K, V>,
): TableShape<K, V> {
  const storeName = graph.storeName(materialized.as, `${topic}-`);
  const sourceName = consumed.name === undefined ? graph.nextName('KSTREAM-SOURCE-') : `${consumed.name}-table-source`;
  const name = graph.name(consumed.name, 'KTABLE-SOURCE-');
  graph.addExternalTopic(topic);
  graph.add((topology) =>
    topology.addSource({
      name: sourceName,
      topics: [topic],
      key: nullable(consumed.key),
      value: nullable(consumed.value),
      ...(consumed.timestampExtractor !== undefined && {
        timestampExtractor: (value, record, context) =>
          consumed.timestampExtractor?.(value as V, record, context) ?? record.timestampMs,
      }),
    }),
  );
  return addTable(graph, { name, parent: sourceName, storeName, serdes: consumed, materialized });
}

export function streamToTable<K, V>(
  graph: DslGraph,
  stream: StreamShape<K, V>,
  materialized: TableMaterialized<NonNullable<K>, NonNullable<V>>,
): TableShape<NonNullable<K>, NonNullable<V>> {
  const key = materialized.key ?? (stream.key as Serde<NonNullable<K>> | undefined);
  const value = materialized.value ?? (stream.value as Serde<NonNullable<V>> | undefined);
  const storeName = graph.storeName(materialized.as, 'KSTREAM-TOTABLE-');
  const name = graph.name(materialized.name, 'KSTREAM-TOTABLE-');
  const keyed = { ...stream, key, value } as StreamShape<NonNullable<K>, NonNullable<V>>;
  const settings = { name, key, value, nullKeys: { kept: false } };
  const parent = stream.repartitionRequired ? repartitioned(graph, keyed, settings).name : stream.name;
  return addTable(graph, { name, parent, storeName, serdes: { key, value }, materialized });
}

interface TableNode<K, V> {
  readonly name: string;
  readonly parent: string;
  readonly storeName: string;
  readonly serdes: { readonly key: Serde<K> | undefined; readonly value: Serde<V> | undefined };
  readonly materialized: TableMaterialized<K, V>;
}

export function addTable<K, V>(graph: DslGraph, node: TableNode<K, V>): TableShape<K, V> {
  const { name, parent, storeName, materialized } = node;
  const key = materialized.key ?? node.serdes.key;
  const value = materialized.value ?? node.serdes.value;
  const versioned = materialized.historyRetentionMs !== undefined;
  const operator = new TableSource<K, V>(storeName, materialized.as !== undefined || versioned);
  graph.add((topology: Topology) => {
    topology.addProcessor({ name, supplier: () => operator.processor(name), parents: [parent] });
    if (!operator.materialized) return;
    topology.addStateStore(tableStoreBuilder(graph.stores, storeName, { key, value }, materialized), [name]);
  });
  return {
    name,
    key,
    value,
    operator,
    queryableStoreName: materialized.as,
    closeDelayMs: undefined,
    versioned,
  };
}

/** Both serdes, or an error that names the operator. */
export const bothSerdes = <K, V>(
  { key, value }: { readonly key: Serde<K> | undefined; readonly value: Serde<V> | undefined },
  node: string,
) => ({ key: requireSerde(key, 'key', node), value: requireSerde(value, 'value', node) });
