/**
 * A window store whose retention goes by its own puts, with the event time that its operator has seen.
 *
 * Invariant: a window is there as long as its start is less than the retention behind the latest start that was ever put, as
 * in Kafka Streams; records that the operator never gets to see cannot expire it.
 */
import type { LogRecord, StateBatch } from '../streams/ports.ts';
import type { TimedWindowStore } from '../streams/state-store-timed.ts';
import type { ChangelogSink, KeyScanOptions, ScanOptions, StoreContext, WindowEntry } from '../streams/state-store.ts';
import { DurableTime } from './observed-time.ts';
import { startOf } from './window-keys.ts';
import { BackedWindowStore, type WindowStoreOptions } from './window-store.ts';

export interface TimedWindowStoreOptions<K, V> extends WindowStoreOptions<K, V> {
  /** The event time that a value shows to have been seen; by default its window's start. */
  readonly observedAtMs?: (value: V, windowStartMs: number) => number;
}

export class BackedTimedWindowStore<K, V> implements TimedWindowStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  readonly #options: TimedWindowStoreOptions<K, V>;
  readonly #windows: BackedWindowStore<K, V>;
  readonly #observed: DurableTime;
  readonly #latestStart: DurableTime;

  constructor(options: TimedWindowStoreOptions<K, V>, context: StoreContext) {
    this.name = options.name;
    this.retentionMs = options.retentionMs;
    this.#options = options;
    this.#observed = new DurableTime(context.backend, `observed-${options.name}`);
    this.#latestStart = new DurableTime(context.backend, `latest-${options.name}`);
    this.#windows = new BackedWindowStore(options, { ...context, streamTimeMs: () => this.#latestStart.ms });
  }

  get observedTimeMs(): number {
    return this.#observed.ms;
  }

  observe(timestampMs: number): void {
    this.#observed.observe(timestampMs);
  }

  fetch(key: K, windowStartMs: number): V | undefined {
    return windowStartMs < this.#firstMs ? undefined : this.#windows.fetch(key, windowStartMs);
  }

  fetchRange(key: K, fromMs: number, toMs: number, options?: ScanOptions): IterableIterator<WindowEntry<K, V>> {
    return this.#windows.fetchRange(key, Math.max(fromMs, this.#firstMs), toMs, options);
  }

  /** Has the windows that start exactly the retention ago, too. */
  fetchAll(fromMs: number, toMs: number, options?: KeyScanOptions<K>): IterableIterator<WindowEntry<K, V>> {
    return this.#windows.fetchAll(fromMs, toMs, options);
  }

  put(key: K, value: V | undefined, windowStartMs: number): boolean {
    if (value !== undefined) this.#latestStart.observe(windowStartMs);
    return this.#windows.put(key, value, windowStartMs);
  }

  get dirtyEntries(): number {
    return this.#windows.dirtyEntries;
  }

  flush(changelog: ChangelogSink): void {
    this.#windows.flush(changelog);
  }

  stage(batch: StateBatch): void {
    this.#windows.stage(batch);
    this.#stageTimes(batch);
  }

  rollback(): void {
    this.#windows.rollback();
    this.#observed.rollback();
    this.#latestStart.rollback();
  }

  mark(): void {
    this.#windows.mark();
    this.#observed.mark();
    this.#latestStart.mark();
  }

  undo(): void {
    this.#windows.undo();
    this.#observed.undo();
    this.#latestStart.undo();
  }

  restore(records: readonly LogRecord[], batch: StateBatch): void {
    const { value: serde, observedAtMs = (_, windowStartMs) => windowStartMs } = this.#options;
    for (const { key, value } of records) {
      if (key === null || value === null) continue;
      const windowStartMs = startOf(key);
      this.#latestStart.observe(windowStartMs);
      this.#observed.observe(observedAtMs(serde.deserialize(this.name, value), windowStartMs));
    }
    this.#windows.restore(records, batch);
    this.#stageTimes(batch);
  }

  close(): void {
    this.#windows.close();
  }

  /** The first start that a key can still be asked for. */
  get #firstMs(): number {
    return this.#latestStart.ms - this.retentionMs + 1;
  }

  #stageTimes(batch: StateBatch): void {
    this.#observed.stage(batch);
    this.#latestStart.stage(batch);
  }
}
