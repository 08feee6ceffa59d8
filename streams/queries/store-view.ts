/**
 * The read-only side of a store that queries look at.
 *
 * Invariant: a view reads the state backend alone, which holds committed batches only (see `commit.ts`), and never the memory of
 * the store. So it changes nothing, neither what is cached nor what is uncommitted, and reads the same on a running task, a warm
 * copy and a state that is being restored.
 */
import type { StateBackend } from '../ports.ts';
import type { Query, QueryEntry, QueryKind } from './query.ts';

/** One entry that was looked at. */
export interface ViewRow {
  /** Where it lies: a scan `after` it goes on behind it. */
  readonly place: Uint8Array;
  /** Undefined where it is not part of the answer. */
  readonly entry: QueryEntry | undefined;
  /** Of key and value as they are stored. */
  readonly bytes: number;
}

export interface ViewContext {
  readonly backend: StateBackend;
  /** Of the task, for retention; -1 where it is not known. UTC epoch milliseconds. */
  readonly streamTimeMs: () => number;
}

export interface StoreView {
  readonly kinds: readonly QueryKind[];
  /** The entries in the order of the store, beginning after a place. Lazy: what is not taken is not read. */
  scan(query: Query, after: Uint8Array | undefined): Iterable<ViewRow>;
}
