/**
 * One query on one view.
 *
 * Invariant: the work is bounded, whatever is asked: so many entries are answered with, so many looked at and so many bytes read,
 * and then the answer says where to go on. A query runs in one piece, so it sees one committed state.
 */
import { DEFAULT_LIMIT, MAX_LIMIT, type QueryEntry, type StoreQuery } from './query.ts';
import { invalidQuery } from './query-error.ts';
import type { StoreView } from './store-view.ts';

/** Entries that do not belong to the answer cost too. */
const MAX_SCANNED = 5 * MAX_LIMIT;
const MAX_BYTES = 1024 * 1024;

export interface QueryPage {
  readonly entries: readonly QueryEntry[];
  readonly next: Uint8Array | undefined;
}

/** Throws `QueryError` for what the store cannot be asked. */
export function runQuery(view: StoreView, { store, query, limit = DEFAULT_LIMIT, after }: StoreQuery): QueryPage {
  if (!view.kinds.includes(query.kind)) {
    throw invalidQuery(
      `The store "${store}" cannot be asked by "${query.kind}"; it can be by ${view.kinds.join(', ')}.`,
    );
  }
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalidQuery(`The limit is ${limit}; it may be 1 to ${MAX_LIMIT}.`);
  }
  const entries: QueryEntry[] = [];
  let scanned = 0;
  let bytes = 0;
  let next: Uint8Array | undefined;
  for (const row of view.scan(query, after)) {
    // There is one more: so where the last one lies is where to go on.
    if (entries.length >= limit || scanned >= MAX_SCANNED || bytes >= MAX_BYTES) return { entries, next };
    scanned += 1;
    bytes += row.bytes;
    if (row.entry !== undefined) entries.push(row.entry);
    next = row.place;
  }
  return { entries, next: undefined };
}
