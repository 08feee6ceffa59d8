/**
 * Aggregating the records of a stream by key and sliding window.
 *
 * Each record ends one window, its left one, and has a right one that starts right behind it; there are no others, so every
 * combination of records that lie within the time difference has exactly one window. An empty window does not exist.
 *
 * Invariant: a window's aggregate is that of the records between its bounds, both included, in whatever order they came. Windows
 * before 1970 do not exist; records too early for a left window share the one that starts at 0.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { ValueAndTimestamp } from '../../state-store-timed.ts';
import type { WindowEntry } from '../../state-store.ts';
import type { Change } from '../change.ts';
import type { SlidingWindows, Windowed } from '../windows.ts';
import { DroppedRecords } from './dropped.ts';
import { putAggregate, type AggregateWindowStore, type WindowAggregateNode } from './window-aggregate.ts';

type Row<VA> = ValueAndTimestamp<VA>;

/** What the windows around a record tell about those that must be made for it. */
interface Surroundings<VA> {
  readonly starts: Set<number>;
  /** Of the latest record before this one, if it matters. */
  previousMs: number | undefined;
  /** The aggregate that this record's left window begins with. */
  before: Row<VA> | undefined;
  /** An aggregate whose records after this one are those of its right window. */
  after: Row<VA> | undefined;
  leftExists: boolean;
  rightExists: boolean;
}

export class SlidingAggregate<K, V, VA> implements Processor<K | null, V, Windowed<K>, Change<VA>> {
  readonly #node: WindowAggregateNode<K, V, VA, SlidingWindows>;
  readonly #differenceMs: number;
  #context!: ProcessorContext<Windowed<K>, Change<VA>>;
  #store!: AggregateWindowStore<K, VA>;
  #dropped!: DroppedRecords;

  constructor(node: WindowAggregateNode<K, V, VA, SlidingWindows>) {
    this.#node = node;
    this.#differenceMs = node.windows.timeDifferenceMs;
  }

  init(context: ProcessorContext<Windowed<K>, Change<VA>>): void {
    this.#context = context;
    this.#store = context.getStateStore(this.#node.storeName);
    this.#dropped = new DroppedRecords(context, this.#node.node);
  }

  process(record: Record<K | null, V>): void {
    if (record.key === null) {
      this.#dropped.add('null-key');
      return;
    }
    const { graceMs } = this.#node.windows;
    const formerCloseMs = this.#store.observedTimeMs - graceMs;
    this.#store.observe(record.timestampMs);
    const closeMs = this.#closeMs;
    if (record.timestampMs + this.#differenceMs < closeMs) {
      this.#dropped.add('late');
      return;
    }
    // First, since the record's own windows may make the store forget those that have closed just now.
    if (this.#node.emit === 'on-window-close' && closeMs > formerCloseMs) this.#emitClosed(formerCloseMs, record);
    if (record.timestampMs < this.#differenceMs) this.#addEarly(record as Record<K, V>);
    else this.#add(record as Record<K, V>);
  }

  /** Windows that end before it take no more records. */
  get #closeMs(): number {
    return this.#store.observedTimeMs - this.#node.windows.graceMs;
  }

  #add(record: Record<K, V>): void {
    const { timestampMs } = record;
    const around = this.#updateAround(record);
    if (around === undefined) return;
    const { starts, previousMs, before } = around;
    if (previousMs !== undefined && previousMs + 1 + this.#differenceMs >= timestampMs && !starts.has(previousMs + 1)) {
      this.#update(record, previousMs + 1, undefined);
    }
    if (!around.leftExists) {
      const startMs = timestampMs - this.#differenceMs;
      const sharesPrevious = previousMs !== undefined && previousMs >= startMs;
      this.#update(record, startMs, sharesPrevious && before ? { value: before.value, timestampMs } : undefined);
    }
    this.#createRight(record, around);
  }

