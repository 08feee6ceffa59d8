/**
 * A key space within a RocksDB: the keys that begin with its two-byte prefix.
 *
 * Invariant: the prefix stays inside; keys come and go without it.
 */
import binding, { type NativeIterator } from 'rocksdb/binding.js';
import type { KeyRange, KeySpace } from '../streams/ports.ts';
import { compareBytes, Scratch } from './bytes.ts';
import type { RocksDbHandle } from './rocksdb-handle.ts';
import { prefixEnd, type KeyInterval } from './rocksdb-meta.ts';

const PREFIX_BYTES = 2;
const ITERATOR_BATCH_BYTES = 64 * 1024;
const MAX_ITERATOR_BATCH = 512;

export class RocksDbKeySpace implements KeySpace {
  readonly name: string;
  readonly prefix: Buffer;
  readonly #end: Uint8Array;
  readonly #handle: RocksDbHandle;
  readonly #scratch = new Scratch();
  readonly #single: Uint8Array[] = [Buffer.alloc(0)];

  constructor(name: string, prefix: Buffer, handle: RocksDbHandle) {
    this.name = name;
    this.prefix = prefix;
    this.#end = prefixEnd(prefix);
    this.#handle = handle;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#single[0] = this.physical(key, this.#scratch);
    return this.#handle.run('read', (database) => binding.db_get_many_sync(database, this.#single, undefined))[0];
  }

  getMany(keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    if (keys.length === 0) return [];
    const physical = keys.map((key) => concatPrefix(this.prefix, key));
    return this.#handle.run('read', (database) => binding.db_get_many_sync(database, physical, undefined));
  }

  range({ from, to, reverse = false, limit }: KeyRange): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    const interval = {
      from: from === undefined ? this.prefix : concatPrefix(this.prefix, from),
      to: to === undefined ? this.#end : concatPrefix(this.prefix, to),
    };
    if (compareBytes(interval.from, interval.to) >= 0) return [].values();
    // A scan without both bounds would push the working set out of the block cache.
    const fillCache = from !== undefined && to !== undefined;
    return new RocksDbRange(this.#handle, interval, { reverse, limit, fillCache });
  }

  /** Of the whole database: RocksDB does not count by prefix. */
  approximateEntries(): number {
    return this.#handle.property('rocksdb.estimate-num-keys');
  }

  /** The key as the database has it, in the scratch memory. */
  physical(key: Uint8Array, scratch: Scratch): Buffer {
    const physical = scratch.view(PREFIX_BYTES + key.length);
    physical[0] = this.prefix[0] as number;
    physical[1] = this.prefix[1] as number;
    physical.set(key, PREFIX_BYTES);
    return physical;
  }
}

export function concatPrefix(prefix: Buffer, key: Uint8Array): Buffer {
  const physical = Buffer.allocUnsafe(PREFIX_BYTES + key.length);
  physical.set(prefix, 0);
  physical.set(key, PREFIX_BYTES);
  return physical;
}

/** A synchronous iterator over a snapshot; it fetches growing batches and closes itself at the end. */
export class RocksDbRange implements IterableIterator<readonly [Uint8Array, Uint8Array]> {
  readonly #handle: RocksDbHandle;
  readonly #iterator: NativeIterator;
  #rows: readonly Buffer[] = [];
  #at = 0;
  #finished = false;
  #batchSize = 8;

  constructor(
    handle: RocksDbHandle,
    { from, to }: KeyInterval,
    { reverse, limit, fillCache }: { reverse: boolean; limit: number | undefined; fillCache: boolean },
  ) {
    this.#handle = handle;
    this.#iterator = handle.run('read', (database) =>
      binding.iterator_init(database, {
        gte: from,
        lt: to,
        reverse,
        ...(limit === undefined ? {} : { limit }),
        fillCache,
        highWaterMarkBytes: ITERATOR_BATCH_BYTES,
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
      }),
    );
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<readonly [Uint8Array, Uint8Array], undefined> {
    while (this.#at >= this.#rows.length) {
      if (this.#finished) return this.return();
      this.#fetch();
    }
    const key = this.#rows[this.#at]!.subarray(PREFIX_BYTES);
    const value = this.#rows[this.#at + 1]!;
    this.#at += 2;
    return { done: false, value: [key, value] };
  }

  return(): IteratorReturnResult<undefined> {
    this.#finished = true;
    this.#rows = [];
    // Closing the database has closed its iterators.
    if (this.#handle.isOpen) binding.iterator_close(this.#iterator);
    return { done: true, value: undefined };
  }

  #fetch(): void {
    const { rows, finished } = this.#handle.run('read', () =>
      binding.iterator_nextv_sync(this.#iterator, this.#batchSize),
    );
    this.#rows = rows;
    this.#at = 0;
    this.#finished = finished;
    this.#batchSize = Math.min(this.#batchSize * 4, MAX_ITERATOR_BATCH);
  }
}
