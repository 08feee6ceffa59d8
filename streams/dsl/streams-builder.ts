/**
 * Where a topology in the DSL begins: streams, tables and stores of their own, and at the end the topology itself.
 *
 * Invariant: nothing runs while a topology is put together; the same calls always give the same topology with the same names.
 */
import type { StoreSuppliers } from '../state-store-timed.ts';
import type { StoreBuilder } from '../state-store.ts';
import type { GlobalStoreOptions, Topology } from '../topology.ts';
import type { GlobalKTable, KStream, KTable } from './api.ts';
import { DslGraph } from './graph.ts';
import { KGroupedStreamNode } from './grouped-stream.ts';
import { KGroupedTableNode } from './grouped-table.ts';
import { KStreamNode } from './kstream.ts';
import { KTableNode } from './ktable.ts';
import { GlobalTableKeeper } from './operators/table-source.ts';
import { tableStoreBuilder } from './operators/table-store.ts';
import type { Consumed, Materialized, TableMaterialized } from './options.ts';
import { nullable } from './serdes.ts';
import type { Dsl } from './shapes.ts';
import { topicToTable } from './table-source.ts';

export interface StreamsBuilderOptions {
  /** Makes the stores that operators need. */
  readonly stores: StoreSuppliers;
}

export class StreamsBuilder {
  readonly #graph: DslGraph;
  readonly #dsl: Dsl;

  constructor({ stores }: StreamsBuilderOptions) {
    const graph = new DslGraph(stores);
    this.#graph = graph;
    this.#dsl = {
      graph,
      stream: (shape) => new KStreamNode(this.#dsl, shape),
      table: (shape) => new KTableNode(this.#dsl, shape),
      groupedStream: (grouping) => new KGroupedStreamNode(this.#dsl, grouping),
      groupedTable: (grouping) => new KGroupedTableNode(this.#dsl, grouping),
    };
  }

  /** A topic may be asked for more than once, with the same serdes. */
  stream<K, V>(topics: string | readonly string[], consumed: Consumed<K, V>): KStream<K, V> {
    const { key, value, timestampExtractor } = consumed;
    const generated = this.#graph.name(consumed.name, 'KSTREAM-SOURCE-');
    const name = this.#graph.streamSource<K, V>({
      name: generated,
      topics: typeof topics === 'string' ? [topics] : topics,
      key,
      value,
      ...(timestampExtractor !== undefined && { timestampExtractor }),
    });
    return this.#dsl.stream({ name, key, value, repartitionRequired: false });
  }

  /** The last value of each key of a topic. Null deletes; records without a key are dropped and counted. */
  table<K, V>(topic: string, consumed: Consumed<K, V>, materialized: TableMaterialized<K, V> = {}): KTable<K, V> {
    return this.#dsl.table(topicToTable(this.#graph, topic, consumed, materialized));
  }

  /** The same with the content of all partitions, on every instance. */
  globalTable<K, V>(
    topic: string,
    consumed: Consumed<K, V>,
    materialized: Materialized<K, V> = {},
  ): GlobalKTable<K, V> {
    const graph = this.#graph;
    const storeName = graph.storeName(materialized.as, `${topic}-`);
    const named = consumed.name;
    const source = named === undefined ? graph.nextName('KSTREAM-SOURCE-') : `${named}-table-source`;
    const processor = graph.name(named, 'KTABLE-SOURCE-');
    graph.addExternalTopic(topic);
    graph.add((topology) =>
      topology.addGlobalStore<K | null, V | null>({
        store: tableStoreBuilder(graph.stores, storeName, consumed, { ...materialized, logging: false }),
        source,
        topic,
        key: nullable(consumed.key),
        value: nullable(consumed.value),
        processor,
        supplier: () => new GlobalTableKeeper<K, V>(processor, storeName),
      }),
    );
    return { kind: 'global-table', queryableStoreName: storeName };
  }

  /** A store for processors that name it. */
  addStateStore(builder: StoreBuilder): this {
    this.#graph.add((topology) => topology.addStateStore(builder));
    return this;
  }

  /** A store with the whole content of a topic, kept by a processor of its own. */
  addGlobalStore<K, V>(options: GlobalStoreOptions<K, V>): this {
    this.#graph.addExternalTopic(options.topic);
    this.#graph.add((topology) => topology.addGlobalStore(options));
    return this;
  }

  /** What the calls so far add up to. */
  build(): Topology {
    return this.#graph.build();
  }
}
