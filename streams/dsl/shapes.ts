/**
 * What is known of a stream or table while the topology is put together, and how the operators make more of them.
 *
 * Invariant: every stream and table that a builder hands out carries its shape, so that an operator can take another one as
 * its argument.
 */
import type { GlobalKTable, KGroupedStream, KGroupedTable, KStream, KTable } from './api.ts';
import type { Serde } from '../serde.ts';
import type { DslGraph } from './graph.ts';
import type { TableOperator } from './operators/table-operator.ts';

export interface StreamShape<K, V> {
  /** Of the node that the records come from. */
  readonly name: string;
  /** Undefined once an operator changed the type. */
  readonly key: Serde<K> | undefined;
  readonly value: Serde<V> | undefined;
  /** The key may have changed since the records were partitioned. */
  readonly repartitionRequired: boolean;
  /** Of the explicit repartition before it: records without keys end there, unless somebody downstream has a use for them. */
  readonly nullKeys?: { kept: boolean } | undefined;
}

export interface TableShape<K, V> {
  readonly name: string;
  readonly key: Serde<K> | undefined;
  readonly value: Serde<V> | undefined;
  readonly operator: TableOperator<K, V>;
  readonly queryableStoreName: string | undefined;
  /** How long after the end of its key's window a value may still change; undefined where keys are not windowed. */
  readonly closeDelayMs: number | undefined;
  readonly versioned: boolean;
}

/** A stream grouped by its key. `parent` is where its records come from, through a repartition topic if one is needed. */
export interface Grouping<K, V> {
  readonly key: Serde<K> | undefined;
  readonly value: Serde<V> | undefined;
  parent(storeName: string): string;
}

export interface TableGrouping<K, V> {
  readonly key: Serde<K> | undefined;
  readonly value: Serde<V> | undefined;
  /** Of the node that sends each update as a change of its group. */
  readonly name: string;
  /** Names the repartition topic. */
  readonly repartitionName: string | undefined;
}

/** Makes the objects that the user sees. Operators get them from here and need not know each other. */
export interface Dsl {
  readonly graph: DslGraph;
  stream<K, V>(shape: StreamShape<K, V>): KStream<K, V>;
  table<K, V>(shape: TableShape<K, V>): KTable<K, V>;
  groupedStream<K, V>(grouping: Grouping<K, V>): KGroupedStream<K, V>;
  groupedTable<K, V>(grouping: TableGrouping<K, V>): KGroupedTable<K, V>;
}

interface Shaped<S> {
  readonly shape: S;
}

export const shapeOfStream = <K, V>(stream: KStream<K, V>): StreamShape<K, V> =>
  (stream as unknown as Shaped<StreamShape<K, V>>).shape;

export const shapeOfTable = <K, V>(table: KTable<K, V>): TableShape<K, V> =>
  (table as unknown as Shaped<TableShape<K, V>>).shape;

export const groupingOf = <K, V>(grouped: KGroupedStream<K, V>): Grouping<K, V> =>
  (grouped as unknown as Shaped<Grouping<K, V>>).shape;

export const storeOfGlobalTable = <K, V>(table: GlobalKTable<K, V>): string => table.queryableStoreName;
