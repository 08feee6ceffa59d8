/**
 * A grouped stream by windows.
 *
 * Invariant: `emitStrategy` changes when results are sent on, never which ones are kept.
 */
import type { Processor } from '../processor.ts';
import type { Serde } from '../serde.ts';
import { int64Serde } from '../serdes.ts';
import { aggregatedTable } from './aggregated-table.ts';
import type { KTable, SessionWindowedKStream, TimeWindowedKStream } from './api.ts';
import type { Change } from './change.ts';
import type { Aggregator, Initializer, Merger, Reducer, WindowMaterialized } from './options.ts';
import { aggregating, counting, reducing, type AggregateNode, type StreamAggregation } from './operators/aggregate.ts';
import { SessionAggregate } from './operators/session-aggregate.ts';
import { SlidingAggregate } from './operators/sliding-aggregate.ts';
import { WindowAggregate } from './operators/window-aggregate.ts';
import type { Dsl, Grouping } from './shapes.ts';
import { windowedStore } from './window-store.ts';
import type { EmitStrategy, FixedWindows, SessionWindows, SlidingWindows, Windowed } from './windows.ts';

/** The aggregate of two merged sessions; null stands for one that has none. */
export type SessionMerge<K, VA> = (key: K, aggregate: VA | null, other: VA) => VA | null;

/** What to aggregate by windows. `merge` is for sessions. */
export interface WindowedAggregation<K, V, VA> {
  readonly prefix: string;
  readonly aggregation: StreamAggregation<K, V, VA>;
  readonly merge?: SessionMerge<K, VA>;
  readonly value: Serde<VA> | undefined;
  readonly materialized: WindowMaterialized<K, VA>;
}

type AnyWindows = FixedWindows | SlidingWindows | SessionWindows;

/** The processor that aggregates by these windows. */
export function windowProcessor<K, V, VA>(
  windows: AnyWindows,
  emit: EmitStrategy,
  node: AggregateNode<K, V, VA>,
  merge: SessionMerge<K, VA> = (_key, aggregate) => aggregate,
): Processor<K | null, V, Windowed<K>, Change<VA>> {
  switch (windows.kind) {
    case 'fixed':
      return new WindowAggregate({ ...node, windows, emit });
    case 'sliding':
      return new SlidingAggregate({ ...node, windows, emit });
    case 'session':
      return new SessionAggregate({ ...node, windows, emit, merge });
  }
}

function windowedTable<K, V, VA>(
  dsl: Dsl,
  grouping: Grouping<K, V>,
  windows: AnyWindows,
  emit: EmitStrategy,
  { prefix, aggregation, merge, value, materialized }: WindowedAggregation<K, V, VA>,
): KTable<Windowed<K>, VA> {
  const { graph } = dsl;
  const storeName = graph.storeName(materialized.as, prefix);
  const name = graph.name(materialized.name, prefix);
  const serdes = { key: materialized.key ?? grouping.key, value: materialized.value ?? value };
  const store = windowedStore(graph, storeName, windows, serdes, materialized);
  return aggregatedTable<Windowed<K>, VA>(dsl, {
    parts: [
      {
        name,
        parent: grouping.parent(storeName),
        processor: (sending) => windowProcessor(windows, emit, { node: name, storeName, aggregation, sending }, merge),
      },
    ],
    store: store.builder,
    view: store.view,
    key: store.keySerde,
    value: serdes.value,
    queryableStoreName: materialized.as,
    closeDelayMs: store.closeDelayMs,
    versioned: false,
  });
}

export class TimeWindowedNode<K, V> implements TimeWindowedKStream<K, V> {
  readonly #dsl: Dsl;
  readonly #grouping: Grouping<K, V>;
  readonly #windows: FixedWindows | SlidingWindows;
  readonly #emit: EmitStrategy;

