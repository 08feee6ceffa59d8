/**
 * The durable state of a process' tasks: one RocksDB per task, `<stateDir>/<taskId>`.
 *
 * Invariant: block caches and memtables of all tasks together stay within one stated budget. The binding gives every database
 * a cache and memtables of its own, so the budget is split evenly over the most tasks that the process may have at a time: those
 * of the whole application, since one process may be left alone with them.
 */
import type { Dirent } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StateCorruptedError } from '../streams/errors.ts';
import type { StateBackend, StateBackendFactory } from '../streams/ports.ts';
import { openRocksDb } from './rocksdb-backend.ts';
import { rocksDbError } from './rocksdb-errors.ts';
import { requireUnlocked } from './rocksdb-handle.ts';

export interface RocksDbOptions {
  /** Made when it is missing. Belongs to one process, or to processes that never own the same task at once. */
  readonly stateDir: string;
  /** Bytes for the block caches and memtables of all tasks together. Default 512 MiB. */
  readonly budgetBytes?: number;
  /** The most tasks that may be open in this process at a time, until `expect` says so. Default 8. */
  readonly maxTasks?: number;
}

const DEFAULT_BUDGET_BYTES = 512 * 1024 * 1024;
const DEFAULT_MAX_TASKS = 8;
/** RocksDB may hold six memtables of a quarter of the memtable budget each. */
const MEMTABLE_WORST_CASE = 6 / 4;
/** The smaller part: hot values lie decoded in the stores' own caches, and larger memtables save rewriting what is in files. */
const CACHE_SHARE = 1 / 4;
/** The binding takes the cache size in 32 bits. */
const MAX_CACHE_BYTES = 2 ** 32 - 1;
const MIN_TASK_BYTES = 2 * 1024 * 1024;
const TASK_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

export class RocksDbBackendFactory implements StateBackendFactory {
  readonly #stateDir: string;
  readonly #budgetBytes: number;
  #taskBytes = 0;

  constructor({ stateDir, budgetBytes = DEFAULT_BUDGET_BYTES, maxTasks = DEFAULT_MAX_TASKS }: RocksDbOptions) {
    this.#stateDir = stateDir;
    this.#budgetBytes = budgetBytes;
    this.expect(maxTasks);
  }

  expect(tasks: number): void {
    const taskBytes = Math.floor(this.#budgetBytes / Math.max(1, tasks));
    if (!(taskBytes >= MIN_TASK_BYTES)) {
      throw new RangeError(
        `A state budget of ${this.#budgetBytes} bytes is too small for ${tasks} tasks; give at least ${MIN_TASK_BYTES} bytes each.`,
      );
    }
    this.#taskBytes = taskBytes;
  }

  async open(taskId: string): Promise<StateBackend> {
    const directory = this.#directory(taskId);
    await this.#makeDirectory(directory);
    await requireWhole(directory);
    return openRocksDb(directory, {
      createIfMissing: true,
      cacheSize: Math.min(Math.floor(this.#taskBytes * CACHE_SHARE), MAX_CACHE_BYTES),
      // Without this, index and filter blocks would lie outside of the budget.
      cacheIndexAndFilterBlocks: true,
      compaction: 'level',
      memtableMemoryBudget: Math.floor((this.#taskBytes * (1 - CACHE_SHARE)) / MEMTABLE_WORST_CASE),
      walCompression: false,
    });
  }

  async destroy(taskId: string): Promise<void> {
    const directory = this.#directory(taskId);
    const files = await filesOf(directory);
    if (files.length > 0) await requireUnlocked(directory);
    await rm(directory, { recursive: true, force: true });
  }

  async list(): Promise<readonly string[]> {
    const entries = await entriesOf(this.#stateDir);
    return entries.filter((entry) => entry.isDirectory() && TASK_ID.test(entry.name)).map(({ name }) => name);
  }

  #directory(taskId: string): string {
    if (!TASK_ID.test(taskId)) {
      throw new RangeError(
        `"${taskId}" cannot be a directory of its own; a task id has letters, digits, "_", "-" and ".".`,
      );
    }
    return join(this.#stateDir, taskId);
  }

  async #makeDirectory(directory: string): Promise<void> {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw rocksDbError(cause, 'make', directory);
    }
  }
}

/** RocksDB takes a directory without its CURRENT file for an empty one and deletes what is left in it, without a word. */
async function requireWhole(directory: string): Promise<void> {
  const files = await filesOf(directory);
  const data = files.find((name) => name.endsWith('.sst') || name.startsWith('MANIFEST-'));
  if (data === undefined || files.includes('CURRENT')) return;
  throw new StateCorruptedError(
    'STATE_CORRUPTED',
    `The state in ${directory} is damaged: its CURRENT file is missing. It must be destroyed and restored from its changelogs.`,
  );
}

const filesOf = async (directory: string): Promise<readonly string[]> =>
  (await entriesOf(directory)).map(({ name }) => name);

/** Nothing where there is no such directory. */
async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw rocksDbError(cause, 'list', directory);
  }
}