  /** Updates the windows that the record lies in, latest first. Undefined: no other record could make a difference. */
  #updateAround(record: Record<K, V>): Surroundings<VA> | undefined {
    const { timestampMs } = record;
    const around = nothingAround<VA>();
    for (const { windowStartMs, value: row } of this.#windows(record, timestampMs - 2 * this.#differenceMs).reverse()) {
      around.starts.add(windowStartMs);
      const endMs = windowStartMs + this.#differenceMs;
      if (windowStartMs > timestampMs) {
        around.rightExists = true;
      } else if (endMs > timestampMs) {
        around.after ??= row;
        this.#update(record, windowStartMs, row);
      } else if (endMs === timestampMs) {
        around.leftExists = true;
        this.#update(record, windowStartMs, row);
        // A former record of the same time has made all the windows that this one could need.
        if (row.timestampMs >= timestampMs) return undefined;
        around.previousMs = row.timestampMs;
      } else {
        around.before = row;
        around.previousMs = row.timestampMs;
        return around;
      }
    }
    return around;
  }

  #addEarly(record: Record<K, V>): void {
    const { timestampMs } = record;
    const around = nothingAround<VA>();
    let shared: Row<VA> | undefined;
    for (const { windowStartMs, value: row } of this.#windows(record, 0)) {
      around.starts.add(windowStartMs);
      if (windowStartMs === 0) {
        shared = row;
        if (row.timestampMs < timestampMs) around.previousMs = row.timestampMs;
      } else if (windowStartMs <= timestampMs) {
        around.after = row;
        this.#update(record, windowStartMs, row);
      } else {
        around.rightExists = true;
      }
    }
    if (shared !== undefined && shared.timestampMs > timestampMs) around.after ??= shared;
    this.#createRight(record, around);
    const { previousMs, starts } = around;
    if (previousMs !== undefined && !starts.has(previousMs + 1)) this.#update(record, previousMs + 1, undefined);
    this.#update(record, 0, shared);
  }

  #windows({ key, timestampMs }: Record<K, V>, fromMs: number): WindowEntry<K, Row<VA>>[] {
    return [...this.#store.fetchRange(key, Math.max(0, fromMs), timestampMs + 1)];
  }

  /** Adds the record to a window that has this row so far. */
  #update(record: Record<K, V>, startMs: number, row: Row<VA> | undefined): void {
    if (startMs + this.#differenceMs < this.#closeMs) {
      this.#dropped.add('late');
      return;
    }
    const { aggregation } = this.#node;
    const former = row === undefined ? aggregation.initialize() : row.value;
    const aggregate = aggregation.add(record.key, record.value, former);
    const resultMs = Math.max(record.timestampMs, row?.timestampMs ?? -1);
    putAggregate(this.#store, record.key, aggregate, resultMs, startMs);
    this.#send(record, startMs, { newValue: aggregate, oldValue: former }, resultMs);
  }

  /** The window of the records after this one, if there are any. */
  #createRight(record: Record<K, V>, { after, rightExists }: Surroundings<VA>): void {
    if (rightExists || after === undefined || after.timestampMs <= record.timestampMs) return;
    const startMs = record.timestampMs + 1;
    putAggregate(this.#store, record.key, after.value, after.timestampMs, startMs);
    this.#send(record, startMs, { newValue: after.value, oldValue: null }, after.timestampMs);
  }

  #send(
    { key, headers }: Record<K, V>,
    startMs: number,
    { newValue, oldValue }: Omit<Change<VA>, 'isLatest'>,
    timestampMs: number,
  ): void {
    if (this.#node.emit === 'on-window-close') return;
    const value = { newValue, oldValue: this.#node.sending.oldValues ? oldValue : null, isLatest: true };
    this.#context.forward({ key: this.#windowed(key, startMs), value, timestampMs, headers });
  }

  #emitClosed(formerCloseMs: number, { headers }: Record<unknown, unknown>): void {
    const fromMs = Math.max(0, formerCloseMs - this.#differenceMs);
    const toMs = this.#closeMs - this.#differenceMs - 1;
    if (toMs < fromMs) return;
    for (const { key, windowStartMs, value: row } of [...this.#store.fetchAll(fromMs, toMs)]) {
      const value = { newValue: row.value, oldValue: null, isLatest: true };
      const windowed = this.#windowed(key, windowStartMs);
      this.#context.forward({ key: windowed, value, timestampMs: row.timestampMs, headers });
    }
  }

  #windowed(key: K, startMs: number): Windowed<K> {
    return { key, window: { startMs, endMs: startMs + this.#differenceMs } };
  }
}

const nothingAround = <VA>(): Surroundings<VA> => ({
  starts: new Set(),
  previousMs: undefined,
  before: undefined,
  after: undefined,
  leftExists: false,
  rightExists: false,
});
