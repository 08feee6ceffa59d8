/**
 * The memory of a store between it and its key space: uncommitted writes, and values read or committed lately.
 *
 * Invariants:
 * - Uncommitted entries are never evicted; clean ones are, oldest half first, so memory is bounded by the capacity and what
 *   one commit writes.
 * - A value is decoded once while it is held, and encoded once per commit, whether it was written once or many times.
 * - Values are shared, not copied: nobody may change one after it was read or put.
 */
import type { KeySpace, StateBatch } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import type { ChangelogSink } from '../streams/state-store.ts';
import type { KeyCodec } from './codecs.ts';
import { MergedRange } from './merged-range.ts';
import { SortedMap } from './sorted-map.ts';
import { ValueArena } from './value-arena.ts';

/** Stands for a value that was not read yet. */
export const UNREAD = Symbol('unread');
/** `undefined` is the known absence of a value. */
export type Held<V> = V | undefined | typeof UNREAD;

/** One key in memory. */
export interface CacheEntry<K, V> {
  readonly key: K;
  readonly cacheKey: string;
  keyBytes: Uint8Array | undefined;
  /** With uncommitted writes. */
  value: Held<V>;
  /** As the key space has it. */
  committed: Held<V>;
  dirty: boolean;
  /** The mark since which a write of this entry is in the journal. */
  journaledSince: number;
  /** Where its encoded value lies in the arena between flush and stage. */
  valueStart: number;
  valueEnd: number;
}

/** Learns of changes, so that an index can follow. */
export interface WriteListener<K, V> {
  /** The entry's value was written or taken back; `former` is what it was. */
  changed(entry: CacheEntry<K, V>, former: Held<V>): void;
  /** The entry's value goes into the batch; `entry.committed` is still the former one. */
  staged(entry: CacheEntry<K, V>, batch: StateBatch): void;
}

export interface WriteBackCacheOptions<K, V> {
  /** Named to the serde as its topic. */
  readonly storeName: string;
  readonly space: KeySpace;
  readonly key: KeyCodec<K>;
  readonly value: Serde<V>;
  /** Clean entries to keep, roughly. */
  readonly cacheEntries: number;
  readonly listener?: WriteListener<K, V>;
  /** The changelog's form of a key, where it is not that of the key space. */
  readonly changelogKey?: (keyBytes: Uint8Array) => Uint8Array;
}

export class WriteBackCache<K, V> {
  readonly #options: WriteBackCacheOptions<K, V>;
  readonly #codec: KeyCodec<K>;
  readonly #listener: WriteListener<K, V> | undefined;
  #generationSize: number;
  /** Two generations: what is used moves to the young one; the old one is dropped when the young one is full. */
  #young = new Map<string, CacheEntry<K, V>>();
  #old = new Map<string, CacheEntry<K, V>>();
  /** Found last: a key that is read is mostly written next. Always one that the maps hold. */
  #last: CacheEntry<K, V> | undefined;
  /** In the order of first writing, so the entries that became dirty since a mark are the last ones. */
  readonly #dirty: CacheEntry<K, V>[] = [];
  /** The dirty entries in key order, from the first range on. */
  #overlay: SortedMap<V | undefined> | undefined;
  readonly #arena = new ValueArena();
  #flushed = false;
  #mark = 0;
  #dirtyAtMark = 0;
  #journalLength = 0;
  readonly #journalEntries: CacheEntry<K, V>[] = [];
  readonly #journalValues: Held<V>[] = [];

  constructor(options: WriteBackCacheOptions<K, V>) {
    this.#options = options;
    this.#codec = options.key;
    this.#listener = options.listener;
    this.#generationSize = Math.max(1, options.cacheEntries >> 1);
  }

  get dirtyEntries(): readonly CacheEntry<K, V>[] {
    return this.#dirty;
  }

  get(key: K): V | undefined {
    return this.read(key).value as V | undefined;
  }

  /** The entry of the key with its value read. */
  read(key: K): CacheEntry<K, V> {
    const entry = this.#entry(key);
    if (entry.value === UNREAD) this.#fill(entry, this.#options.space.get(this.keyBytes(entry)));
    return entry;
  }

