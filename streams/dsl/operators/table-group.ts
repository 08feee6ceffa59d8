/**
 * Grouping and aggregating the rows of a table.
 *
 * Invariant: an update takes the row's former value out of its former group before it adds the new one to its new group, so
 * an aggregate is always that of the rows as they are.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { Serde } from '../../serde.ts';
import type { Change } from '../change.ts';
import type { Aggregator, Initializer } from '../options.ts';
import { bytesOf } from '../serdes.ts';
import { withPair } from './stateless.ts';
import { laterMs, type Sending, type TableOperator, type TableView } from './table-operator.ts';
import { openTableStore, storeView, type TableStore } from './table-store.ts';

export interface GroupSelection<K, V, KR, VR> {
  readonly selector: (key: K, value: V) => readonly [KR, VR];
  readonly keySerde: Serde<NonNullable<KR>> | undefined;
  /** Given to the serde for a topic. */
  readonly node: string;
  /** Updates of the past are no part of the aggregate. */
  readonly skipsPast: boolean;
}

type Pair<K, V> = readonly [NonNullable<K>, NonNullable<V>];

export class GroupSelector<K, V, KR, VR> implements Processor<K, Change<V>, NonNullable<KR>, Change<NonNullable<VR>>> {
  readonly #selection: GroupSelection<K, V, KR, VR>;
  #context!: ProcessorContext<NonNullable<KR>, Change<NonNullable<VR>>>;

  constructor(selection: GroupSelection<K, V, KR, VR>) {
    this.#selection = selection;
  }

  init(context: ProcessorContext<NonNullable<KR>, Change<NonNullable<VR>>>): void {
    this.#context = context;
  }

  process(record: Record<K, Change<V>>): void {
    const { newValue, oldValue, isLatest } = record.value;
    if (this.#selection.skipsPast && !isLatest) return;
    const added = this.#select(record.key, newValue);
    const removed = this.#select(record.key, oldValue);
    if (added !== undefined && removed !== undefined && this.#sameKey(added[0], removed[0])) {
      this.#send(record, added[0], { newValue: added[1], oldValue: removed[1], isLatest });
      return;
    }
    if (removed !== undefined) this.#send(record, removed[0], { newValue: null, oldValue: removed[1], isLatest });
    if (added !== undefined) this.#send(record, added[0], { newValue: added[1], oldValue: null, isLatest });
  }

  #send(record: Record<K, Change<V>>, key: NonNullable<KR>, change: Change<NonNullable<VR>>): void {
    this.#context.forward(withPair(record, [key, change]));
  }

  #select(key: K, value: V | null): Pair<KR, VR> | undefined {
    if (value === null) return undefined;
    const [newKey, newValue] = this.#selection.selector(key, value);
    const complete = newKey !== null && newKey !== undefined && newValue !== null && newValue !== undefined;
    return complete ? [newKey, newValue] : undefined;
  }

  #sameKey(one: NonNullable<KR>, other: NonNullable<KR>): boolean {
    const { keySerde, node } = this.#selection;
    if (one === other || keySerde === undefined) return one === other;
    return Buffer.compare(bytesOf(keySerde, node, one), bytesOf(keySerde, node, other)) === 0;
  }
}

export interface TableAggregation<K, V, VA> {
  readonly initializer: Initializer<VA | null>;
  readonly adder: (key: K, value: V, aggregate: VA | null) => VA | null;
  readonly subtractor: Aggregator<K, V, VA>;
}

export class TableAggregate<K, V, VA> implements TableOperator<K, VA> {
  readonly #storeName: string;
  readonly #aggregation: TableAggregation<K, V, VA>;
  #oldValues = false;

  constructor(storeName: string, aggregation: TableAggregation<K, V, VA>) {
    this.#storeName = storeName;
    this.#aggregation = aggregation;
  }

  sendOldValues(): boolean {
    this.#oldValues = true;
    return true;
  }

  view(): TableView<K, VA> {
    return storeView(this.#storeName);
  }

  processor(): Processor<K, Change<V>, K, Change<VA>> {
    return new TableAggregateProcessor(this.#storeName, this.#aggregation, { oldValues: this.#oldValues });
  }
}

class TableAggregateProcessor<K, V, VA> implements Processor<K, Change<V>, K, Change<VA>> {
  readonly #storeName: string;
  readonly #aggregation: TableAggregation<K, V, VA>;
  readonly #sending: Sending;
  #context!: ProcessorContext<K, Change<VA>>;
  #store!: TableStore<K, VA>;

  constructor(storeName: string, aggregation: TableAggregation<K, V, VA>, sending: Sending) {
    this.#storeName = storeName;
    this.#aggregation = aggregation;
    this.#sending = sending;
  }

  init(context: ProcessorContext<K, Change<VA>>): void {
    this.#context = context;
    this.#store = openTableStore(context, this.#storeName);
  }

  process({ key, value: change, timestampMs, headers }: Record<K, Change<V>>): void {
    const { initializer, adder, subtractor } = this.#aggregation;
    const row = this.#store.get(key);
    const former = row?.value ?? null;
    let aggregate: VA | null = former;
    if (change.oldValue !== null && former !== null) aggregate = subtractor(key, change.oldValue, former);
    if (change.newValue !== null) aggregate = adder(key, change.newValue, aggregate ?? initializer());
    const changed = (change.oldValue !== null && former !== null) || change.newValue !== null;
    const resultMs = changed ? laterMs(timestampMs, row?.timestampMs) : timestampMs;
    this.#store.put(key, aggregate, resultMs);
    const oldValue = this.#sending.oldValues ? former : null;
    this.#context.forward({
      key,
      value: { newValue: aggregate, oldValue, isLatest: true },
      timestampMs: resultMs,
      headers,
    });
  }
}
