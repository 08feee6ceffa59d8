/**
 * Interactive queries: what can be asked of a store from outside of its task, and how fresh the answer must be.
 *
 * Invariant: an answer holds committed state only, so nothing that was answered can be taken back, and it says where it comes from,
 * how far that copy is behind and which positions of the log it stands for. Everything here is plain data: it can be sent to another
 * thread or process as it is.
 */

/** Keys are in their serialized form. */
export type Query =
  | { readonly kind: 'key'; readonly key: Uint8Array }
  /** `from` inclusive, `to` exclusive; either may be left out. */
  | { readonly kind: 'range'; readonly from?: Uint8Array; readonly to?: Uint8Array; readonly reverse?: boolean }
  | { readonly kind: 'prefix'; readonly prefix: Uint8Array; readonly reverse?: boolean }
  /** Windows of a key that start in `[fromMs, toMs]`; sessions of a key that have a moment in it. */
  | { readonly kind: 'window'; readonly key: Uint8Array; readonly fromMs: number; readonly toMs: number }
  /** Windows of all keys that start (sessions: that end) in `[fromMs, toMs]`, by stretches of time and within one by key. */
  | { readonly kind: 'windows'; readonly fromMs: number; readonly toMs: number }
  /** The version of a key that was valid then; without a time the latest. */
  | { readonly kind: 'version'; readonly key: Uint8Array; readonly asOfMs?: number }
  /** How many entries the store counts under a group; see `GroupCounts`. */
  | { readonly kind: 'count'; readonly group: string };

export type QueryKind = Query['kind'];

/** How old an answer may be, and what it must have seen. */
export interface QueryBounds {
  /** Whether a warm copy, or a state that is being restored, may answer. Default: the running task alone. */
  readonly stale?: boolean;
  /** With `stale`: how many changelog records a copy may be behind at most. */
  readonly maxLagRecords?: number;
  /** With `stale`: how long ago a copy was last known to be complete, at most. Milliseconds. */
  readonly maxStalenessMs?: number;
  /** Positions, by `topicPartitionKey`, that the state must have reached: what the asker has seen or written. */
  readonly minPositions?: Readonly<Record<string, number>>;
  /** How long to wait for those positions. Milliseconds, 5,000 at most. */
  readonly waitMs?: number;
}

export interface StoreQuery {
  readonly store: string;
  readonly query: Query;
  /** The most entries to answer with. Default 100, at most 1,000. */
  readonly limit?: number;
  /** Where the answer before this one stopped: its `next`. */
  readonly after?: Uint8Array;
  readonly bounds?: QueryBounds;
}

/** A query for the copy of a store that one task has. */
export interface TaskQuery extends StoreQuery {
  readonly taskId: string;
}

export interface QueryEntry {
  readonly key: unknown;
  readonly value: unknown;
  /** Of windows: their start. Of sessions: the first event time. UTC epoch milliseconds. */
  readonly startMs?: number;
  /** Of sessions: the last event time. */
  readonly endMs?: number;
  /** Of versions. Without an end it is the latest. */
  readonly validFromMs?: number;
  readonly validToMs?: number;
}

export type QuerySource = 'active' | 'standby' | 'restoring' | 'global';

export interface QueryAnswer {
  readonly entries: readonly QueryEntry[];
  /** Set when there may be more: give it as `after`. */
  readonly next: Uint8Array | undefined;
  readonly taskId: string;
  readonly source: QuerySource;
  /** Changelog records that this copy lacks; 0 for a running task. */
  readonly lagRecords: number;
  /** How long ago this copy was known to be complete; undefined: not known to have been. Milliseconds. */
  readonly stalenessMs: number | undefined;
  /** The next offset of each partition that the answer stands for, by `topicPartitionKey`: the changelog and, of a running task, its inputs. */
  readonly position: Readonly<Record<string, number>>;
}

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;
export const MAX_WAIT_MS = 5_000;
