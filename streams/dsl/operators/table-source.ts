/**
 * A table kept from the records of a topic or stream, the last one of each key.
 *
 * Invariant: it has a store only if it was named or somebody looks values up; without one it sends updates on without the
 * former values.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { Change } from '../change.ts';
import { DroppedRecords } from './dropped.ts';
import { withValue } from './stateless.ts';
import type { Sending, TableOperator, TableView } from './table-operator.ts';
import { openTableStore, storeView, type TableStore } from './table-store.ts';

export class TableSource<K, V> implements TableOperator<K, V> {
  readonly storeName: string;
  #materialized: boolean;
  #oldValues = false;

  constructor(storeName: string, materialized: boolean) {
    this.storeName = storeName;
    this.#materialized = materialized;
  }

  get materialized(): boolean {
    return this.#materialized;
  }

  sendOldValues(force: boolean): boolean {
    if (!force && !this.#materialized) return false;
    this.#materialized = true;
    this.#oldValues = true;
    return true;
  }

  view(): TableView<K, V> {
    this.#materialized = true;
    return storeView(this.storeName);
  }

  processor(node: string): Processor<K | null, V | null, K, Change<V>> {
    const sending = { oldValues: this.#oldValues };
    return new TableSourceProcessor(node, this.#materialized ? this.storeName : undefined, sending);
  }
}

class TableSourceProcessor<K, V> implements Processor<K | null, V | null, K, Change<V>> {
  readonly #node: string;
  readonly #storeName: string | undefined;
  readonly #sending: Sending;
  #context!: ProcessorContext<K, Change<V>>;
  #store: TableStore<K, V> | undefined;
  #dropped!: DroppedRecords;

  constructor(node: string, storeName: string | undefined, sending: Sending) {
    this.#node = node;
    this.#storeName = storeName;
    this.#sending = sending;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context;
    this.#dropped = new DroppedRecords(context, this.#node);
    if (this.#storeName !== undefined) this.#store = openTableStore(context, this.#storeName);
  }

  process(record: Record<K | null, V | null>): void {
    const { key, value: newValue, timestampMs } = record;
    if (key === null) {
      this.#dropped.add('null-key');
      return;
    }
    const keyed = record as Record<K, V | null>;
    if (this.#store === undefined) {
      this.#context.forward(withValue(keyed, { newValue, oldValue: null, isLatest: true }));
      return;
    }
    const former = this.#sending.oldValues ? (this.#store.get(key)?.value ?? null) : null;
    const put = this.#store.put(key, newValue, timestampMs);
    if (put === 'expired') {
      this.#dropped.add('late');
      return;
    }
    this.#context.forward(withValue(keyed, { newValue, oldValue: former, isLatest: put === 'latest' }));
  }
}

/** Keeps the store of a global table, which nothing is downstream of. */
export class GlobalTableKeeper<K, V> implements Processor<K | null, V | null> {
  readonly #node: string;
  readonly #storeName: string;
  #store!: TableStore<K, V>;
  #dropped!: DroppedRecords;

  constructor(node: string, storeName: string) {
    this.#node = node;
    this.#storeName = storeName;
  }

  init(context: ProcessorContext): void {
    this.#store = openTableStore(context, this.#storeName);
    this.#dropped = new DroppedRecords(context, this.#node);
  }

  process({ key, value, timestampMs }: Record<K | null, V | null>): void {
    if (key === null) this.#dropped.add('null-key');
    else this.#store.put(key, value, timestampMs);
  }
}
