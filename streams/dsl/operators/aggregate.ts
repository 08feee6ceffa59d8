/**
 * Aggregating the records of a stream by key.
 *
 * Invariant: an aggregate's time is that of its latest record, whatever the order of arrival.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { Change } from '../change.ts';
import { DroppedRecords } from './dropped.ts';
import { laterMs, type Sending, type TableOperator, type TableView } from './table-operator.ts';
import { openTableStore, type TableStore } from './table-store.ts';

/** Null is the aggregate that does not exist. */
export interface StreamAggregation<K, V, VA> {
  initialize(): VA | null;
  add(key: K, value: V, aggregate: VA | null): VA | null;
}

export const counting: StreamAggregation<unknown, unknown, number> = {
  initialize: () => 0,
  add: (_key, _value, count) => (count ?? 0) + 1,
};

export const reducing = <V>(
  reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null,
): StreamAggregation<unknown, V, NonNullable<V>> => ({
  initialize: () => null,
  add: (_key, value, aggregate) => (aggregate === null ? (value ?? null) : reducer(aggregate, value as NonNullable<V>)),
});

export const aggregating = <K, V, VA>(
  initialize: () => VA,
  aggregator: (key: K, value: V, aggregate: VA) => VA | null,
): StreamAggregation<K, V, VA> => ({
  initialize,
  add: (key, value, aggregate) => aggregator(key, value, aggregate ?? initialize()),
});

/** The table that one or more aggregating nodes keep in one store. */
export class AggregatedTable<K, VA> implements TableOperator<K, VA> {
  readonly #view: TableView<K, VA>;
  #oldValues = false;

  constructor(view: TableView<K, VA>) {
    this.#view = view;
  }

  sendOldValues(): boolean {
    this.#oldValues = true;
    return true;
  }

  get sending(): Sending {
    return { oldValues: this.#oldValues };
  }

  view(): TableView<K, VA> {
    return this.#view;
  }
}

/** What an aggregating node is made of. */
export interface AggregateNode<K, V, VA> {
  readonly node: string;
  readonly storeName: string;
  readonly aggregation: StreamAggregation<K, V, VA>;
  readonly sending: Sending;
}

export class KeyAggregate<K, V, VA> implements Processor<K | null, V | null, K, Change<VA>> {
  readonly #node: AggregateNode<K, V, VA>;
  #context!: ProcessorContext<K, Change<VA>>;
  #store!: TableStore<K, VA>;
  #dropped!: DroppedRecords;

  constructor(node: AggregateNode<K, V, VA>) {
    this.#node = node;
  }

  init(context: ProcessorContext<K, Change<VA>>): void {
    this.#context = context;
    this.#store = openTableStore(context, this.#node.storeName);
    this.#dropped = new DroppedRecords(context, this.#node.node);
  }

  process({ key, value, timestampMs, headers }: Record<K | null, V | null>): void {
    if (key === null || value === null) {
      this.#dropped.add(key === null ? 'null-key' : 'null-value');
      return;
    }
    const { aggregation, sending } = this.#node;
    const row = this.#store.get(key);
    const former = row === undefined ? aggregation.initialize() : row.value;
    const aggregate = aggregation.add(key, value, former);
    const resultMs = laterMs(timestampMs, row?.timestampMs);
    const put = this.#store.put(key, aggregate, resultMs);
    if (put === 'expired') {
      this.#dropped.add('late');
      return;
    }
    const oldValue = sending.oldValues ? former : null;
    const change = { newValue: aggregate, oldValue, isLatest: put === 'latest' };
    this.#context.forward({ key, value: change, timestampMs: resultMs, headers });
  }
}
