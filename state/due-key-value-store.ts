/**
 * A key-value store that also orders its entries by the due time their value states.
 *
 * Invariant: `nextDueMs` and `peekDue` answer from the same writes that `get` sees; see `due-index.ts` for how.
 */
import type { GroupCounter } from '../streams/group-counter.ts';
import type { LogRecord, StateBatch } from '../streams/ports.ts';
import type { DueKeyValueStore, StoreContext } from '../streams/state-store.ts';
import { DueIndex, type DueEntry } from './due-index.ts';
import { GroupCounts, type GroupCountsOptions } from './group-counts.ts';
import { BackedKeyValueStore, type KeyValueStoreOptions } from './key-value-store.ts';
import type { WriteBackCache, WriteListener } from './write-back-cache.ts';

export interface DueKeyValueStoreOptions<K, V> extends KeyValueStoreOptions<K, V> {
  /**
   * When an entry with this value is due: whole UTC epoch milliseconds, or undefined for never. A pure function.
   * It is asked about every write, so it must be cheap.
   */
  readonly dueAtMs: (value: V) => number | undefined;
  /** How many of the next due times to keep at hand. Default 1024. */
  readonly dueChunk?: number;
  /** Counts entries by group for queries; see `GroupCounts`. */
  readonly counted?: GroupCountsOptions<V>;
}

const DEFAULT_DUE_CHUNK = 1024;

/** The key space of the due times; the name cannot be a store's own, since those have no slash. */
const indexName = (storeName: string): string => `${storeName}/due`;

export class BackedDueKeyValueStore<K, V> extends BackedKeyValueStore<K, V> implements DueKeyValueStore<K, V> {
  readonly groupCounter: GroupCounter | undefined;
  readonly #index: DueIndex<K, V>;
  readonly #counts: GroupCounts<V> | undefined;
  readonly #value: DueKeyValueStoreOptions<K, V>['value'];

  constructor(options: DueKeyValueStoreOptions<K, V>, context: StoreContext) {
    const index = new DueIndex<K, V>({
      backend: context.backend,
      space: context.backend.keySpace(indexName(options.name)),
      codec: options.key,
      dueAtMs: options.dueAtMs,
      chunk: options.dueChunk ?? DEFAULT_DUE_CHUNK,
      cache: () => this.cache,
    });
    const { counted, name, value } = options;
    const counts =
      counted &&
      new GroupCounts(counted, context.backend.keySpace(name), (bytes: Uint8Array) => value.deserialize(name, bytes));
    super(options, context, counts === undefined ? index : listeningTo(index, counts, () => this.cache));
    this.#index = index;
    this.#counts = counts;
    this.groupCounter = counts;
    this.#value = value;
  }

  /** Throws a `RangeError` when the value's due time is not whole milliseconds from 1970 on. */
  override put(key: K, value: V): void {
    this.#index.dueOf(value);
    super.put(key, value);
  }

  nextDueMs(): number | undefined {
    return this.#index.nextDueMs();
  }

  peekDue(untilMs: number): DueEntry<K, V> | undefined {
    return this.#index.peek(untilMs);
  }

  override stage(batch: StateBatch): void {
    this.#index.beforeStage(batch);
    super.stage(batch);
    this.#index.afterStage();
  }

  override rollback(): void {
    super.rollback();
    this.#index.afterRollback();
  }

  override mark(): void {
    super.mark();
    this.#index.mark();
  }

  override undo(): void {
    super.undo();
    this.#index.afterUndo();
  }

  override restore(records: readonly LogRecord[], batch: StateBatch): void {
    super.restore(records, batch);
    const last = new Map<string, LogRecord & { key: Uint8Array }>();
    for (const record of records) {
      if (record.key !== null) last.set(Buffer.from(record.key).toString('latin1'), { ...record, key: record.key });
    }
    const rows = [...last.values()];
    const former = this.space.getMany(rows.map(({ key }) => key));
    const changes = rows.map(
      ({ key, value }, index) => [key, this.#decode(former[index]), this.#decode(value ?? undefined)] as const,
    );
    this.#index.restore(changes, batch);
    for (const [key, before, after] of changes) this.#counts?.committed(() => key, before, after);
  }

  #decode(bytes: Uint8Array | undefined): V | undefined {
    return bytes === undefined ? undefined : this.#value.deserialize(this.name, bytes);
  }
}

/** `cache` is a function, because cache and listener need each other. */
const listeningTo = <K, V>(
  index: DueIndex<K, V>,
  counts: GroupCounts<V>,
  cache: () => WriteBackCache<K, V>,
): WriteListener<K, V> => ({
  changed: (entry, former) => index.changed(entry, former),
  staged: (entry, batch) => {
    index.staged(entry, batch);
    if (counts.active) counts.committed(() => cache().keyBytes(entry), entry.committed, entry.value);
  },
});
