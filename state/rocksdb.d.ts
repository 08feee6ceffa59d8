/**
 * What we use of the native module behind the `rocksdb` package, which ships without types.
 * Its synchronous calls are reachable only here; the package is pinned exactly for that reason.
 */
declare module 'rocksdb/binding.js' {
  interface NativeDatabase {
    readonly database: unique symbol;
  }
  interface NativeIterator {
    readonly iterator: unique symbol;
  }
  interface NativeBatch {
    readonly batch: unique symbol;
  }

  interface OpenOptions {
    createIfMissing?: boolean;
    errorIfExists?: boolean;
    /** Without it, `memtableMemoryBudget` has no effect. */
    compaction?: 'level';
    /** Bytes; a quarter of it becomes the size of one memtable, of which there are six at most. */
    memtableMemoryBudget?: number;
    /** Bytes of this database's own block cache. */
    cacheSize?: number;
    cacheIndexAndFilterBlocks?: boolean;
    walCompression?: boolean;
  }

  interface RangeOptions {
    gte: Uint8Array;
    lt: Uint8Array;
  }

  interface IteratorOptions extends RangeOptions {
    reverse?: boolean;
    limit?: number;
    fillCache?: boolean;
    /** Bytes after which one call of `iterator_nextv_sync` ends early. */
    highWaterMarkBytes?: number;
    /** Both encodings are needed: the native side leaves them uninitialised otherwise. */
    keyEncoding: 'buffer';
    valueEncoding: 'buffer';
  }

  interface Binding {
    db_init(location: string): NativeDatabase;
    db_open(database: NativeDatabase, options: OpenOptions, callback: (error: Error | null) => void): void;
    db_close(database: NativeDatabase, callback: (error: Error | null) => void): void;
    db_get_many_sync(
      database: NativeDatabase,
      keys: readonly Uint8Array[],
      options: { fillCache?: boolean } | undefined,
    ): (Buffer | undefined)[];
    /** Deletes the range in a write of its own; it cannot be part of a batch. */
    db_clear(database: NativeDatabase, options: RangeOptions): void;
    db_get_property(database: NativeDatabase, name: string): string;
    iterator_init(database: NativeDatabase, options: IteratorOptions): NativeIterator;
    /** `rows` alternates keys and values. */
    iterator_nextv_sync(iterator: NativeIterator, size: number): { rows: Buffer[]; finished: boolean };
    iterator_close(iterator: NativeIterator): void;
    batch_init(): NativeBatch;
    batch_put(batch: NativeBatch, key: Uint8Array, value: Uint8Array, options: undefined): void;
    batch_del(batch: NativeBatch, key: Uint8Array, options: undefined): void;
    batch_clear(batch: NativeBatch): void;
    batch_count(batch: NativeBatch): number;
    batch_write(database: NativeDatabase, batch: NativeBatch, options: { sync: boolean } | undefined): void;
  }

  const binding: Binding;
  export default binding;
  export type { Binding, NativeDatabase, NativeIterator, NativeBatch, OpenOptions };
}
