/**
 * Builders of stores, as a topology declares them.
 */
import type { KeyValueStore, StateStore, StoreBuilder } from '../streams/state-store.ts';
import { BackedKeyValueStore, type KeyValueStoreOptions } from './key-value-store.ts';

const DEFAULT_CACHE_ENTRIES = 16_384;

export interface StoreSettings {
  /** Default true. False: no changelog; the store is lost with its disk. */
  readonly logging?: boolean;
  /** Values to keep in memory beyond uncommitted ones, per task. Default 16384. */
  readonly cacheEntries?: number;
  /** Settings of the changelog topic, by their Kafka names, over the defaults of the kind of store. */
  readonly changelogConfig?: Readonly<Record<string, string>>;
}

type Specified<T> = Omit<T, 'cacheEntries'> & StoreSettings;

export const keyValueStore = <K, V>(spec: Specified<KeyValueStoreOptions<K, V>>): StoreBuilder<KeyValueStore<K, V>> =>
  builder(spec, COMPACTED, (context) => new BackedKeyValueStore(withCache(spec), context));

const COMPACTED = { 'cleanup.policy': 'compact' };

const withCache = <T extends StoreSettings>(spec: T): T & { cacheEntries: number } => ({
  ...spec,
  cacheEntries: spec.cacheEntries ?? DEFAULT_CACHE_ENTRIES,
});

const builder = <S extends StateStore>(
  { name, logging = true, changelogConfig }: StoreSettings & { readonly name: string },
  defaults: Readonly<Record<string, string>>,
  build: StoreBuilder<S>['build'],
): StoreBuilder<S> => ({
  name,
  loggingEnabled: logging,
  changelogConfig: { ...defaults, ...changelogConfig },
  build,
});
