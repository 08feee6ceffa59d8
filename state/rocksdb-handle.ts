/**
 * An open RocksDB.
 *
 * Invariants: every call of the binding goes through `run`, so its errors come out classed by recovery, and none reaches a
 * database that is closed, which would take the process down.
 */
import binding, { type NativeDatabase, type OpenOptions } from 'rocksdb/binding.js';
import { StreamsError } from '../streams/errors.ts';
import { rocksDbError } from './rocksdb-errors.ts';

export class RocksDbHandle {
  readonly directory: string;
  readonly #database: NativeDatabase;
  #open = true;

  /** Opens the database, or creates it where the options say so. The directory must exist. */
  static async open(directory: string, options: OpenOptions): Promise<RocksDbHandle> {
    const database = binding.db_init(directory);
    const error = await new Promise<Error | null>((resolve) => binding.db_open(database, options, resolve));
    if (error !== null) throw rocksDbError(error, 'open', directory);
    return new RocksDbHandle(directory, database);
  }

  private constructor(directory: string, database: NativeDatabase) {
    this.directory = directory;
    this.#database = database;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** `what` says what could not be done, as in "read". */
  run<T>(what: string, call: (database: NativeDatabase) => T): T {
    if (!this.#open) throw new Error(`The state in ${this.directory} is closed.`);
    try {
      return call(this.#database);
    } catch (cause) {
      if (cause instanceof StreamsError) throw cause;
      throw rocksDbError(cause, what, this.directory);
    }
  }

  property(name: string): number {
    return Number(this.run('read', (database) => binding.db_get_property(database, name)));
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const error = await new Promise<Error | null>((resolve) => binding.db_close(this.#database, resolve));
    if (error !== null) throw rocksDbError(error, 'close', this.directory);
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
