/**
 * Values by key and window start, kept for a retention time.
 *
 * Invariants:
 * - A window is gone once it starts more than the retention before stream time; it is neither returned nor written, whether or
 *   not its segment was deleted.
 * - Expiry deletes whole segments as ranges; no key is read for it.
 * - A range is a snapshot of the moment it was asked for.
 *
 * Window starts are not expected to lie ahead of stream time: a restore, which knows no stream time, takes the latest start
 * for it.
 */
import type { Counter, LogRecord, StateBatch } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import type {
  ChangelogSink,
  KeyScanOptions,
  ScanOptions,
  StoreContext,
  WindowEntry,
  WindowStore,
} from '../streams/state-store.ts';
import { compareBytes, requireTimestamp, successor } from './bytes.ts';
import type { KeyCodec } from './codecs.ts';
import { keyChoice } from './key-choice.ts';
import { keyOf, segmentBytes, startOf, toChangelog, WindowKeyCodec, type WindowKey } from './window-keys.ts';
import { WindowSegments } from './window-segments.ts';
import { WriteBackCache } from './write-back-cache.ts';

const MIN_SEGMENT_MS = 60_000;

export const segmentMsOf = (retentionMs: number): number => Math.max(Math.ceil(retentionMs / 2), MIN_SEGMENT_MS);

export interface WindowStoreOptions<K, V> {
  readonly name: string;
  readonly key: KeyCodec<K>;
  /** Is given the store's name for a topic. */
  readonly value: Serde<V>;
  /** How far behind stream time a window may start and still be there. Milliseconds. */
  readonly retentionMs: number;
  readonly cacheEntries: number;
}

