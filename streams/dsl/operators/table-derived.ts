/**
 * Tables worked out row by row from another table: filtered or mapped.
 *
 * Invariant: the result of a row depends on its key and value alone, so it need not be stored to be known.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { ValueAndTimestamp } from '../../state-store-timed.ts';
import type { Change } from '../change.ts';
import { withValue } from './stateless.ts';
import type { Sending, TableOperator, TableView } from './table-operator.ts';
import { openTableStore, storeView, type TableStore } from './table-store.ts';

export interface Derivation<K, V, VR> {
  /** Null: there is no such row. */
  readonly derive: (key: K, value: V) => VR | null;
  /** Undefined: not stored. */
  readonly storeName: string | undefined;
  /** Whether an update that changes nothing, because there was and is no row, stays here, as far as that is known. */
  readonly dropsUnchanged: boolean;
}

export class DerivedTable<K, V, VR> implements TableOperator<K, VR> {
  readonly #parent: TableOperator<K, V>;
  readonly #derivation: Derivation<K, V, VR>;
  #oldValues: boolean;

  constructor(parent: TableOperator<K, V>, derivation: Derivation<K, V, VR>) {
    this.#parent = parent;
    this.#derivation = derivation;
    // Former values that cost nothing are asked for where they spare others needless tombstones.
    this.#oldValues = derivation.dropsUnchanged && parent.sendOldValues(false);
  }

  sendOldValues(force: boolean): boolean {
    if (this.#derivation.storeName !== undefined || this.#parent.sendOldValues(force)) this.#oldValues = true;
    return this.#oldValues;
  }

  view(): TableView<K, VR> {
    const { storeName, derive } = this.#derivation;
    return storeName === undefined ? derivedView(this.#parent.view(), derive) : storeView(storeName);
  }

  processor(): Processor<K, Change<V>, K, Change<VR>> {
    return new DerivedTableProcessor(this.#derivation, { oldValues: this.#oldValues });
  }
}

const derivedView = <K, V, VR>(view: TableView<K, V>, derive: (key: K, value: V) => VR | null): TableView<K, VR> => ({
  stores: view.stores,
  open: (context) => {
    const parent = view.open(context);
    const derived = (key: K, row: ValueAndTimestamp<V> | undefined): ValueAndTimestamp<VR> | undefined => {
      const value = row && derive(key, row.value);
      return value === undefined || value === null ? undefined : { value, timestampMs: row?.timestampMs ?? -1 };
    };
    return {
      get: (key) => derived(key, parent.get(key)),
      getAsOf: (key, timestampMs) => derived(key, parent.getAsOf(key, timestampMs)),
    };
  },
});

class DerivedTableProcessor<K, V, VR> implements Processor<K, Change<V>, K, Change<VR>> {
  readonly #derivation: Derivation<K, V, VR>;
  readonly #sending: Sending;
  #context!: ProcessorContext<K, Change<VR>>;
  #store: TableStore<K, VR> | undefined;

  constructor(derivation: Derivation<K, V, VR>, sending: Sending) {
    this.#derivation = derivation;
    this.#sending = sending;
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.#context = context;
    const { storeName } = this.#derivation;
    if (storeName !== undefined) this.#store = openTableStore(context, storeName);
  }

  process(record: Record<K, Change<V>>): void {
    const { key, value: change, timestampMs } = record;
    const newValue = this.#derive(key, change.newValue);
    const oldValue = this.#sending.oldValues ? this.#former(key, change) : null;
    const knownUnchanged = this.#sending.oldValues && oldValue === null && newValue === null;
    if (this.#derivation.dropsUnchanged && knownUnchanged) return;
    let { isLatest } = change;
    if (this.#store !== undefined) {
      this.#store.put(key, newValue, timestampMs);
      isLatest = true;
    }
    this.#context.forward(withValue(record, { newValue, oldValue, isLatest }));
  }

  #derive(key: K, value: V | null): VR | null {
    return value === null ? null : this.#derivation.derive(key, value);
  }

  #former(key: K, change: Change<V>): VR | null {
    return this.#store === undefined ? this.#derive(key, change.oldValue) : (this.#store.get(key)?.value ?? null);
  }
}