  /** True when reading the key would need the key space. */
  lacks(key: K): boolean {
    const cacheKey = this.#codec.cacheKey(key);
    const entry = this.#young.get(cacheKey) ?? this.#old.get(cacheKey);
    return entry === undefined || entry.value === UNREAD;
  }

  /** `undefined` deletes. Does not read. */
  put(key: K, value: V | undefined): void {
    if (this.#flushed)
      throw new Error(`A write to the store "${this.#options.storeName}" while it is being committed.`);
    const entry = this.#entry(key);
    const former = entry.value;
    if (value === undefined && former === undefined) return;
    this.#journal(entry, former);
    entry.value = value;
    if (!entry.dirty) {
      entry.dirty = true;
      this.#dirty.push(entry);
    }
    this.#overlay?.set(this.keyBytes(entry), value);
    this.#listener?.changed(entry, former);
  }

  /** Reads what is not in memory in one round. The cache grows to hold as many keys as are asked for at a time. */
  prefetch(keys: readonly K[]): void {
    this.#generationSize = Math.max(this.#generationSize, keys.length);
    const unread = new Set<CacheEntry<K, V>>();
    for (const key of keys) {
      const entry = this.#entry(key);
      if (entry.value === UNREAD) unread.add(entry);
    }
    if (unread.size === 0) return;
    const entries = [...unread];
    const values = this.#options.space.getMany(entries.map((entry) => this.keyBytes(entry)));
    entries.forEach((entry, index) => this.#fill(entry, values[index]));
  }

  /** Entries with `from <= key bytes < to`, as they are at this moment. */
  range(
    from: Uint8Array | undefined,
    to: Uint8Array | undefined,
    reverse: boolean,
  ): IterableIterator<readonly [Uint8Array, V]> {
    const bounds = { from, to, reverse };
    return new MergedRange(this.#options.space.range(bounds), this.#sorted().range(bounds), this.#decode, reverse);
  }

  keyBytes(entry: CacheEntry<K, V>): Uint8Array {
    return (entry.keyBytes ??= this.#codec.encode(entry.key));
  }

  /** One changelog record for each dirty key. From here until `stage` or `rollback`, writes are refused. */
  flush(changelog: ChangelogSink, timestampMs: number): void {
    this.#arena.reset();
    const { changelogKey } = this.#options;
    for (const entry of this.#dirty) {
      if (neverCommitted(entry)) continue;
      const bytes = this.keyBytes(entry);
      const key = changelogKey === undefined ? bytes : changelogKey(bytes);
      if (entry.value === undefined) changelog.append(key, null, timestampMs);
      else changelog.append(key, this.#encode(entry), timestampMs);
    }
    this.#flushed = true;
  }

  stage(batch: StateBatch): void {
    for (const entry of this.#dirty) {
      if (!neverCommitted(entry)) this.#stageEntry(entry, batch);
      this.#listener?.staged(entry, batch);
      entry.committed = entry.value;
      entry.dirty = false;
    }
    this.#settle();
    if (this.#young.size > this.#generationSize) this.#rotate();
  }

  rollback(): void {
    for (const entry of this.#dirty) {
      entry.value = entry.committed;
      entry.dirty = false;
    }
    this.#settle();
  }

  mark(): void {
    this.#mark += 1;
    this.#dirtyAtMark = this.#dirty.length;
    this.#journalLength = 0;
  }

  undo(): void {
    if (this.#mark === 0) throw new Error(`The store "${this.#options.storeName}" has no mark to go back to.`);
    for (let index = this.#dirtyAtMark; index < this.#dirty.length; index += 1) this.#dirty[index]!.dirty = false;
    this.#dirty.length = Math.min(this.#dirty.length, this.#dirtyAtMark);
    const length = this.#journalLength;
    this.#journalLength = 0;
    for (let index = 0; index < length; index += 1) {
      this.#takeBack(this.#journalEntries[index]!, this.#journalValues[index]);
    }
  }

  /** Forgets all clean entries. Only without uncommitted writes. */
  clear(): void {
    if (this.#dirty.length > 0) throw new Error(`The store "${this.#options.storeName}" has uncommitted writes.`);
    this.#young = new Map();
    this.#old = new Map();
    this.#last = undefined;
  }

  #entry(key: K): CacheEntry<K, V> {
    if (this.#last !== undefined && this.#last.key === key) return this.#last;
    const cacheKey = this.#codec.cacheKey(key);
    let entry = this.#young.get(cacheKey);
    if (entry === undefined) {
      entry = this.#old.get(cacheKey) ?? unreadEntry<K, V>(key, cacheKey);
      // Twice, because a rotation copies the dirty entries: so it is paid for by as many new ones.
      if (this.#young.size > this.#generationSize + 2 * this.#dirty.length) this.#rotate();
      this.#young.set(cacheKey, entry);
    }
    this.#last = entry;
    return entry;
  }

  #rotate(): void {
    this.#last = undefined;
    this.#old = this.#young;
    this.#young = new Map();
    for (const entry of this.#dirty) this.#young.set(entry.cacheKey, entry);
  }

  readonly #decode = (bytes: Uint8Array): V => this.#options.value.deserialize(this.#options.storeName, bytes);

  #fill(entry: CacheEntry<K, V>, bytes: Uint8Array | undefined): void {
    entry.committed = bytes === undefined ? undefined : this.#decode(bytes);
    entry.value = entry.committed;
  }

  #serialize(value: V): Uint8Array {
    const { storeName } = this.#options;
    const bytes = this.#options.value.serialize(storeName, value);
    if (bytes === null)
      throw new TypeError(`The serde of the store "${storeName}" wrote null; a store deletes with undefined.`);
    return bytes;
  }

  #encode(entry: CacheEntry<K, V>): Uint8Array {
    const bytes = this.#serialize(entry.value as V);
    entry.valueStart = this.#arena.append(bytes);
    entry.valueEnd = this.#arena.end;
    return bytes;
  }

  #stageEntry(entry: CacheEntry<K, V>, batch: StateBatch): void {
    const { space } = this.#options;
    if (entry.value === undefined) batch.delete(space, this.keyBytes(entry));
    else {
      const { valueStart, valueEnd } = entry;
      const bytes = this.#flushed ? this.#arena.view(valueStart, valueEnd) : this.#serialize(entry.value as V);
      batch.put(space, this.keyBytes(entry), bytes);
    }
  }

  #settle(): void {
    this.#dirty.length = 0;
    this.#overlay?.clear();
    this.#flushed = false;
    this.#arena.reset();
    this.#journalEntries.length = 0;
    this.#journalValues.length = 0;
    // What was written before cannot be undone any more; what is written from here on can.
    if (this.#mark > 0) this.mark();
  }

  /** Remembers what the first write since the mark took the place of. */
  #journal(entry: CacheEntry<K, V>, former: Held<V>): void {
    if (this.#mark === 0 || entry.journaledSince === this.#mark) return;
    entry.journaledSince = this.#mark;
    this.#journalEntries[this.#journalLength] = entry;
    this.#journalValues[this.#journalLength] = former;
    this.#journalLength += 1;
  }

  #takeBack(entry: CacheEntry<K, V>, value: Held<V>): void {
    const undone = entry.value;
    entry.value = value;
    entry.journaledSince = 0;
    if (entry.dirty) this.#overlay?.set(this.keyBytes(entry), value as V | undefined);
    else this.#overlay?.delete(this.keyBytes(entry));
    this.#listener?.changed(entry, undone);
  }

  #sorted(): SortedMap<V | undefined> {
    if (this.#overlay !== undefined) return this.#overlay;
    this.#overlay = new SortedMap();
    for (const entry of this.#dirty) this.#overlay.set(this.keyBytes(entry), entry.value as V | undefined);
    return this.#overlay;
  }
}

/** Put and deleted again within one commit: nobody outside needs to know. */
const neverCommitted = ({ value, committed }: CacheEntry<unknown, unknown>): boolean =>
  value === undefined && committed === undefined;

const unreadEntry = <K, V>(key: K, cacheKey: string): CacheEntry<K, V> => ({
  key,
  cacheKey,
  keyBytes: undefined,
  value: UNREAD,
  committed: UNREAD,
  dirty: false,
  journaledSince: 0,
  valueStart: 0,
  valueEnd: 0,
});
