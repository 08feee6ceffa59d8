/**
 * A grouped stream: its aggregates, over all time or by windows.
 *
 * Invariant: equal keys meet in one task, through a repartition topic if the grouping needs one.
 */
import type { Serde } from '../serde.ts';
import { int64Serde } from '../serdes.ts';
import { aggregatedTable } from './aggregated-table.ts';
import type { CogroupedKStream, KGroupedStream, KTable } from './api.ts';
import { CogroupedKStreamNode } from './cogrouped-stream.ts';
import type { Aggregator, Initializer, Reducer, TableMaterialized } from './options.ts';
import { aggregating, counting, KeyAggregate, reducing, type StreamAggregation } from './operators/aggregate.ts';
import { storeView, tableStoreBuilder } from './operators/table-store.ts';
import type { Dsl, Grouping } from './shapes.ts';
import { SessionWindowedNode, TimeWindowedNode } from './windowed-stream.ts';
import type { FixedWindows, SessionWindows, SlidingWindows } from './windows.ts';

export class KGroupedStreamNode<K, V> implements KGroupedStream<K, V> {
  readonly shape: Grouping<K, V>;
  readonly #dsl: Dsl;

  constructor(dsl: Dsl, grouping: Grouping<K, V>) {
    this.#dsl = dsl;
    this.shape = grouping;
  }

  count(materialized: TableMaterialized<K, number> = {}): KTable<K, number> {
    return this.#aggregate<number>('KSTREAM-AGGREGATE-', counting, int64Serde, materialized);
  }

  reduce(
    reducer: Reducer<NonNullable<V>>,
    materialized: TableMaterialized<K, NonNullable<V>> = {},
  ): KTable<K, NonNullable<V>> {
    const value = this.shape.value as Serde<NonNullable<V>> | undefined;
    return this.#aggregate('KSTREAM-REDUCE-', reducing<V>(reducer), value, materialized);
  }

  aggregate<VA>(
    initializer: Initializer<VA>,
    aggregator: Aggregator<K, NonNullable<V>, VA>,
    materialized: TableMaterialized<K, VA> = {},
  ): KTable<K, VA> {
    const aggregation = aggregating(initializer, aggregator as Aggregator<K, V, VA>);
    return this.#aggregate('KSTREAM-AGGREGATE-', aggregation, undefined, materialized);
  }

  windowedBy(windows: FixedWindows | SlidingWindows): TimeWindowedNode<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedNode<K, V>;
  windowedBy(windows: FixedWindows | SlidingWindows | SessionWindows) {
    return windows.kind === 'session'
      ? new SessionWindowedNode(this.#dsl, this.shape, windows, 'on-window-update')
      : new TimeWindowedNode(this.#dsl, this.shape, windows, 'on-window-update');
  }

  cogroup<VA>(aggregator: Aggregator<K, NonNullable<V>, VA>): CogroupedKStream<K, VA> {
    return new CogroupedKStreamNode<K, VA>(this.#dsl, []).cogroup(this, aggregator);
  }

  #aggregate<VA>(
    prefix: string,
    aggregation: StreamAggregation<K, V, VA>,
    defaultValue: Serde<VA> | undefined,
    materialized: TableMaterialized<K, VA>,
  ): KTable<K, VA> {
    const { graph } = this.#dsl;
    const storeName = graph.storeName(materialized.as, prefix);
    const name = graph.name(materialized.name, prefix);
    const serdes = { key: materialized.key ?? this.shape.key, value: materialized.value ?? defaultValue };
    return aggregatedTable<K, VA>(this.#dsl, {
      parts: [
        {
          name,
          parent: this.shape.parent(storeName),
          processor: (sending) => new KeyAggregate({ node: name, storeName, aggregation, sending }),
        },
      ],
      store: () => tableStoreBuilder(graph.stores, storeName, serdes, materialized),
      view: storeView(storeName),
      ...serdes,
      queryableStoreName: materialized.as,
      closeDelayMs: undefined,
      versioned: materialized.historyRetentionMs !== undefined,
    });
  }
}
