/**
 * State stores: what processors use and what the engine needs of them.
 *
 * Invariant: a write stays in the store's memory until the transaction that carries its changelog record has committed;
 * only then does it reach the state backend. The order is the commit's (see `commit.ts`).
 */
import type { KeySpace, LogRecord, Metrics, StateBackend, StateBatch } from './ports.ts';
import type { GroupCounter } from './group-counter.ts';
import type { StoreView, ViewContext } from './queries/store-view.ts';
import type { Serde } from './serde.ts';

/** Takes the changelog records of one store during a commit. */
export interface ChangelogSink {
  /** Copies key and value. A null value is a tombstone. */
  append(key: Uint8Array, value: Uint8Array | null, timestampMs: number): void;
}

export interface StateStore {
  readonly name: string;
  /** Commit, step 1: one changelog record for each key written since the last commit. Changes nothing else. */
  flush(changelog: ChangelogSink): void;
  /** Commit, step 4: puts the same writes into the batch; from then on they count as committed. */
  stage(batch: StateBatch): void;
  /** Forgets every write since the last commit. */
  rollback(): void;
  /** Starts remembering how to take back single writes, for `undo`. */
  mark(): void;
  /** Takes back every write since `mark`, or since the last commit or rollback where that came later. Throws without a mark. */
  undo(): void;
  /**
   * Applies committed changelog records to the batch (restore, standby). Never called with uncommitted writes in memory; the
   * batch is written before the store is read again.
   */
  restore(records: readonly LogRecord[], batch: StateBatch): void;
  /** Writes in memory that a commit would flush. */
  readonly dirtyEntries: number;
  /** Counts entries by group for queries, where the store is declared to. */
  readonly groupCounter?: GroupCounter | undefined;
  close(): void;
}

export interface StoreContext {
  readonly taskId: string;
  readonly backend: StateBackend;
  readonly metrics: Metrics;
  /** The stream time of the task, for retention. UTC epoch milliseconds; -1 before the first record. */
  streamTimeMs(): number;
}

export interface StoreBuilder<S extends StateStore = StateStore> {
  readonly name: string;
  /** False: the store is not restored after a loss of its disk and has no changelog topic. */
  readonly loggingEnabled: boolean;
  /** Extra settings of the changelog topic, by their Kafka names. */
  readonly changelogConfig: Readonly<Record<string, string>>;
  build(context: StoreContext): S;
  /** What queries see of the store on that backend; without it the store cannot be queried. */
  view?(context: ViewContext): StoreView;
}

export interface KeyValueEntry<K, V> {
  readonly key: K;
  readonly value: V;
}

export interface ScanOptions {
  /** Last to first. */
  readonly reverse?: boolean;
}

export interface KeyValueStore<K, V> extends StateStore {
  get(key: K): V | undefined;
  put(key: K, value: V): void;
  delete(key: K): void;
  /** Hints that the keys will be read soon: those not in memory are fetched in one round. */
  prefetch(keys: readonly K[]): void;
  /** `from` inclusive, `to` exclusive, in the order of the serialized keys. Sees uncommitted writes. */
  range(from: K | undefined, to: K | undefined, options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>>;
  /** The keys whose serialized form begins with these bytes, in the same order. */
  prefixScan(prefix: Uint8Array, options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>>;
  all(options?: ScanOptions): IterableIterator<KeyValueEntry<K, V>>;
  approximateEntries(): number;
}

/** A store whose entries may have a due time. Order: due time, then serialized key. Cost of taking them: O(due), not O(keys). */
export interface DueStore<K = unknown, V = unknown> extends StateStore {
  /** Due time of the next entry, or undefined when none is waiting. */
  nextDueMs(): number | undefined;
  /** The next entry with due time <= `untilMs`, without changing it; undefined when there is none. */
  peekDue(untilMs: number): { readonly key: K; readonly value: V; readonly dueMs: number } | undefined;
}

/** A key-value store that also orders its entries by the due time their value states (`dueAtMs`). */
export interface DueKeyValueStore<K, V> extends KeyValueStore<K, V>, DueStore<K, V> {}

/** Durable timers: at most one due time a key. */
export interface TimerStore<K> extends DueStore<K, number> {
  /** Sets or moves the timer of a key. UTC epoch milliseconds. */
  schedule(key: K, dueMs: number): void;
  cancel(key: K): void;
  /** The due time that is set, if any. */
  scheduled(key: K): number | undefined;
}

export interface WindowEntry<K, V> {
  readonly key: K;
  readonly windowStartMs: number;
  readonly value: V;
}

/** Which keys of all; by default every one. */
export interface KeyScanOptions<K> extends ScanOptions {
  /** Inclusive, in the order of the serialized keys. */
  readonly fromKey?: K;
  /** Exclusive. */
  readonly toKey?: K;
  /** What the serialized keys begin with. */
  readonly prefix?: Uint8Array;
}

/** Values by key and window start. Entries older than the retention (by stream time) are gone, dropped in bulk. */
export interface WindowStore<K, V> extends StateStore {
  readonly retentionMs: number;
  fetch(key: K, windowStartMs: number): V | undefined;
  /** Window starts in `[fromMs, toMs]`, ascending. */
  fetchRange(key: K, fromMs: number, toMs: number, options?: ScanOptions): IterableIterator<WindowEntry<K, V>>;
  /** Every key, or those that the options name, by window start and then key. */
  fetchAll(fromMs: number, toMs: number, options?: KeyScanOptions<K>): IterableIterator<WindowEntry<K, V>>;
  /** `undefined` deletes. A window that is past its retention is ignored and counted as dropped; false then. */
  put(key: K, value: V | undefined, windowStartMs: number): boolean;
}

export interface StoreSerdes<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

export type { KeySpace };
