/**
 * A due store with the event time that its operator has seen, and the number of its entries.
 *
 * Invariants:
 * - Each changelog record is stamped with that time, so a restore that ends at the last commit knows it again.
 * - The number is exact; it is counted anew where writes were taken back.
 */
import type { LogRecord, StateBatch } from '../streams/ports.ts';
import type { TimedDueStore } from '../streams/state-store-timed.ts';
import type { StoreContext } from '../streams/state-store.ts';
import { BackedDueKeyValueStore, type DueKeyValueStoreOptions } from './due-key-value-store.ts';
import { DurableTime } from './observed-time.ts';

export class BackedTimedDueStore<K, V> extends BackedDueKeyValueStore<K, V> implements TimedDueStore<K, V> {
  readonly #observed: DurableTime;
  /** Undefined: to be counted. */
  #entries: number | undefined;

  constructor(options: DueKeyValueStoreOptions<K, V>, context: StoreContext) {
    const observed = new DurableTime(context.backend, `observed-${options.name}`);
    super(options, { ...context, streamTimeMs: () => observed.ms });
    this.#observed = observed;
  }

  get observedTimeMs(): number {
    return this.#observed.ms;
  }

  observe(timestampMs: number): void {
    this.#observed.observe(timestampMs);
  }

  get entries(): number {
    if (this.#entries === undefined) {
      this.#entries = 0;
      for (const _entry of this.all()) this.#entries += 1;
    }
    return this.#entries;
  }

  override put(key: K, value: V): void {
    if (this.#entries !== undefined && this.get(key) === undefined) this.#entries += 1;
    super.put(key, value);
  }

  override delete(key: K): void {
    if (this.#entries !== undefined && this.get(key) !== undefined) this.#entries -= 1;
    super.delete(key);
  }

  override stage(batch: StateBatch): void {
    super.stage(batch);
    this.#observed.stage(batch);
  }

  override rollback(): void {
    super.rollback();
    this.#observed.rollback();
    this.#entries = undefined;
  }

  override mark(): void {
    super.mark();
    this.#observed.mark();
  }

  override undo(): void {
    super.undo();
    this.#observed.undo();
    this.#entries = undefined;
  }

  override restore(records: readonly LogRecord[], batch: StateBatch): void {
    super.restore(records, batch);
    this.#entries = undefined;
    for (const { timestampMs } of records) this.#observed.observe(timestampMs);
    this.#observed.stage(batch);
  }
}
