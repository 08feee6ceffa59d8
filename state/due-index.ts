/**
 * The entries of a store in the order they fall due: (due time, key bytes).
 *
 * A key space holds one row per entry that has a due time, written in the same batch as the entry; it has no changelog, since
 * the entries tell their due times themselves. In memory lies the near end of that order, as a heap.
 *
 * Invariants:
 * - Each entry's present due time, uncommitted or not, is in the heap, in `#beyond`, or (committed ones only) in a row at or
 *   above the horizon. So the least valid candidate is the next one due.
 * - A candidate counts only if the store's value still states its due time. Superfluous candidates and rows are therefore
 *   harmless; they are dropped when they come up.
 * - The heap is bounded: what is committed and far away stays in the key space.
 */
import type { KeySpace, StateBackend, StateBatch } from '../streams/ports.ts';
import { asBuffer, compareBytes, readInt64, requireTimestamp, Scratch, successor, writeInt64 } from './bytes.ts';
import type { KeyCodec } from './codecs.ts';
import { UNREAD, type CacheEntry, type Held, type WriteBackCache, type WriteListener } from './write-back-cache.ts';

/** The heap is cut back to a chunk when it has grown to this many. */
const MAX_HEAP_CHUNKS = 4;
/** Values fetched together when the next one due is not in memory. */
const READ_AHEAD = 64;
const DUE_BYTES = 8;
const NO_VALUE = new Uint8Array(0);

interface Candidate<K> {
  readonly dueMs: number;
  readonly key: K;
  keyBytes: Uint8Array | undefined;
  /** The commit that it came up in; lower than the present one: it may have a row. */
  readonly commit: number;
}

export interface DueEntry<K, V> {
  readonly key: K;
  readonly value: V;
  readonly dueMs: number;
}

export interface DueIndexOptions<K, V> {
  readonly backend: StateBackend;
  readonly space: KeySpace;
  readonly codec: KeyCodec<K>;
  readonly dueAtMs: (value: V) => number | undefined;
  /** Rows read at a time, and candidates that stay in memory when there are many. */
  readonly chunk: number;
  /** The store's cache; a function, because cache and index need each other. */
  readonly cache: () => WriteBackCache<K, V>;
}

export class DueIndex<K, V> implements WriteListener<K, V> {
  readonly #options: DueIndexOptions<K, V>;
  readonly #scratch = new Scratch();
  #heap: Candidate<K>[] = [];
  /** Uncommitted candidates at or above the horizon, in no order. */
  #beyond: Candidate<K>[] = [];
  /** The first row that was not loaded; undefined when all are. */
  #horizon: Uint8Array | undefined = NO_VALUE;
  #horizonMs = -1;
  /** No committed entry is due before; where loading begins, past the remains of deleted rows. */
  #floorMs = 0;
  #commit = 0;
  #droppedSinceMark = 0;
  /** Rows that came up without an entry that would account for them. */
  #superfluous: Candidate<K>[] = [];
  #purgeAt: number;

  constructor(options: DueIndexOptions<K, V>) {
    this.#options = options;
    this.#purgeAt = options.chunk;
  }

  /** Throws a `RangeError` for a due time that cannot be ordered. */
  dueOf(value: Held<V>): number | undefined {
    if (value === undefined || value === UNREAD) return undefined;
    const dueMs = this.#options.dueAtMs(value);
    if (dueMs !== undefined) requireTimestamp('A due time', dueMs);
    return dueMs;
  }

  changed({ key, keyBytes, value }: CacheEntry<K, V>, former: Held<V>): void {
    const dueMs = this.dueOf(value);
    if (dueMs === undefined || (former !== UNREAD && this.dueOf(former) === dueMs)) return;
    this.#add({ dueMs, key, keyBytes, commit: this.#commit });
  }

