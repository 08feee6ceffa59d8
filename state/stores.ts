/**
 * Builders of stores, as a topology declares them.
 *
 * Invariant: a store's name is also that of its key space and of its changelog, so it is kept for the life of its data.
 */
import { TopologyError } from '../streams/errors.ts';
import { timestampedSerde } from '../streams/dsl/serdes.ts';
import { int64Serde } from '../streams/serdes.ts';
import type {
  SessionStore,
  TimedDueStore,
  TimedWindowStore,
  ValueAndTimestamp,
  VersionedKeyValueStore,
} from '../streams/state-store-timed.ts';
import type {
  DueKeyValueStore,
  KeyValueStore,
  StateStore,
  StoreBuilder,
  TimerStore,
  WindowStore,
} from '../streams/state-store.ts';
import type { StoreView, ViewContext } from '../streams/queries/store-view.ts';
import { BackedDueKeyValueStore, type DueKeyValueStoreOptions } from './due-key-value-store.ts';
import { BackedKeyValueStore, type KeyValueStoreOptions } from './key-value-store.ts';
import { committedTimeMs } from './observed-time.ts';
import { BackedSessionStore, heldSerde } from './session-store.ts';
import { BackedTimedDueStore } from './timed-due-store.ts';
import { BackedTimedWindowStore, type TimedWindowStoreOptions } from './timed-window-store.ts';
import { BackedTtlKeyValueStore, expiringSerde, type TtlStoreOptions } from './ttl-store.ts';
import { BackedTimerStore, type TimerStoreOptions } from './timer-store.ts';
import { BackedVersionedStore, type VersionedStoreOptions } from './versioned-store.ts';
import { VersionedView } from './versioned-view.ts';
import { KeyValueView, TtlView, WindowView, type WindowViewParts } from './views.ts';
import { BackedWindowStore, segmentMsOf, type WindowStoreOptions } from './window-store.ts';

export interface StoreSettings {
  /** Letters, digits, dot, underscore and dash: it becomes part of a topic's name. */
  readonly name: string;
  /** Default true. False: no changelog; the store is lost with its disk. */
  readonly logging?: boolean;
  /** Values to keep in memory beyond uncommitted ones, per task. Default 16384; 0 turns the cache off. */
  readonly cacheEntries?: number;
  /** Settings of the changelog topic by their Kafka names, over the defaults of the kind of store. */
  readonly changelogConfig?: Readonly<Record<string, string>>;
}

type Spec<Options> = Omit<Options, keyof StoreSettings> & StoreSettings;

const DEFAULT_CACHE_ENTRIES = 16_384;
const STORE_NAME = /^[A-Za-z0-9._-]+$/;
const COMPACTED = { 'cleanup.policy': 'compact' };
const DAY_MS = 86_400_000;

export const keyValueStore = <K, V>(spec: Spec<KeyValueStoreOptions<K, V>>): StoreBuilder<KeyValueStore<K, V>> =>
  builder(spec, COMPACTED, (context) => new BackedKeyValueStore(withCache(spec), context), keyValueView(spec));

/** Values with the event time they stand for. */
export const timestampedKeyValueStore = <K, V>(
  spec: Spec<KeyValueStoreOptions<K, V>>,
): StoreBuilder<KeyValueStore<K, ValueAndTimestamp<V>>> =>
  keyValueStore({ ...spec, value: timestampedSerde(spec.value) });

/** A key-value store whose entries are gone some stream time after they were last written. */
export const ttlKeyValueStore = <K, V>(spec: Spec<TtlStoreOptions<K, V>>): StoreBuilder<KeyValueStore<K, V>> =>
  builder(
    spec,
    COMPACTED,
    (context) => new BackedTtlKeyValueStore(withCache(spec), context),
    ({ backend, streamTimeMs }) =>
      new TtlView(
        new KeyValueView({ ...spec, value: expiringSerde(spec.value), space: backend.keySpace(spec.name) }),
        streamTimeMs(),
      ),
  );

/** A key-value store whose entries fall due when their value says so; see `ProcessorContext.onDue`. */
export const dueKeyValueStore = <K, V>(
  spec: Spec<DueKeyValueStoreOptions<K, V>>,
): StoreBuilder<DueKeyValueStore<K, V>> =>
  builder(spec, COMPACTED, (context) => new BackedDueKeyValueStore(withCache(spec), context), keyValueView(spec));

/** Durable timers by key; see `ProcessorContext.onDue`. */
export const timerStore = <K>(spec: Spec<TimerStoreOptions<K>>): StoreBuilder<TimerStore<K>> =>
  builder(
    spec,
    COMPACTED,
    (context) => new BackedTimerStore(withCache(spec), context),
    keyValueView({ ...spec, value: int64Serde }),
  );

