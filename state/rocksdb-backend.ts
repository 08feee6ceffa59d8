/**
 * The durable state of one task in one RocksDB.
 *
 * Invariants:
 * - `write` is atomic and survives a kill of the process: everything goes into one write batch, positions included, and that
 *   into the write-ahead log. The log is not synced to the disk, so a power failure may take the last batches away, all of
 *   each or nothing of it; the changelog gives them back, since their positions went with them.
 * - RocksDB cannot delete ranges within a batch here, so a batch writes the intent to delete a range, and the deletion follows
 *   it. A crash between the two is made good when the state is opened. An intent is gone before anything new can be
 *   written to its range.
 * - Key spaces share the database by a two-byte prefix that a name keeps for good; prefix 0 is ours.
 */
import binding, { type NativeBatch, type NativeDatabase, type OpenOptions } from 'rocksdb/binding.js';
import { StreamsError } from '../streams/errors.ts';
import type { KeyRange, KeySpace, StateBackend, StateBatch, TopicPartition } from '../streams/ports.ts';
import { topicPartitionKey } from '../streams/ports.ts';
import { compareBytes, Scratch, successor } from './bytes.ts';
import { rocksDbError } from './rocksdb-errors.ts';
import { prefixEnd, RocksDbMeta, type KeyInterval, type MetaRow } from './rocksdb-meta.ts';

const PREFIX_BYTES = 2;
const ITERATOR_BATCH_BYTES = 64 * 1024;
const MAX_ITERATOR_BATCH = 512;
/** A batch that grew beyond this is given back to the allocator instead of being kept for reuse. */
const MAX_KEPT_BATCH_BYTES = 16 * 1024 * 1024;

/** Opens the database or creates it. The directory must exist. Throws the error's class by recovery; see `rocksdb-errors.ts`. */
export async function openRocksDb(directory: string, options: OpenOptions): Promise<RocksDbBackend> {
  const database = await openDatabase(directory, options);
  try {
    return new RocksDbBackend(directory, database);
  } catch (cause) {
    await closeDatabase(database);
    throw cause;
  }
}

/** Throws `StateLockedError` when the directory is in use. Changes nothing in it. */
export async function requireUnlocked(directory: string): Promise<void> {
  const database = binding.db_init(directory);
  const error = await new Promise<Error | null>((resolve) => {
    binding.db_open(database, { createIfMissing: false, errorIfExists: true }, resolve);
  });
  if (error !== null && 'code' in error && error.code === 'LEVEL_LOCKED') throw rocksDbError(error, 'open', directory);
}

async function openDatabase(directory: string, options: OpenOptions): Promise<NativeDatabase> {
  const database = binding.db_init(directory);
  const error = await new Promise<Error | null>((resolve) => binding.db_open(database, options, resolve));
  if (error !== null) throw rocksDbError(error, 'open', directory);
  return database;
}

const closeDatabase = (database: NativeDatabase): Promise<Error | null> =>
  new Promise((resolve) => binding.db_close(database, resolve));

export class RocksDbBackend implements StateBackend {
  readonly #directory: string;
  readonly #database: NativeDatabase;
  readonly #meta: RocksDbMeta;
  readonly #spaces = new Map<string, RocksDbKeySpace>();
  #spareBatch: NativeBatch | undefined = binding.batch_init();
  #open = true;

