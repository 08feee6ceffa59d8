/**
 * Aggregating the records of a stream by key and fixed window.
 *
 * Invariants:
 * - A window takes records until the latest event time this node has seen is its grace past the window's end; later ones are
 *   counted as dropped, window by window.
 * - With `on-window-close` each window is sent on once, when that time comes, in the order of starts and then keys.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { TimedWindowStore, ValueAndTimestamp } from '../../state-store-timed.ts';
import type { Change } from '../change.ts';
import type { EmitStrategy, FixedWindows, Window, Windowed } from '../windows.ts';
import type { AggregateNode } from './aggregate.ts';
import { DroppedRecords } from './dropped.ts';
import { laterMs, type TableView } from './table-operator.ts';

export type AggregateWindowStore<K, VA> = TimedWindowStore<K, ValueAndTimestamp<VA>>;

export interface WindowAggregateNode<K, V, VA, W> extends AggregateNode<K, V, VA> {
  readonly windows: W;
  readonly emit: EmitStrategy;
}

type Output<K, VA> = ProcessorContext<Windowed<K>, Change<VA>>;

export class WindowAggregate<K, V, VA> implements Processor<K | null, V, Windowed<K>, Change<VA>> {
  readonly #node: WindowAggregateNode<K, V, VA, FixedWindows>;
  #context!: Output<K, VA>;
  #store!: AggregateWindowStore<K, VA>;
  #dropped!: DroppedRecords;

  constructor(node: WindowAggregateNode<K, V, VA, FixedWindows>) {
    this.#node = node;
  }

  init(context: Output<K, VA>): void {
    this.#context = context;
    this.#store = context.getStateStore(this.#node.storeName);
    this.#dropped = new DroppedRecords(context, this.#node.node);
  }

  process(record: Record<K | null, V>): void {
    if (record.key === null) {
      this.#dropped.add('null-key');
      return;
    }
    const { windows, emit } = this.#node;
    const formerCloseMs = this.#store.observedTimeMs - windows.graceMs;
    this.#store.observe(record.timestampMs);
    const closeMs = this.#store.observedTimeMs - windows.graceMs;
    // First, since the record's own windows may make the store forget those that have closed just now.
    if (emit === 'on-window-close' && closeMs > formerCloseMs) this.#emitClosed(formerCloseMs, closeMs, record);
    for (const window of windows.windowsFor(record.timestampMs)) {
      if (window.endMs > closeMs) this.#update(record as Record<K, V>, window);
      else this.#dropped.add('late');
    }
  }

  #update({ key, value, timestampMs, headers }: Record<K, V>, window: Window): void {
    const { aggregation, sending, emit } = this.#node;
    const row = this.#store.fetch(key, window.startMs);
    const former = row === undefined ? aggregation.initialize() : row.value;
    const aggregate = aggregation.add(key, value, former);
    const resultMs = laterMs(timestampMs, row?.timestampMs);
    putAggregate(this.#store, key, aggregate, resultMs, window.startMs);
    if (emit === 'on-window-close') return;
    const change = { newValue: aggregate, oldValue: sending.oldValues ? former : null, isLatest: true };
    this.#context.forward({ key: { key, window }, value: change, timestampMs: resultMs, headers });
  }

  #emitClosed(formerCloseMs: number, closeMs: number, { headers }: Record<unknown, unknown>): void {
    const { windows } = this.#node;
    // The first window to close since then. Mostly it has not closed yet, and no window needs to be looked at.
    const first = windows.windowsFor(Math.max(0, formerCloseMs))[0];
    if (first === undefined || first.endMs > closeMs) return;
    for (const { key, windowStartMs, value: row } of [...this.#store.fetchAll(first.startMs, closeMs)]) {
      const window = windows.windowAt(windowStartMs);
      if (window.endMs <= formerCloseMs || window.endMs > closeMs) continue;
      const change = { newValue: row.value, oldValue: null, isLatest: true };
      this.#context.forward({ key: { key, window }, value: change, timestampMs: row.timestampMs, headers });
    }
  }
}

export function putAggregate<K, VA>(
  store: AggregateWindowStore<K, VA>,
  key: K,
  aggregate: VA | null,
  timestampMs: number,
  windowStartMs: number,
): void {
  store.put(key, aggregate === null ? undefined : { value: aggregate, timestampMs }, windowStartMs);
}

export const windowView = <K, VA>(storeName: string): TableView<Windowed<K>, VA> => ({
  stores: [storeName],
  open: (context) => {
    const store = context.getStateStore<AggregateWindowStore<K, VA>>(storeName);
    const get = ({ key, window }: Windowed<K>) => store.fetch(key, window.startMs);
    return { get, getAsOf: get };
  },
});
