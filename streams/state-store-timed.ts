/**
 * Stores of the operators that reckon with time: windows, sessions, versions, and entries that wait.
 *
 * Invariant: the highest event time that an operator has seen is kept with the state it decides about, committed with it and
 * restored with it, so that after a restart the same records count as late.
 */
import type {
  DueKeyValueStore,
  KeyScanOptions,
  KeyValueEntry,
  KeyValueStore,
  ScanOptions,
  StateStore,
  StoreBuilder,
  StoreSerdes,
  WindowStore,
} from './state-store.ts';

/** A value and the event time it stands for, UTC epoch milliseconds. */
export interface ValueAndTimestamp<V> {
  readonly value: V;
  readonly timestampMs: number;
}

export interface ObservedTime {
  /** -1 before the first record. */
  readonly observedTimeMs: number;
  /** Never moves back. */
  observe(timestampMs: number): void;
}

/** Retention goes by the latest window start that was put, not by the task's stream time. */
export interface TimedWindowStore<K, V> extends WindowStore<K, V>, ObservedTime {}

export interface TimedDueStore<K, V> extends DueKeyValueStore<K, V>, ObservedTime {
  /** How many entries there are, exactly. The first call after a restart counts them. */
  readonly entries: number;
}

/** A session's first and last event time, both inclusive. */
export interface Session {
  readonly startMs: number;
  readonly endMs: number;
}

export interface SessionEntry<K, V> {
  readonly key: K;
  readonly session: Session;
  readonly value: V;
}

/** Values by key and session. Sessions of one key are expected not to overlap. Retention goes by the latest session end. */
export interface SessionStore<K, V> extends StateStore, ObservedTime {
  readonly retentionMs: number;
  /** Sessions of the key that end at or after `earliestEndMs` and start at or before `latestStartMs`, in time order. */
  findSessions(
    key: K,
    earliestEndMs: number,
    latestStartMs: number,
    options?: ScanOptions,
  ): IterableIterator<SessionEntry<K, V>>;
  /** Sessions of all keys, or of those that the options name, that end in `[fromEndMs, toEndMs]`, by end, then start, then key. */
  findSessionsByEnd(
    fromEndMs: number,
    toEndMs: number,
    options?: KeyScanOptions<K>,
  ): IterableIterator<SessionEntry<K, V>>;
  fetchSession(key: K, session: Session): V | undefined;
  /** False when the session is past its retention; it is then ignored and counted as dropped. */
  put(key: K, session: Session, value: V): boolean;
  remove(key: K, session: Session): void;
}

export interface VersionScanOptions<K> extends KeyScanOptions<K> {
  /** Each key as of that time, under the same conditions as `getAsOf`. Default: its latest version. */
  readonly asOfMs?: number;
}

export interface VersionedValue<V> {
  readonly value: V;
  readonly validFromMs: number;
  /** Exclusive; undefined for the latest version. */
  readonly validToMs: number | undefined;
}

/**
 * Every version of a key within the history retention, and the latest one for ever. Each put is logged with its own time, so
 * the changelog may be read as the table's history.
 */
export interface VersionedKeyValueStore<K, V> extends StateStore, ObservedTime {
  readonly historyRetentionMs: number;
  get(key: K): VersionedValue<V> | undefined;
  /** The version that was valid at that time; undefined when there was none or the history does not reach back so far. */
  getAsOf(key: K, timestampMs: number): VersionedValue<V> | undefined;
  /** The versions of a key that were valid at some moment of `[fromMs, toMs]`, as far as the history reaches, by time. */
  history(key: K, fromMs: number, toMs: number, options?: ScanOptions): IterableIterator<VersionedValue<V>>;
  /** One version of every key that had one then, in the order of the serialized keys. */
  all(options?: VersionScanOptions<K>): IterableIterator<KeyValueEntry<K, VersionedValue<V>>>;
  /**
   * `undefined` is a deletion as of that time. Answers whether the version is now the latest, one of the past, or too old for
   * the history and therefore ignored.
   */
  put(key: K, value: V | undefined, timestampMs: number): 'latest' | 'past' | 'expired';
}

export interface StoreSpec<K, V> extends StoreSerdes<K, V> {
  readonly name: string;
  /** Default true. False: no changelog; the store is lost with its disk. */
  readonly logging?: boolean;
  /** Values to keep in memory beyond uncommitted ones, per task. */
  readonly cacheEntries?: number;
  /** Settings of the changelog topic by their Kafka names, over the defaults of the kind of store. */
  readonly changelogConfig?: Readonly<Record<string, string>>;
}

/** Makes the stores of generated operators; the port through which `dsl/` gets them. Keys are ordered by their serialized form. */
export interface StoreSuppliers {
  keyValueStore<K, V>(spec: StoreSpec<K, V>): StoreBuilder<KeyValueStore<K, V>>;
  timedDueStore<K, V>(
    spec: StoreSpec<K, V> & { readonly dueAtMs: (value: V) => number | undefined },
  ): StoreBuilder<TimedDueStore<K, V>>;
  timedWindowStore<K, V>(
    spec: StoreSpec<K, V> & {
      readonly retentionMs: number;
      /** The event time that a value shows to have been seen; by default its window's start. */
      readonly observedAtMs?: (value: V, windowStartMs: number) => number;
    },
  ): StoreBuilder<TimedWindowStore<K, V>>;
  sessionStore<K, V>(spec: StoreSpec<K, V> & { readonly retentionMs: number }): StoreBuilder<SessionStore<K, V>>;
  versionedStore<K, V>(
    spec: StoreSpec<K, V> & { readonly historyRetentionMs: number },
  ): StoreBuilder<VersionedKeyValueStore<K, V>>;
}