  constructor(dsl: Dsl, grouping: Grouping<K, V>, windows: FixedWindows | SlidingWindows, emit: EmitStrategy) {
    this.#dsl = dsl;
    this.#grouping = grouping;
    this.#windows = windows;
    this.#emit = emit;
  }

  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    return new TimeWindowedNode(this.#dsl, this.#grouping, this.#windows, strategy);
  }

  count(materialized: WindowMaterialized<K, number> = {}): KTable<Windowed<K>, number> {
    return this.#table<number>({
      prefix: 'KSTREAM-AGGREGATE-',
      aggregation: counting,
      value: int64Serde,
      materialized,
    });
  }

  reduce(reducer: Reducer<V>, materialized: WindowMaterialized<K, V> = {}): KTable<Windowed<K>, V> {
    const aggregation = reducing<V>(reducer as Reducer<NonNullable<V>>) as StreamAggregation<K, V, V>;
    return this.#table({ prefix: 'KSTREAM-REDUCE-', aggregation, value: this.#grouping.value, materialized });
  }

  aggregate<VA>(
    initializer: Initializer<VA>,
    aggregator: Aggregator<K, V, VA>,
    materialized: WindowMaterialized<K, VA> = {},
  ): KTable<Windowed<K>, VA> {
    const aggregation = aggregating(initializer, aggregator);
    return this.#table({ prefix: 'KSTREAM-AGGREGATE-', aggregation, value: undefined, materialized });
  }

  #table<VA>(aggregation: WindowedAggregation<K, V, VA>): KTable<Windowed<K>, VA> {
    return windowedTable(this.#dsl, this.#grouping, this.#windows, this.#emit, aggregation);
  }
}

export class SessionWindowedNode<K, V> implements SessionWindowedKStream<K, V> {
  readonly #dsl: Dsl;
  readonly #grouping: Grouping<K, V>;
  readonly #windows: SessionWindows;
  readonly #emit: EmitStrategy;

  constructor(dsl: Dsl, grouping: Grouping<K, V>, windows: SessionWindows, emit: EmitStrategy) {
    this.#dsl = dsl;
    this.#grouping = grouping;
    this.#windows = windows;
    this.#emit = emit;
  }

  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return new SessionWindowedNode(this.#dsl, this.#grouping, this.#windows, strategy);
  }

  count(materialized: WindowMaterialized<K, number> = {}): KTable<Windowed<K>, number> {
    const merge: SessionMerge<K, number> = (_key, one, other) => (one ?? 0) + other;
    const prefix = 'KSTREAM-AGGREGATE-';
    return this.#table<number>({ prefix, aggregation: counting, merge, value: int64Serde, materialized });
  }

  reduce(reducer: Reducer<V>, materialized: WindowMaterialized<K, V> = {}): KTable<Windowed<K>, V> {
    const aggregation = reducing<V>(reducer as Reducer<NonNullable<V>>) as StreamAggregation<K, V, V>;
    const merge: SessionMerge<K, V> = (_key, one, other) => (one === null ? other : reducer(one, other));
    return this.#table({ prefix: 'KSTREAM-REDUCE-', aggregation, merge, value: this.#grouping.value, materialized });
  }

  aggregate<VA>(
    initializer: Initializer<VA>,
    aggregator: Aggregator<K, V, VA>,
    merger: Merger<K, VA>,
    materialized: WindowMaterialized<K, VA> = {},
  ): KTable<Windowed<K>, VA> {
    const aggregation = aggregating(initializer, aggregator);
    const merge: SessionMerge<K, VA> = (key, one, other) => merger(key, one ?? initializer(), other);
    return this.#table({ prefix: 'KSTREAM-AGGREGATE-', aggregation, merge, value: undefined, materialized });
  }

  #table<VA>(aggregation: WindowedAggregation<K, V, VA>): KTable<Windowed<K>, VA> {
    return windowedTable(this.#dsl, this.#grouping, this.#windows, this.#emit, aggregation);
  }
}
