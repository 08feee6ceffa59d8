/**
 * Several grouped streams with one aggregate.
 *
 * Invariant: each stream has a node of its own with its own aggregator; all of them write one store and make one table.
 */
import type { Processor } from '../processor.ts';
import { aggregatedTable, type AggregateParts } from './aggregated-table.ts';
import type {
  CogroupedKStream,
  KGroupedStream,
  KTable,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from './api.ts';
import type { Change } from './change.ts';
import type {
  Aggregator,
  Initializer,
  Materialized,
  Merger,
  TableMaterialized,
  WindowMaterialized,
} from './options.ts';
import { aggregating, KeyAggregate, type AggregateNode } from './operators/aggregate.ts';
import { storeView, tableStoreBuilder } from './operators/table-store.ts';
import { groupingOf, type Dsl, type Grouping } from './shapes.ts';
import { windowedStore } from './window-store.ts';
import { windowProcessor, type SessionMerge } from './windowed-stream.ts';
import type { FixedWindows, SessionWindows, SlidingWindows, Windowed } from './windows.ts';

/** One stream with what it adds to the aggregate. */
interface Member<K, VA> {
  readonly grouping: Grouping<K, unknown>;
  readonly aggregator: Aggregator<K, unknown, VA>;
}

type AnyProcessor<KR, VA> = Processor<unknown, unknown, KR, Change<VA>>;
type MakeProcessor<K, KR, VA> = (node: AggregateNode<K, unknown, VA>) => AnyProcessor<KR, VA>;

export class CogroupedKStreamNode<K, VA> implements CogroupedKStream<K, VA> {
  readonly #dsl: Dsl;
  readonly #members: readonly Member<K, VA>[];

  constructor(dsl: Dsl, members: readonly Member<K, VA>[]) {
    this.#dsl = dsl;
    this.#members = members;
  }

  cogroup<V>(grouped: KGroupedStream<K, V>, aggregator: Aggregator<K, NonNullable<V>, VA>): CogroupedKStream<K, VA> {
    const member = { grouping: groupingOf(grouped) as Grouping<K, unknown>, aggregator };
    return new CogroupedKStreamNode(this.#dsl, [...this.#members, member as Member<K, VA>]);
  }

  aggregate(initializer: Initializer<VA>, materialized: TableMaterialized<K, VA> = {}): KTable<K, VA> {
    const { graph } = this.#dsl;
    const storeName = graph.storeName(materialized.as, STORE_PREFIX);
    const serdes = memberSerdes(this.#members, materialized);
    const make: MakeProcessor<K, K, VA> = (node) => new KeyAggregate(node);
    return aggregatedTable<K, VA>(this.#dsl, {
      ...cogroupParts(this.#dsl, this.#members, storeName, initializer, materialized.name, make),
      store: () => tableStoreBuilder(graph.stores, storeName, serdes, materialized),
      view: storeView(storeName),
      ...serdes,
      queryableStoreName: materialized.as,
      closeDelayMs: undefined,
      versioned: materialized.historyRetentionMs !== undefined,
    });
  }

  windowedBy(windows: FixedWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, VA>;
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, VA>;
  windowedBy(windows: FixedWindows | SlidingWindows | SessionWindows) {
    if (windows.kind !== 'session') {
      return {
        aggregate: (initializer: Initializer<VA>, materialized: WindowMaterialized<K, VA> = {}) =>
          this.#windowed(windows, initializer, undefined, materialized),
      } as never;
    }
    return {
      aggregate: (
        initializer: Initializer<VA>,
        merger: Merger<K, VA>,
        materialized: WindowMaterialized<K, VA> = {},
      ) => {
        const merge: SessionMerge<K, VA> = (key, one, other) => merger(key, one ?? initializer(), other);
        return this.#windowed(windows, initializer, merge, materialized);
      },
    } as never;
  }

  #windowed(
    windows: FixedWindows | SlidingWindows | SessionWindows,
    initializer: Initializer<VA>,
    merge: SessionMerge<K, VA> | undefined,
    materialized: WindowMaterialized<K, VA>,
  ): KTable<Windowed<K>, VA> {
    const { graph } = this.#dsl;
    const storeName = graph.storeName(materialized.as, STORE_PREFIX);
    const serdes = memberSerdes(this.#members, materialized);
    const store = windowedStore(graph, storeName, windows, serdes, materialized);
    const make: MakeProcessor<K, Windowed<K>, VA> = (node) => windowProcessor(windows, 'on-window-update', node, merge);
    return aggregatedTable<Windowed<K>, VA>(this.#dsl, {
      ...cogroupParts(this.#dsl, this.#members, storeName, initializer, materialized.name, make),
      store: store.builder,
      view: store.view,
      key: store.keySerde,
      value: serdes.value,
      queryableStoreName: materialized.as,
      closeDelayMs: store.closeDelayMs,
      versioned: false,
    });
  }
}

const STORE_PREFIX = 'COGROUPKSTREAM-AGGREGATE-';

function cogroupParts<K, KR, VA>(
  { graph }: Dsl,
  members: readonly Member<K, VA>[],
  storeName: string,
  initializer: Initializer<VA>,
  named: string | undefined,
  make: MakeProcessor<K, KR, VA>,
): Pick<AggregateParts<KR, VA>, 'parts' | 'mergeName'> {
  const parents = members.map(({ grouping }) => grouping.parent(storeName));
  const parts = members.map(({ aggregator }, index) => {
    const node = named === undefined ? graph.nextName(STORE_PREFIX) : `${named}-cogroup-agg-${index}`;
    const aggregation = aggregating(initializer, aggregator);
    return {
      name: node,
      parent: parents[index] as string,
      processor: (sending: AggregateNode<K, unknown, VA>['sending']) => make({ node, storeName, aggregation, sending }),
    };
  });
  const mergeName = named === undefined ? graph.nextName('COGROUPKSTREAM-MERGE-') : `${named}-cogroup-merge`;
  return { parts, mergeName };
}

/** The key's serde is that of any of the streams. */
const memberSerdes = <K, VA>(members: readonly Member<K, VA>[], materialized: Materialized<K, VA>) => ({
  key: materialized.key ?? members.find(({ grouping }) => grouping.key !== undefined)?.grouping.key,
  value: materialized.value,
});