  constructor(directory: string, database: NativeDatabase) {
    this.#directory = directory;
    this.#database = database;
    this.#meta = new RocksDbMeta();
    this.run('open', () => this.#loadMeta());
  }

  keySpace(name: string): KeySpace {
    const space =
      this.#spaces.get(name) ?? new RocksDbKeySpace(name, this.#meta.prefixOf(name) ?? this.#newSpace(name), this);
    this.#spaces.set(name, space);
    return space;
  }

  batch(): StateBatch {
    const native = this.#spareBatch ?? binding.batch_init();
    this.#spareBatch = undefined;
    return new RocksDbBatch(native, this.#meta);
  }

  write(batch: StateBatch): void {
    if (!(batch instanceof RocksDbBatch)) throw new TypeError('This batch belongs to another backend.');
    const { native, ranges, positions, bytes } = batch.finish();
    this.run('write', (database) => {
      for (const { key } of this.#meta.intents) binding.batch_del(native, key, undefined);
      ranges.forEach((range, index) => putRow(native, this.#meta.intentRow(index, range)));
      if (binding.batch_count(native) > 0) binding.batch_write(database, native, undefined);
      for (const { from, to } of ranges) binding.db_clear(database, { gte: from, lt: to });
    });
    this.#meta.written(positions, ranges);
    binding.batch_clear(native);
    if (bytes <= MAX_KEPT_BATCH_BYTES) this.#spareBatch = native;
  }

  position(partition: TopicPartition): number | undefined {
    return this.#meta.position(partition);
  }

  wipe(): void {
    const batch = new RocksDbBatch(binding.batch_init(), this.#meta);
    batch.forgetEverything();
    this.write(batch);
  }

  stats(): Readonly<Record<string, number>> {
    return {
      state_estimated_keys: this.property('rocksdb.estimate-num-keys'),
      state_memtable_bytes: this.property('rocksdb.cur-size-all-mem-tables'),
      state_block_cache_bytes: this.property('rocksdb.block-cache-usage'),
      state_sst_bytes: this.property('rocksdb.total-sst-files-size'),
    };
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const error = await closeDatabase(this.#database);
    if (error !== null) throw rocksDbError(error, 'close', this.#directory);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  property(name: string): number {
    return Number(this.run('read', (database) => binding.db_get_property(database, name)));
  }

  /** Runs a call of the binding with its errors translated. A closed database must not be touched: the binding would crash. */
  run<T>(what: string, call: (database: NativeDatabase) => T): T {
    if (!this.#open) throw new Error(`The state in ${this.#directory} is closed.`);
    try {
      return call(this.#database);
    } catch (cause) {
      if (cause instanceof StreamsError) throw cause;
      throw rocksDbError(cause, what, this.#directory);
    }
  }

  /** Reads what the database keeps about itself, and finishes range deletions that a crash cut off. */
  #loadMeta(): void {
    const options = { reverse: false, limit: undefined, fillCache: false };
    this.#meta.load(new RocksDbRange(this, RocksDbMeta.interval, options), this.#directory);
    for (const { from, to } of this.#meta.intents) binding.db_clear(this.#database, { gte: from, lt: to });
  }

  #newSpace(name: string): Buffer {
    const { prefix, rows } = this.#meta.addSpace(name);
    const native = binding.batch_init();
    for (const row of rows) putRow(native, row);
    this.run('write', (database) => binding.batch_write(database, native, undefined));
    return prefix;
  }
}

const putRow = (native: NativeBatch, { key, value }: MetaRow): void => binding.batch_put(native, key, value, undefined);

class RocksDbKeySpace implements KeySpace {
  readonly name: string;
  readonly prefix: Buffer;
  readonly #end: Uint8Array;
  readonly #backend: RocksDbBackend;
  readonly #scratch = new Scratch();
  readonly #single: Uint8Array[] = [Buffer.alloc(0)];

  constructor(name: string, prefix: Buffer, backend: RocksDbBackend) {
    this.name = name;
    this.prefix = prefix;
    this.#end = prefixEnd(prefix);
    this.#backend = backend;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#single[0] = this.physical(key, this.#scratch);
    return this.#backend.run('read', (database) => binding.db_get_many_sync(database, this.#single, undefined))[0];
  }

  getMany(keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    if (keys.length === 0) return [];
    const physical = keys.map((key) => concatPrefix(this.prefix, key));
    return this.#backend.run('read', (database) => binding.db_get_many_sync(database, physical, undefined));
  }

  range({ from, to, reverse = false, limit }: KeyRange): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    const interval = {
      from: from === undefined ? this.prefix : concatPrefix(this.prefix, from),
      to: to === undefined ? this.#end : concatPrefix(this.prefix, to),
    };
    // A scan without both bounds would push the working set out of the block cache.
    const fillCache = from !== undefined && to !== undefined;
    return new RocksDbRange(this.#backend, interval, { reverse, limit, fillCache });
  }

  /** Of the whole database: RocksDB does not count by prefix. */
  approximateEntries(): number {
    return this.#backend.property('rocksdb.estimate-num-keys');
  }

  /** The key as the database has it, in the scratch memory. */
  physical(key: Uint8Array, scratch: Scratch): Buffer {
    const physical = scratch.view(PREFIX_BYTES + key.length);
    physical.set(this.prefix, 0);
    physical.set(key, PREFIX_BYTES);
    return physical;
  }
}

function concatPrefix(prefix: Buffer, key: Uint8Array): Buffer {
  const physical = Buffer.allocUnsafe(PREFIX_BYTES + key.length);
  physical.set(prefix, 0);
  physical.set(key, PREFIX_BYTES);
  return physical;
}

/** A synchronous iterator over a snapshot; it fetches growing batches and closes itself at the end. */
class RocksDbRange implements IterableIterator<readonly [Uint8Array, Uint8Array]> {
  readonly #backend: RocksDbBackend;
  readonly #iterator;
  #rows: readonly Buffer[] = [];
  #at = 0;
  #finished = false;
  #batchSize = 8;

  constructor(
    backend: RocksDbBackend,
    { from, to }: KeyInterval,
    { reverse, limit, fillCache }: { reverse: boolean; limit: number | undefined; fillCache: boolean },
  ) {
    this.#backend = backend;
    this.#iterator = backend.run('read', (database) =>
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
    if (this.#backend.isOpen) binding.iterator_close(this.#iterator);
    return { done: true, value: undefined };
  }

  #fetch(): void {
    const { rows, finished } = this.#backend.run('read', () =>
      binding.iterator_nextv_sync(this.#iterator, this.#batchSize),
    );
    this.#rows = rows;
    this.#at = 0;
    this.#finished = finished;
    this.#batchSize = Math.min(this.#batchSize * 4, MAX_ITERATOR_BATCH);
  }
}

interface FinishedBatch {
  readonly native: NativeBatch;
  readonly ranges: readonly KeyInterval[];
  readonly positions: ReadonlyMap<string, number | undefined>;
  readonly bytes: number;
}

class RocksDbBatch implements StateBatch {
  #native: NativeBatch | undefined;
  readonly #meta: RocksDbMeta;
  readonly #scratch = keyScratch;
  #ranges: KeyInterval[] = [];
  readonly #positions = new Map<string, number | undefined>();
  #bytes = 0;

  constructor(native: NativeBatch, meta: RocksDbMeta) {
    this.#native = native;
    this.#meta = meta;
  }

  put(space: KeySpace, key: Uint8Array, value: Uint8Array): void {
    const physical = ownSpace(space).physical(key, this.#scratch);
    if (this.#ranges.length > 0) this.#spare(physical);
    binding.batch_put(this.#unwritten(), physical, value, undefined);
    this.#bytes += key.length + value.length;
  }

  delete(space: KeySpace, key: Uint8Array): void {
    binding.batch_del(this.#unwritten(), ownSpace(space).physical(key, this.#scratch), undefined);
    this.#bytes += key.length;
  }

  deleteRange(space: KeySpace, from: Uint8Array, to: Uint8Array): void {
    const { prefix } = ownSpace(space);
    this.#addRange({ from: concatPrefix(prefix, from), to: concatPrefix(prefix, to) });
  }

  setPosition(partition: TopicPartition, offset: number): void {
    const name = topicPartitionKey(partition);
    putRow(this.#unwritten(), this.#meta.positionRow(name, offset));
    this.#positions.set(name, offset);
  }

  /** Every position and everything in every key space; the key spaces keep their prefixes. */
  forgetEverything(): void {
    for (const name of this.#meta.positionNames) {
      binding.batch_del(this.#unwritten(), this.#meta.positionRow(name, 0).key, undefined);
      this.#positions.set(name, undefined);
    }
    this.#addRange(RocksDbMeta.everySpace);
  }

  finish(): FinishedBatch {
    const native = this.#unwritten();
    this.#native = undefined;
    return { native, ranges: this.#ranges, positions: this.#positions, bytes: this.#bytes };
  }

  #addRange(range: KeyInterval): void {
    this.#unwritten();
    if (compareBytes(range.from, range.to) < 0) this.#ranges.push(range);
  }

  /** The ranges are deleted after the batch is written, so they must leave out what the batch puts into them later on. */
  #spare(key: Buffer): void {
    const hit = this.#ranges.some(({ from, to }) => compareBytes(from, key) <= 0 && compareBytes(key, to) < 0);
    if (!hit) return;
    const spared = Buffer.from(key);
    this.#ranges = this.#ranges
      .flatMap(({ from, to }) => {
        const inside = compareBytes(from, spared) <= 0 && compareBytes(spared, to) < 0;
        return inside
          ? [
              { from, to: spared },
              { from: successor(spared), to },
            ]
          : [{ from, to }];
      })
      .filter(({ from, to }) => compareBytes(from, to) < 0);
  }

  #unwritten(): NativeBatch {
    if (this.#native === undefined) throw new Error('This batch was written already; make another.');
    return this.#native;
  }
}

/** One for all batches of a thread: the native side copies a key before the next one is composed. */
const keyScratch = new Scratch();

function ownSpace(space: KeySpace): RocksDbKeySpace {
  if (!(space instanceof RocksDbKeySpace))
    throw new TypeError(`The key space ${space.name} belongs to another backend.`);
  return space;
}