export class BackedWindowStore<K, V> implements WindowStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly #context: StoreContext;
  readonly #codec: KeyCodec<K>;
  readonly #windowCodec: WindowKeyCodec<K>;
  readonly #space;
  readonly #cache: WriteBackCache<WindowKey<K>, V>;
  readonly #segments: WindowSegments;
  readonly #dropped: Counter;
  #latestRestoredMs = -1;

  constructor({ name, key, value, retentionMs, cacheEntries }: WindowStoreOptions<K, V>, context: StoreContext) {
    this.name = name;
    this.retentionMs = retentionMs;
    this.#context = context;
    this.#codec = key;
    this.#space = context.backend.keySpace(name);
    const segmentMs = segmentMsOf(retentionMs);
    this.#windowCodec = new WindowKeyCodec(key, segmentMs);
    this.#segments = new WindowSegments(name, this.#space, segmentMs);
    this.#cache = new WriteBackCache({
      storeName: name,
      space: this.#space,
      key: this.#windowCodec,
      value,
      cacheEntries,
      changelogKey: toChangelog,
    });
    this.#dropped = context.metrics.counter('stream_state_dropped_records', { task: context.taskId, store: name });
  }

  fetch(key: K, windowStartMs: number): V | undefined {
    return windowStartMs < this.#boundMs ? undefined : this.#cache.get({ key, windowStartMs });
  }

  fetchRange(
    key: K,
    fromMs: number,
    toMs: number,
    { reverse = false }: ScanOptions = {},
  ): IterableIterator<WindowEntry<K, V>> {
    const [first, last] = this.#interval(fromMs, toMs);
    const keyBytes = this.#codec.encode(key);
    const ranges = this.#segmentsWithin(first, last, reverse).map((segment) => {
      const start = Math.max(first, segment);
      const end = Math.min(last, segment + this.#windowCodec.segmentMs - 1);
      const to = successor(this.#windowCodec.physical(keyBytes, end));
      return this.#cache.range(this.#windowCodec.physical(keyBytes, start), to, reverse);
    });
    return this.#windowsOf(ranges);
  }

  fetchAll(fromMs: number, toMs: number, options: KeyScanOptions<K> = {}): IterableIterator<WindowEntry<K, V>> {
    const interval = this.#interval(fromMs, toMs);
    const ranges = this.#segmentsWithin(...interval, options.reverse ?? false).map((segment) => {
      const end = segmentBytes(segment + this.#windowCodec.segmentMs);
      return this.#cache.range(segmentBytes(segment), end, false);
    });
    return this.#windowsByTime(ranges, interval, options);
  }

  /** Throws a `RangeError` when the window start is not whole milliseconds from 1970 on. */
  put(key: K, value: V | undefined, windowStartMs: number): boolean {
    requireTimestamp('A window start', windowStartMs);
    if (windowStartMs < this.#boundMs) {
      this.#dropped.add(1);
      return false;
    }
    this.#segments.add(this.#windowCodec.segmentOf(windowStartMs));
    this.#cache.put({ key, windowStartMs }, value);
    return true;
  }

  get dirtyEntries(): number {
    return this.#cache.dirtyEntries.length;
  }

  flush(changelog: ChangelogSink): void {
    this.#cache.flush(changelog, Math.max(0, this.#context.streamTimeMs()));
  }

  stage(batch: StateBatch): void {
    this.#cache.stage(batch);
    this.#segments.stage(batch);
    this.#segments.expire(this.#boundMs, batch);
  }

  rollback(): void {
    this.#cache.rollback();
  }

  mark(): void {
    this.#cache.mark();
  }

  undo(): void {
    this.#cache.undo();
  }

  restore(records: readonly LogRecord[], batch: StateBatch): void {
    this.#cache.clear();
    for (const { key } of records) {
      if (key === null) throw new TypeError(`The changelog of "${this.name}" has a record without a key.`);
      this.#latestRestoredMs = Math.max(this.#latestRestoredMs, startOf(key));
    }
    const boundMs = Math.max(this.#boundMs, this.#latestRestoredMs - this.retentionMs);
    for (const { key, value } of records) {
      if (key !== null && startOf(key) >= boundMs) this.#restoreWindow(key, value, batch);
    }
    this.#segments.stage(batch);
    this.#segments.expire(boundMs, batch);
  }

  close(): void {
    this.#cache.rollback();
    this.#cache.clear();
  }

  /** Windows that start before it have expired. */
  get #boundMs(): number {
    return this.#context.streamTimeMs() - this.retentionMs;
  }

  /** The bounds as whole numbers that a key can have, without what has expired. */
  #interval(fromMs: number, toMs: number): [number, number] {
    const first = Math.max(0, Math.ceil(Math.max(fromMs, this.#boundMs)));
    return [first, Math.min(Math.floor(toMs), Number.MAX_SAFE_INTEGER - this.#windowCodec.segmentMs)];
  }

  #segmentsWithin(firstMs: number, lastMs: number, reverse: boolean): readonly number[] {
    const segments = this.#segments.within(firstMs, lastMs);
    return reverse ? segments.toReversed() : segments;
  }

  #restoreWindow(key: Uint8Array, value: Uint8Array | null, batch: StateBatch): void {
    const physical = this.#windowCodec.fromChangelog(key);
    if (value === null) {
      batch.delete(this.#space, physical);
      return;
    }
    this.#segments.add(this.#windowCodec.segmentOf(startOf(key)));
    batch.put(this.#space, physical, value);
  }

  *#windowsOf(ranges: readonly IterableIterator<readonly [Uint8Array, V]>[]): Generator<WindowEntry<K, V>, undefined> {
    for (const range of ranges) {
      for (const [physical, value] of range) yield { ...this.#windowCodec.decode(physical), value };
    }
  }

  /** A segment lies in key order, so its windows are collected and sorted. */
  *#windowsByTime(
    ranges: readonly IterableIterator<readonly [Uint8Array, V]>[],
    [firstMs, lastMs]: readonly [number, number],
    options: KeyScanOptions<K>,
  ): Generator<WindowEntry<K, V>, undefined> {
    const isChosen = keyChoice(this.#codec, options);
    for (const range of ranges) {
      const windows = [...range]
        .map(([physical, value]) => ({ physical, startMs: startOf(physical), value }))
        .filter(({ startMs, physical }) => startMs >= firstMs && startMs <= lastMs && isChosen(keyOf(physical)))
        .sort((a, b) => a.startMs - b.startMs || compareBytes(keyOf(a.physical), keyOf(b.physical)));
      if (options.reverse) windows.reverse();
      for (const { physical, value } of windows) yield { ...this.#windowCodec.decode(physical), value };
    }
  }
}