export const windowStore = <K, V>(spec: Spec<WindowStoreOptions<K, V>>): StoreBuilder<WindowStore<K, V>> =>
  builder(
    spec,
    windowChangelog(spec.retentionMs),
    (context) => new BackedWindowStore(withCache(spec), context),
    windowView(spec, ({ streamTimeMs }) => streamTimeMs() - spec.retentionMs),
  );

/** A window store whose retention goes by its own puts; see `TimedWindowStore`. */
export const timedWindowStore = <K, V>(
  spec: Spec<TimedWindowStoreOptions<K, V>>,
): StoreBuilder<TimedWindowStore<K, V>> =>
  builder(
    spec,
    windowChangelog(spec.retentionMs),
    (context) => new BackedTimedWindowStore(withCache(spec), context),
    windowView(spec, firstOfTimed(spec)),
  );

/** A due store that keeps the event time its operator has seen. */
export const timedDueStore = <K, V>(spec: Spec<DueKeyValueStoreOptions<K, V>>): StoreBuilder<TimedDueStore<K, V>> =>
  builder(spec, COMPACTED, (context) => new BackedTimedDueStore(withCache(spec), context), keyValueView(spec));

export const sessionStore = <K, V>(spec: Spec<WindowStoreOptions<K, V>>): StoreBuilder<SessionStore<K, V>> =>
  builder(
    spec,
    windowChangelog(spec.retentionMs),
    (context) => new BackedSessionStore(withCache(spec), context),
    sessionView(spec),
  );

export const versionedStore = <K, V>(
  spec: Spec<VersionedStoreOptions<K, V>>,
): StoreBuilder<VersionedKeyValueStore<K, V>> =>
  builder(
    spec,
    COMPACTED,
    (context) => new BackedVersionedStore(withCache(spec), context),
    ({ backend }) => new VersionedView(spec, backend),
  );

/**
 * The log drops windows some time after the store does. It counts from when they were written, not from their event time: a
 * replay of old input would lose them at once.
 */
const windowChangelog = (retentionMs: number): Readonly<Record<string, string>> => ({
  'cleanup.policy': 'compact,delete',
  'retention.ms': String(retentionMs + DAY_MS),
  'message.timestamp.type': 'LogAppendTime',
});

type MakeView = (context: ViewContext) => StoreView;

const keyValueView =
  <K, V>({ name, key, value }: Pick<KeyValueStoreOptions<K, V>, 'name' | 'key' | 'value'>): MakeView =>
  ({ backend }) =>
    new KeyValueView({ name, key, value, space: backend.keySpace(name) });

type WindowSpec<K, V> = Pick<WindowStoreOptions<K, V>, 'name' | 'key' | 'value' | 'retentionMs'>;

const windowView =
  <K, V>(
    { name, key, value, retentionMs }: WindowSpec<K, V>,
    firstMs: (context: ViewContext) => number,
    how: Pick<WindowViewParts<K, V>, 'entry' | 'starts'> = {
      entry: (entryKey, startMs, entryValue) => ({ key: entryKey, value: entryValue, startMs }),
    },
  ): MakeView =>
  (context) =>
    new WindowView({
      ...{ name, key, value, space: context.backend.keySpace(name) },
      segmentMs: segmentMsOf(retentionMs),
      firstMs: firstMs(context),
      ...how,
    });

/** See `BackedTimedWindowStore`. */
const firstOfTimed =
  ({ name, retentionMs }: { name: string; retentionMs: number }) =>
  ({ backend }: ViewContext): number =>
    committedTimeMs(backend, `latest-${name}`) - retentionMs + 1;

/** A query of a key names a stretch of time that the session has a moment in; the rows lie by the session's end. */
const sessionView = <K, V>(spec: WindowSpec<K, V>): MakeView =>
  windowView({ ...spec, value: heldSerde(spec.value) }, firstOfTimed(spec), {
    entry: (key, endMs, { startMs, value }, query) =>
      query.kind === 'window' && startMs > query.toMs ? undefined : { key, value, startMs, endMs },
    starts: ({ kind, fromMs, toMs }) => [fromMs, kind === 'window' ? Infinity : toMs],
  });

const withCache = <T extends StoreSettings>(spec: T): T & { cacheEntries: number } => ({
  ...spec,
  cacheEntries: spec.cacheEntries ?? DEFAULT_CACHE_ENTRIES,
});

function builder<S extends StateStore>(
  { name, logging = true, changelogConfig }: StoreSettings,
  defaults: Readonly<Record<string, string>>,
  build: StoreBuilder<S>['build'],
  view: MakeView,
): StoreBuilder<S> {
  if (!STORE_NAME.test(name)) {
    throw new TopologyError('STORE_NAME', `"${name}" cannot name a store; use letters, digits, ".", "_" and "-".`);
  }
  return { name, loggingEnabled: logging, changelogConfig: { ...defaults, ...changelogConfig }, build, view };
}
