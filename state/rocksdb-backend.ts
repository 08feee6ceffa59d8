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
import binding, { type NativeBatch, type OpenOptions } from 'rocksdb/binding.js';
import type { KeySpace, StateBackend, StateBatch, TopicPartition } from '../streams/ports.ts';
import { putRow, RocksDbBatch } from './rocksdb-batch.ts';
import { RocksDbHandle } from './rocksdb-handle.ts';
import { RocksDbKeySpace, RocksDbRange } from './rocksdb-key-space.ts';
import { RocksDbMeta } from './rocksdb-meta.ts';

/** A batch that grew beyond this is given back to the allocator instead of being kept for reuse. */
const MAX_KEPT_BATCH_BYTES = 16 * 1024 * 1024;

/** Opens the state or creates it. The directory must exist. Throws by recovery; see `rocksdb-errors.ts`. */
export async function openRocksDb(directory: string, options: OpenOptions): Promise<StateBackend> {
  const handle = await RocksDbHandle.open(directory, options);
  try {
    return new RocksDbBackend(handle);
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

class RocksDbBackend implements StateBackend {
  readonly #handle: RocksDbHandle;
  readonly #meta: RocksDbMeta;
  readonly #spaces = new Map<string, RocksDbKeySpace>();
  #spareBatch: NativeBatch | undefined = binding.batch_init();

  constructor(handle: RocksDbHandle) {
    this.#handle = handle;
    this.#meta = new RocksDbMeta();
    this.#loadMeta();
  }

  keySpace(name: string): KeySpace {
    const space =
      this.#spaces.get(name) ??
      new RocksDbKeySpace(name, this.#meta.prefixOf(name) ?? this.#newSpace(name), this.#handle);
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
    this.#handle.run('write', (database) => {
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
      estimate_num_keys: this.#handle.property('rocksdb.estimate-num-keys'),
      cur_size_all_mem_tables: this.#handle.property('rocksdb.cur-size-all-mem-tables'),
      num_immutable_mem_table: this.#handle.property('rocksdb.num-immutable-mem-table'),
      block_cache_usage: this.#handle.property('rocksdb.block-cache-usage'),
      block_cache_capacity: this.#handle.property('rocksdb.block-cache-capacity'),
      block_cache_pinned_usage: this.#handle.property('rocksdb.block-cache-pinned-usage'),
      estimate_table_readers_mem: this.#handle.property('rocksdb.estimate-table-readers-mem'),
      total_sst_files_size: this.#handle.property('rocksdb.total-sst-files-size'),
      live_sst_files_size: this.#handle.property('rocksdb.live-sst-files-size'),
      num_running_compactions: this.#handle.property('rocksdb.num-running-compactions'),
      num_running_flushes: this.#handle.property('rocksdb.num-running-flushes'),
      background_errors: this.#handle.property('rocksdb.background-errors'),
    };
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Reads what the database keeps about itself, and finishes range deletions that a crash cut off. */
  #loadMeta(): void {
    const options = { reverse: false, limit: undefined, fillCache: false };
    this.#meta.load(new RocksDbRange(this.#handle, RocksDbMeta.interval, options), this.#handle.directory);
    this.#handle.run('open', (database) => {
      for (const { from, to } of this.#meta.intents) binding.db_clear(database, { gte: from, lt: to });
    });
  }

  #newSpace(name: string): Buffer {
    const { prefix, rows } = this.#meta.addSpace(name);
    const native = binding.batch_init();
    for (const row of rows) putRow(native, row);
    this.#handle.run('write', (database) => binding.batch_write(database, native, undefined));
    return prefix;
  }
}
