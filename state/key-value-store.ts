/**
 * A key-value store over a key space.
 *
 * Invariant: reads see uncommitted writes; the key space sees them only through `stage`.
 */
import type { KeySpace, LogRecord, StateBatch } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import type { ChangelogSink, KeyValueEntry, KeyValueStore, ScanOptions, StoreContext } from '../streams/state-store.ts';
import { prefixEnd } from './bytes.ts';
import type { KeyCodec } from './codecs.ts';
import { WriteBackCache, type WriteListener } from './write-back-cache.ts';

export interface KeyValueStoreOptions<K, V> {
  readonly name: string;
  readonly key: KeyCodec<K>;
  /** Is given the store's name for a topic. */
  readonly value: Serde<V>;
  readonly cacheEntries: number;
}

export class BackedKeyValueStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string;
  protected readonly context: StoreContext;
  protected readonly space: KeySpace;
  protected readonly codec: KeyCodec<K>;
  protected readonly cache: WriteBackCache<K, V>;

  constructor(options: KeyValueStoreOptions<K, V>, context: StoreContext, listener?: WriteListener<K, V>) {
    this.name = options.name;
    this.context = context;
    this.codec = options.key;
    this.space = context.backend.keySpace(options.name);
    this.cache = new WriteBackCache({
      storeName: options.name,
      space: this.space,
      key: options.key,
      value: options.value,
      cacheEntries: options.cacheEntries,
      ...(listener === undefined ? {} : { listener }),
    });
  }

  get(key: K): V | undefined {
    return this.cache.get(key);
  }

  put(key: K, value: V): void {
    this.cache.put(key, value);
  }

  delete(key: K): void {
    this.cache.put(key, undefined);
  }

  prefetch(keys: readonly K[]): void {
    this.cache.prefetch(keys);
  }

  range(
    from: K | undefined,
    to: K | undefined,
    { reverse = false }: ScanOptions = {},
  ): IterableIterator<KeyValueEntry<K, V>> {
    const [first, end] = [from, to].map((key) => (key === undefined ? undefined : this.codec.encode(key)));
    return decoded(this.cache.range(first, end, reverse), this.codec);
  }

  prefixScan(prefix: Uint8Array, { reverse = false }: ScanOptions = {}): IterableIterator<KeyValueEntry<K, V>> {
    return decoded(this.cache.range(prefix, prefixEnd(prefix), reverse), this.codec);
  }

  all(options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>> {
    return this.range(undefined, undefined, options);
  }

  approximateEntries(): number {
    return this.space.approximateEntries() + this.dirtyEntries;
  }

  get dirtyEntries(): number {
    return this.cache.dirtyEntries.length;
  }

  flush(changelog: ChangelogSink): void {
    this.cache.flush(changelog, Math.max(0, this.context.streamTimeMs()));
  }

  stage(batch: StateBatch): void {
    this.cache.stage(batch);
  }

  rollback(): void {
    this.cache.rollback();
  }

  mark(): void {
    this.cache.mark();
  }

  undo(): void {
    this.cache.undo();
  }

  restore(records: readonly LogRecord[], batch: StateBatch): void {
    this.cache.clear();
    for (const { key, value } of records) {
      if (key === null) throw new TypeError(`The changelog of "${this.name}" has a record without a key.`);
      if (value === null) batch.delete(this.space, key);
      else batch.put(this.space, key, value);
    }
  }

  close(): void {
    this.cache.rollback();
    this.cache.clear();
  }
}

function* decoded<K, V>(
  entries: IterableIterator<readonly [Uint8Array, V]>,
  codec: KeyCodec<K>,
): Generator<KeyValueEntry<K, V>, undefined> {
  for (const [key, value] of entries) yield { key: codec.decode(key), value };
}
