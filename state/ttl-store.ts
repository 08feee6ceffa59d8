/**
 * A key-value store whose entries are gone some time after they were last written.
 *
 * Invariants:
 * - Time is the task's stream time, so a replay forgets the same entries at the same places.
 * - An entry whose time is over is never returned, whether or not it was deleted already.
 * - Expired entries are found by due time and not by scanning, a bounded number with each write; so what is stored stays
 *   in proportion to what was written within the time to live.
 */
import type { LogRecord, StateBatch } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import type { ChangelogSink, KeyValueEntry, KeyValueStore, ScanOptions, StoreContext } from '../streams/state-store.ts';
import { asBuffer, readInt64, writeInt64 } from './bytes.ts';
import { BackedDueKeyValueStore } from './due-key-value-store.ts';
import type { KeyValueStoreOptions } from './key-value-store.ts';

export interface TtlStoreOptions<K, V> extends KeyValueStoreOptions<K, V> {
  /** How long after its last write an entry is there, by stream time. Milliseconds. */
  readonly ttlMs: number;
}

export interface Expiring<V> {
  readonly value: V;
  readonly expiresAtMs: number;
}

const TIME_BYTES = 8;
/** More than one, so that what has expired becomes fewer with every write. */
const MOST_REMOVED_PER_WRITE = 16;

export class BackedTtlKeyValueStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string;
  readonly #ttlMs: number;
  readonly #context: StoreContext;
  readonly #entries: BackedDueKeyValueStore<K, Expiring<V>>;

  /** Throws a `RangeError` when the time to live is not whole milliseconds, 1 at least. */
  constructor(options: TtlStoreOptions<K, V>, context: StoreContext) {
    const { name, ttlMs, value } = options;
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1) {
      throw new RangeError(`The time to live of "${name}" must be whole milliseconds, 1 at least, not ${ttlMs}.`);
    }
    this.name = name;
    this.#ttlMs = ttlMs;
    this.#context = context;
    const due = { ...options, value: expiringSerde(value), dueAtMs: (entry: Expiring<V>) => entry.expiresAtMs };
    this.#entries = new BackedDueKeyValueStore(due, context);
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#isThere(entry) ? entry.value : undefined;
  }

  put(key: K, value: V): void {
    this.#entries.put(key, { value, expiresAtMs: this.#nowMs + this.#ttlMs });
    this.#removeExpired();
  }

  delete(key: K): void {
    this.#entries.delete(key);
    this.#removeExpired();
  }

  prefetch(keys: readonly K[]): void {
    this.#entries.prefetch(keys);
  }

  range(from: K | undefined, to: K | undefined, options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>> {
    return this.#unexpired(this.#entries.range(from, to, options));
  }

  prefixScan(prefix: Uint8Array, options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>> {
    return this.#unexpired(this.#entries.prefixScan(prefix, options));
  }

  all(options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>> {
    return this.#unexpired(this.#entries.all(options));
  }

  approximateEntries(): number {
    return this.#entries.approximateEntries();
  }

  get dirtyEntries(): number {
    return this.#entries.dirtyEntries;
  }

  flush(changelog: ChangelogSink): void {
    this.#entries.flush(changelog);
  }

  stage(batch: StateBatch): void {
    this.#entries.stage(batch);
  }

  rollback(): void {
    this.#entries.rollback();
  }

  mark(): void {
    this.#entries.mark();
  }

  undo(): void {
    this.#entries.undo();
  }

  restore(records: readonly LogRecord[], batch: StateBatch): void {
    this.#entries.restore(records, batch);
  }

  close(): void {
    this.#entries.close();
  }

  get #nowMs(): number {
    return Math.max(0, this.#context.streamTimeMs());
  }

  #isThere({ expiresAtMs }: Expiring<V>): boolean {
    return expiresAtMs > this.#nowMs;
  }

  *#unexpired(entries: IterableIterator<KeyValueEntry<K, Expiring<V>>>): Generator<KeyValueEntry<K, V>, undefined> {
    for (const { key, value: entry } of entries) if (this.#isThere(entry)) yield { key, value: entry.value };
  }

  #removeExpired(): void {
    for (let removed = 0; removed < MOST_REMOVED_PER_WRITE; removed += 1) {
      const expired = this.#entries.peekDue(this.#nowMs);
      if (expired === undefined) return;
      this.#entries.delete(expired.key);
    }
  }
}

/** When it expires, then the value. */
export const expiringSerde = <V>(serde: Serde<V>): Serde<Expiring<V>> => ({
  serialize: (topic, { value, expiresAtMs }) => {
    const bytes = serde.serialize(topic, value);
    if (bytes === null) throw new TypeError(`The serde of "${topic}" wrote null; delete the entry instead.`);
    const out = Buffer.allocUnsafe(TIME_BYTES + bytes.length);
    writeInt64(out, expiresAtMs, 0);
    out.set(bytes, TIME_BYTES);
    return out;
  },
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    return {
      expiresAtMs: readInt64(asBuffer(bytes), 0),
      value: serde.deserialize(topic, bytes.subarray(TIME_BYTES)),
    };
  },
});
