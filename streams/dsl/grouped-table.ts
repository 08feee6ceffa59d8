/**
 * A grouped table and its aggregates.
 *
 * Invariant: the rows of a group meet in one task, always through a repartition topic, since the group's key is never the row's.
 */
import type { Serde } from '../serde.ts';
import { int64Serde } from '../serdes.ts';
import type { KGroupedTable, KTable } from './api.ts';
import { requireSerde } from './graph.ts';
import type { Aggregator, Initializer, Materialized, Reducer } from './options.ts';
import { TableAggregate, type TableAggregation } from './operators/table-group.ts';
import { tableStoreBuilder } from './operators/table-store.ts';
import { changeSerde } from './serdes.ts';
import type { Dsl, TableGrouping } from './shapes.ts';

export class KGroupedTableNode<K, V> implements KGroupedTable<K, V> {
  readonly #dsl: Dsl;
  readonly #grouping: TableGrouping<K, V>;
  /** Of the source behind the grouping's own repartition topic, once there is one. */
  #source: string | undefined;

  constructor(dsl: Dsl, grouping: TableGrouping<K, V>) {
    this.#dsl = dsl;
    this.#grouping = grouping;
  }

  count(materialized: Materialized<K, number> = {}): KTable<K, number> {
    const aggregation: TableAggregation<K, V, number> = {
      initializer: () => 0,
      adder: (_key, _value, count) => (count ?? 0) + 1,
      subtractor: (_key, _value, count) => count - 1,
    };
    return this.#aggregate('KTABLE-AGGREGATE-', aggregation, int64Serde, materialized);
  }

  reduce(adder: Reducer<V>, subtractor: Reducer<V>, materialized: Materialized<K, V> = {}): KTable<K, V> {
    const aggregation: TableAggregation<K, V, V> = {
      initializer: () => null,
      adder: (_key, value, aggregate) => (aggregate === null ? value : adder(aggregate, value)),
      subtractor: (_key, value, aggregate) => subtractor(aggregate, value),
    };
    return this.#aggregate('KTABLE-REDUCE-', aggregation, this.#grouping.value, materialized);
  }

  aggregate<VA>(
    initializer: Initializer<VA>,
    adder: Aggregator<K, V, VA>,
    subtractor: Aggregator<K, V, VA>,
    materialized: Materialized<K, VA> = {},
  ): KTable<K, VA> {
    const aggregation: TableAggregation<K, V, VA> = {
      initializer,
      adder: (key, value, aggregate) => adder(key, value, aggregate ?? initializer()),
      subtractor,
    };
    return this.#aggregate('KTABLE-AGGREGATE-', aggregation, undefined, materialized);
  }

  #aggregate<VA>(
    prefix: string,
    aggregation: TableAggregation<K, V, VA>,
    defaultValue: Serde<VA> | undefined,
    materialized: Materialized<K, VA>,
  ): KTable<K, VA> {
    const { graph } = this.#dsl;
    // Kafka Streams names the stores of reduced tables like those of other aggregates.
    const storeName = graph.storeName(materialized.as, 'KTABLE-AGGREGATE-');
    const parent = this.#repartition(materialized.name, storeName);
    const name = graph.name(materialized.name, prefix);
    const operator = new TableAggregate<K, V, VA>(storeName, aggregation);
    const serdes = { key: materialized.key ?? this.#grouping.key, value: materialized.value ?? defaultValue };
    graph.add((topology) =>
      topology
        .addProcessor({ name, supplier: () => operator.processor(), parents: [parent] })
        .addStateStore(tableStoreBuilder(graph.stores, storeName, serdes, materialized), [name]),
    );
    return this.#dsl.table({
      name,
      ...serdes,
      operator,
      queryableStoreName: materialized.as,
      closeDelayMs: undefined,
      versioned: false,
    });
  }

  /** The source behind the repartition topic: one for each aggregate, or one for all when the grouping has a name. */
  #repartition(named: string | undefined, storeName: string): string {
    const { graph } = this.#dsl;
    const { repartitionName, name: parent } = this.#grouping;
    const sink = named === undefined ? graph.nextName('KSTREAM-SINK-') : `${named}-sink`;
    const source = named === undefined ? graph.nextName('KSTREAM-SOURCE-') : `${named}-source`;
    if (repartitionName !== undefined && this.#source !== undefined) return this.#source;
    const topic = repartitionName ?? storeName;
    const key = requireSerde(this.#grouping.key, 'key', `${topic}-repartition`);
    const value = changeSerde(requireSerde(this.#grouping.value, 'value', `${topic}-repartition`));
    graph.addRepartitionTopic(topic, undefined);
    graph.add((topology) =>
      topology
        .addSink({ name: sink, topic, key, value, parents: [parent] })
        .addSource({ name: source, topics: [topic], key, value }),
    );
    this.#source = source;
    return source;
  }
}
