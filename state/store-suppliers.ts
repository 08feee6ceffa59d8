/**
 * The stores of generated operators, on the task's own backend.
 *
 * Invariant: a store made here differs from one made by `stores.ts` only in where its key codec comes from: the serde.
 */
import type { StoreSpec, StoreSuppliers } from '../streams/state-store-timed.ts';
import { serdeKey } from './serde-key.ts';
import { keyValueStore, sessionStore, timedDueStore, timedWindowStore, versionedStore } from './stores.ts';

export const storeSuppliers: StoreSuppliers = {
  keyValueStore: (spec) => keyValueStore(withCodec(spec)),
  timedDueStore: (spec) => timedDueStore(withCodec(spec)),
  timedWindowStore: (spec) => timedWindowStore(withCodec(spec)),
  sessionStore: (spec) => sessionStore(withCodec(spec)),
  versionedStore: (spec) => versionedStore(withCodec(spec)),
};

const withCodec = <K, V, S extends StoreSpec<K, V>>(spec: S) => ({ ...spec, key: serdeKey(spec.key, spec.name) });
