/**
 * The durable timers of one task: the due entries of all its stores, fired in one order.
 *
 * Invariant: entries fire by due time, then by the order in which their stores were declared, then by key; each once, since
 * its handler must have changed or deleted it. The order depends on the stores' content alone, so live and replay agree.
 */
import { TopologyError } from './errors.ts';
import type { DueHandler } from './processor.ts';
import type { DueStore, StateStore } from './state-store.ts';

interface DueSource {
  readonly store: DueStore;
  handler: DueHandler<unknown, unknown> | undefined;
}

const isDueStore = (store: StateStore): store is DueStore => 'peekDue' in store && 'nextDueMs' in store;

export class DueScheduler {
  readonly #sources: DueSource[];

  constructor(stores: readonly StateStore[]) {
    this.#sources = stores.filter(isDueStore).map((store) => ({ store, handler: undefined }));
  }

  onDue(storeName: string, handler: DueHandler<unknown, unknown>): void {
    const source = this.#sources.find(({ store }) => store.name === storeName);
    if (source === undefined) {
      throw new TopologyError(
        'NOT_A_DUE_STORE',
        `The store "${storeName}" has no due times; build it as timer or due store.`,
      );
    }
    if (source.handler !== undefined) {
      throw new TopologyError('DUE_HANDLER_TWICE', `The store "${storeName}" has two handlers for its due entries.`);
    }
    source.handler = handler;
  }

  /** When the next entry falls due; Infinity when none waits. */
  nextDueMs(): number {
    let next = Infinity;
    for (const { store, handler } of this.#sources) {
      const due = handler === undefined ? undefined : store.nextDueMs();
      if (due !== undefined && due < next) next = due;
    }
    return next;
  }

  /**
   * Fires entries with due time <= `untilMs`, `limit` at most, each through `run`. Entries that a handler adds are included.
   * Returns how many fired.
   */
  fire(untilMs: number, limit: number, run: (action: () => void) => void): number {
    let fired = 0;
    while (fired < limit) {
      const source = this.#earliest(untilMs);
      if (source === undefined) return fired;
      run(() => fireNext(source, untilMs));
      fired += 1;
    }
    return fired;
  }

  #earliest(untilMs: number): DueSource | undefined {
    let earliest: DueSource | undefined;
    let earliestMs = Infinity;
    for (const source of this.#sources) {
      // Not `nextDueMs`: this is asked before every record, and what is due later need not be looked up for the answer.
      const due = source.handler === undefined ? undefined : source.store.peekDue(untilMs);
      if (due !== undefined && due.dueMs < earliestMs) {
        earliest = source;
        earliestMs = due.dueMs;
      }
    }
    return earliest;
  }
}

function fireNext({ store, handler }: DueSource, untilMs: number): void {
  const entry = store.peekDue(untilMs);
  if (entry === undefined) return;
  handler?.(entry.key, entry.value, entry.dueMs);
  const next = store.peekDue(entry.dueMs);
  if (next !== undefined && next.dueMs === entry.dueMs && next.key === entry.key && next.value === entry.value) {
    throw new TopologyError(
      'DUE_ENTRY_UNCHANGED',
      `The handler of "${store.name}" left the entry that was due as it was; it must change its due time or delete it.`,
    );
  }
}
