/**
 * Aggregating the records of a stream by key and session.
 *
 * Invariant: sessions of a key are always further apart than the gap: a record that comes between two of them merges them, and
 * what the merged ones were is taken back before what they became is sent on.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { Session, SessionStore } from '../../state-store-timed.ts';
import type { Change } from '../change.ts';
import type { SessionWindows, Windowed } from '../windows.ts';
import { DroppedRecords } from './dropped.ts';
import type { TableView } from './table-operator.ts';
import type { WindowAggregateNode } from './window-aggregate.ts';

export interface SessionAggregateNode<K, V, VA> extends WindowAggregateNode<K, V, VA, SessionWindows> {
  readonly merge: (key: K, aggregate: VA | null, other: VA) => VA | null;
}

type Headers = Record<unknown, unknown>['headers'];

export class SessionAggregate<K, V, VA> implements Processor<K | null, V, Windowed<K>, Change<VA>> {
  readonly #node: SessionAggregateNode<K, V, VA>;
  #context!: ProcessorContext<Windowed<K>, Change<VA>>;
  #store!: SessionStore<K, VA>;
  #dropped!: DroppedRecords;

  constructor(node: SessionAggregateNode<K, V, VA>) {
    this.#node = node;
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
    const { inactivityGapMs, graceMs } = this.#node.windows;
    const formerCloseMs = this.#store.observedTimeMs - graceMs - inactivityGapMs;
    this.#store.observe(record.timestampMs);
    const closeMs = this.#store.observedTimeMs - graceMs - inactivityGapMs;
    // First, since the record's own session may make the store forget those that have closed just now.
    if (this.#node.emit === 'on-window-close' && closeMs > formerCloseMs) {
      this.#emitClosed(Math.max(0, formerCloseMs), closeMs - 1, record.headers);
    }
    this.#add(record as Record<K, V>, closeMs);
  }

  #add({ key, value, timestampMs, headers }: Record<K, V>, closeMs: number): void {
    const { aggregation, merge, windows } = this.#node;
    const { inactivityGapMs } = windows;
    const found = [...this.#store.findSessions(key, timestampMs - inactivityGapMs, timestampMs + inactivityGapMs)];
    const session = {
      startMs: Math.min(timestampMs, ...found.map((entry) => entry.session.startMs)),
      endMs: Math.max(timestampMs, ...found.map((entry) => entry.session.endMs)),
    };
    if (session.endMs < closeMs) {
      this.#dropped.add('late');
      return;
    }
    let aggregate = aggregation.initialize();
    for (const merged of found) aggregate = merge(key, aggregate, merged.value);
    // A record within one moment that is a session already changes that session and ends none.
    if (session.startMs !== timestampMs || session.endMs !== timestampMs) {
      for (const merged of found) {
        this.#store.remove(key, merged.session);
        this.#send(key, merged.session, { newValue: null, oldValue: merged.value }, headers);
      }
    }
    const newValue = aggregation.add(key, value, aggregate);
    if (newValue === null) this.#store.remove(key, session);
    else this.#store.put(key, session, newValue);
    this.#send(key, session, { newValue, oldValue: null }, headers);
  }

  #send(key: K, window: Session, change: Omit<Change<VA>, 'isLatest'>, headers: Headers): void {
    if (this.#node.emit === 'on-window-close') return;
    const { newValue } = change;
    const oldValue = this.#node.sending.oldValues ? change.oldValue : null;
    const value = { newValue, oldValue, isLatest: true };
    this.#context.forward({ key: { key, window }, value, timestampMs: window.endMs, headers });
  }

  #emitClosed(fromMs: number, toMs: number, headers: Headers): void {
    if (toMs < fromMs) return;
    for (const { key, session, value } of [...this.#store.findSessionsByEnd(fromMs, toMs)]) {
      const change = { newValue: value, oldValue: null, isLatest: true };
      this.#context.forward({ key: { key, window: session }, value: change, timestampMs: session.endMs, headers });
    }
  }
}

export const sessionView = <K, VA>(storeName: string): TableView<Windowed<K>, VA> => ({
  stores: [storeName],
  open: (context) => {
    const store = context.getStateStore<SessionStore<K, VA>>(storeName);
    const get = ({ key, window }: Windowed<K>) => {
      const value = store.fetchSession(key, window);
      return value === undefined ? undefined : { value, timestampMs: window.endMs };
    };
    return { get, getAsOf: get };
  },
});
