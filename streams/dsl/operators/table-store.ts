/**
 * The store of a table, timestamped or versioned, behind one face.
 *
 * Invariant: a put says whether it made the key's latest value, so that those downstream can tell an update from history.
 */
import type { ProcessorContext } from '../../processor.ts';
import type { Serde } from '../../serde.ts';
import type { KeyValueStore, StateStore, StoreBuilder } from '../../state-store.ts';
import type { StoreSuppliers, ValueAndTimestamp, VersionedKeyValueStore } from '../../state-store-timed.ts';
import { requireSerde } from '../graph.ts';
import type { Materialized, TableMaterialized } from '../options.ts';
import { timestampedSerde } from '../serdes.ts';
import type { TableReader, TableView } from './table-operator.ts';

export interface TableStore<K, V> extends TableReader<K, V> {
  /** Null deletes. */
  put(key: K, value: V | null, timestampMs: number): 'latest' | 'past' | 'expired';
}

type Timestamped<K, V> = KeyValueStore<K, ValueAndTimestamp<V>>;

const isVersioned = <K, V>(store: StateStore): store is VersionedKeyValueStore<K, V> => 'historyRetentionMs' in store;

export function openTableStore<K, V>(context: ProcessorContext<never, never>, name: string): TableStore<K, V> {
  const store = context.getStateStore(name);
  return isVersioned<K, V>(store) ? versioned(store) : timestamped(store as Timestamped<K, V>);
}

const timestamped = <K, V>(store: Timestamped<K, V>): TableStore<K, V> => ({
  get: (key) => store.get(key),
  getAsOf: (key) => store.get(key),
  put: (key, value, timestampMs) => {
    if (value === null) store.delete(key);
    else store.put(key, { value, timestampMs });
    return 'latest';
  },
});

const versioned = <K, V>(store: VersionedKeyValueStore<K, V>): TableStore<K, V> => {
  const stamped = (version: ReturnType<VersionedKeyValueStore<K, V>['get']>): ValueAndTimestamp<V> | undefined =>
    version && { value: version.value, timestampMs: version.validFromMs };
  return {
    get: (key) => stamped(store.get(key)),
    getAsOf: (key, timestampMs) => stamped(store.getAsOf(key, timestampMs)),
    put: (key, value, timestampMs) => store.put(key, value ?? undefined, timestampMs),
  };
};

export const storeView = <K, V>(name: string): TableView<K, V> => ({
  stores: [name],
  open: (context) => openTableStore<K, V>(context, name),
});

/** The settings of a store that come from what the user said about it. */
export const storeSettings = ({ logging, cacheEntries, changelogConfig }: Materialized<never, never>) => ({
  ...(logging !== undefined && { logging }),
  ...(cacheEntries !== undefined && { cacheEntries }),
  ...(changelogConfig !== undefined && { changelogConfig }),
});

export function tableStoreBuilder<K, V>(
  suppliers: StoreSuppliers,
  name: string,
  serdes: { readonly key: Serde<K> | undefined; readonly value: Serde<V> | undefined },
  materialized: TableMaterialized<K, V>,
): StoreBuilder {
  const key = requireSerde(serdes.key, 'key', name);
  const value = requireSerde(serdes.value, 'value', name);
  const spec = { name, key, ...storeSettings(materialized as Materialized<never, never>) };
  const { historyRetentionMs } = materialized;
  return historyRetentionMs === undefined
    ? suppliers.keyValueStore({ ...spec, value: timestampedSerde(value) })
    : suppliers.versionedStore({ ...spec, value, historyRetentionMs });
}
