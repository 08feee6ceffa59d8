/**
 * The stores and the state backends, for those who put topologies together.
 *
 * Invariant: everything a topology needs of this folder is exported here; what is not, may change without a word.
 */
export { bytesKey, int64Key, pairKey, stringKey, type KeyCodec } from './codecs.ts';
export { MemoryBackendFactory } from './memory-backend.ts';
export { RocksDbBackendFactory, type RocksDbOptions } from './rocksdb-factory.ts';
export { storeSuppliers } from './store-suppliers.ts';
export {
  dueKeyValueStore,
  keyValueStore,
  sessionStore,
  timedDueStore,
  timedWindowStore,
  timerStore,
  timestampedKeyValueStore,
  ttlKeyValueStore,
  versionedStore,
  windowStore,
  type StoreSettings,
} from './stores.ts';