  staged(entry: CacheEntry<K, V>, batch: StateBatch): void {
    const formerMs = this.dueOf(entry.committed);
    const dueMs = this.dueOf(entry.value);
    if (formerMs === dueMs) return;
    const keyBytes = this.#options.cache().keyBytes(entry);
    if (formerMs !== undefined) batch.delete(this.#options.space, this.#row(formerMs, keyBytes));
    if (dueMs !== undefined) batch.put(this.#options.space, this.#row(dueMs, keyBytes), NO_VALUE);
  }

  nextDueMs(): number | undefined {
    return this.#top()?.dueMs;
  }

  peek(untilMs: number): DueEntry<K, V> | undefined {
    if (this.#heap.length > 0 && this.#heap[0]!.dueMs > untilMs) return undefined;
    const top = this.#top();
    if (top === undefined || top.dueMs > untilMs) return undefined;
    const { key, value } = this.#options.cache().read(top.key);
    return { key, value: value as V, dueMs: top.dueMs };
  }

  /** Before the store's entries are staged. */
  beforeStage(batch: StateBatch): void {
    for (const candidate of this.#superfluous) this.#deleteRow(candidate, batch);
    this.#superfluous = [];
    this.#purgeAt = this.#options.chunk;
  }

  /** After the store's entries were staged: what lies beyond the horizon has rows from here on. */
  afterStage(): void {
    this.#commit += 1;
    this.#beyond = [];
    if (this.#heap.length > MAX_HEAP_CHUNKS * this.#options.chunk) this.#shrink();
    this.#floorMs = this.#heap[0]?.dueMs ?? (this.#horizon === undefined ? Infinity : Math.max(0, this.#horizonMs));
    this.#droppedSinceMark = 0;
  }

  mark(): void {
    this.#droppedSinceMark = 0;
  }

  /** After the store took its writes back. Candidates that were dropped because of those writes may be valid again. */
  afterUndo(): void {
    if (this.#droppedSinceMark > 0) this.#reload();
  }

  afterRollback(): void {
    this.#reload();
  }

  /** Rows for restored entries, and no rows for what they replace. */
  restore(
    entries: Iterable<readonly [keyBytes: Uint8Array, former: V | undefined, value: V | undefined]>,
    batch: StateBatch,
  ): void {
    const { space } = this.#options;
    for (const [keyBytes, former, value] of entries) {
      const formerMs = this.dueOf(former);
      const dueMs = this.dueOf(value);
      if (formerMs !== undefined && formerMs !== dueMs) batch.delete(space, indexKey(formerMs, keyBytes));
      if (dueMs !== undefined) batch.put(space, indexKey(dueMs, keyBytes), NO_VALUE);
    }
    this.#floorMs = 0;
    this.#reload();
  }

  /** The next valid candidate; drops the others before it. */
  #top(): Candidate<K> | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) {
        if (!this.#load()) return undefined;
      } else if (this.#isValid(top)) return top;
      else this.#drop(top);
    }
  }

  #isValid({ key, dueMs }: Candidate<K>): boolean {
    const cache = this.#options.cache();
    if (cache.lacks(key)) cache.prefetch(this.#heap.slice(0, READ_AHEAD).map(({ key }) => key));
    return this.dueOf(cache.get(key)) === dueMs;
  }

  #drop(top: Candidate<K>): void {
    popCandidate(this.#heap, this.#compare);
    this.#droppedSinceMark += 1;
    if (top.commit === this.#commit || this.#accountedFor(top)) return;
    this.#superfluous.push(top);
    if (this.#superfluous.length >= this.#purgeAt) this.#purge();
  }

  /** True when staging the entry takes care of the candidate's row. */
  #accountedFor({ key, dueMs }: Candidate<K>): boolean {
    const entry = this.#options.cache().read(key);
    return entry.dirty && this.dueOf(entry.committed) === dueMs;
  }

  /** Deletes superfluous rows between commits, so that they do not pile up in memory; those of uncommitted entries wait. */
  #purge(): void {
    const { backend, cache } = this.#options;
    const batch = backend.batch();
    const waiting: Candidate<K>[] = [];
    for (const candidate of this.#superfluous) {
      if (cache().read(candidate.key).dirty) waiting.push(candidate);
      else this.#deleteRow(candidate, batch);
    }
    backend.write(batch);
    this.#superfluous = waiting;
    this.#purgeAt = waiting.length + this.#options.chunk;
  }

  #deleteRow(candidate: Candidate<K>, batch: StateBatch): void {
    if (this.#isValid(candidate)) return;
    batch.delete(this.#options.space, indexKey(candidate.dueMs, this.#keyBytes(candidate)));
  }

  #add(candidate: Candidate<K>): void {
    if (this.#isBelowHorizon(candidate)) pushCandidate(this.#heap, candidate, this.#compare);
    else this.#beyond.push(candidate);
  }

  #isBelowHorizon(candidate: Candidate<K>): boolean {
    if (this.#horizon === undefined) return true;
    if (candidate.dueMs !== this.#horizonMs) return candidate.dueMs < this.#horizonMs;
    return compareBytes(this.#keyBytes(candidate), this.#horizon.subarray(DUE_BYTES)) < 0;
  }

  /** Takes the next rows into the heap and moves the horizon past them. False when there was nothing left to take. */
  #load(): boolean {
    if (this.#horizon === undefined) return false;
    const { space, codec, chunk } = this.#options;
    let last: Uint8Array | undefined;
    let rows = 0;
    for (const [row] of space.range({ from: this.#horizon, limit: chunk })) {
      const keyBytes = row.subarray(DUE_BYTES);
      const dueMs = readInt64(asBuffer(row), 0);
      pushCandidate(this.#heap, { dueMs, key: codec.decode(keyBytes), keyBytes, commit: -1 }, this.#compare);
      last = row;
      rows += 1;
    }
    this.#setHorizon(last === undefined || rows < chunk ? undefined : successor(last));
    const waiting = this.#beyond;
    this.#beyond = [];
    for (const candidate of waiting) this.#add(candidate);
    return true;
  }

  /** Leaves the nearest candidates in the heap; all others have rows. */
  #shrink(): void {
    this.#heap.sort(this.#compare);
    const { chunk } = this.#options;
    const first = this.#heap[chunk]!;
    this.#heap.length = chunk;
    this.#setHorizon(indexKey(first.dueMs, this.#keyBytes(first)));
  }

  /** Begins anew from the rows and the uncommitted entries. */
  #reload(): void {
    this.#heap = [];
    this.#beyond = [];
    this.#droppedSinceMark = 0;
    this.#setHorizon(Number.isFinite(this.#floorMs) ? indexKey(this.#floorMs, NO_VALUE) : undefined);
    for (const { key, keyBytes, value } of this.#options.cache().dirtyEntries) {
      const dueMs = this.dueOf(value);
      if (dueMs !== undefined) this.#add({ dueMs, key, keyBytes, commit: this.#commit });
    }
  }

  /** As `indexKey`, for copying at once. */
  #row(dueMs: number, keyBytes: Uint8Array): Uint8Array {
    return writeRow(this.#scratch.view(DUE_BYTES + keyBytes.length), dueMs, keyBytes);
  }

  #setHorizon(horizon: Uint8Array | undefined): void {
    this.#horizon = horizon;
    this.#horizonMs = horizon === undefined ? Infinity : readInt64(asBuffer(horizon), 0);
  }

  #keyBytes(candidate: Candidate<K>): Uint8Array {
    return (candidate.keyBytes ??= this.#options.codec.encode(candidate.key));
  }

  readonly #compare = (a: Candidate<K>, b: Candidate<K>): number =>
    a.dueMs - b.dueMs || compareBytes(this.#keyBytes(a), this.#keyBytes(b));
}

/** Big-endian, so rows lie in the order of their due times; ties in the order of their keys. */
const indexKey = (dueMs: number, keyBytes: Uint8Array): Uint8Array =>
  writeRow(Buffer.allocUnsafe(DUE_BYTES + keyBytes.length), dueMs, keyBytes);

function writeRow(row: Buffer, dueMs: number, keyBytes: Uint8Array): Uint8Array {
  writeInt64(row, dueMs, 0);
  row.set(keyBytes, DUE_BYTES);
  return row;
}

type Compare<T> = (a: T, b: T) => number;

/** Adds to a binary heap. */
function pushCandidate<T>(heap: T[], item: T, compare: Compare<T>): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (compare(heap[parent]!, item) <= 0) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = item;
}

/** Takes the least item off a binary heap that has one. */
function popCandidate<T>(heap: T[], compare: Compare<T>): void {
  const item = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && compare(heap[child + 1]!, heap[child]!) < 0) child += 1;
    if (compare(item, heap[child]!) <= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}
