/**
 * Durable timers: a due store whose values are the due times themselves.
 *
 * Invariant: a key has one timer at most; setting it again moves it.
 */
import { int64Serde } from '../streams/serdes.ts';
import type { StoreContext, TimerStore } from '../streams/state-store.ts';
import { BackedDueKeyValueStore, type DueKeyValueStoreOptions } from './due-key-value-store.ts';

export type TimerStoreOptions<K> = Omit<DueKeyValueStoreOptions<K, number>, 'value' | 'dueAtMs'>;

export class BackedTimerStore<K> extends BackedDueKeyValueStore<K, number> implements TimerStore<K> {
  constructor(options: TimerStoreOptions<K>, context: StoreContext) {
    super({ ...options, value: int64Serde, dueAtMs: (dueMs) => dueMs }, context);
  }

  schedule(key: K, dueMs: number): void {
    this.put(key, dueMs);
  }

  cancel(key: K): void {
    this.delete(key);
  }

  scheduled(key: K): number | undefined {
    return this.get(key);
  }
}
