/**
 * How many of a store's entries belong to a group, as far as queries ask for it.
 *
 * Invariant: a count is that of the committed entries, exactly, or there is none.
 */
export interface GroupCounter {
  /** Undefined until every entry was looked at once. */
  count(group: string): number | undefined;
  /** Looks at the next rows; true when every one was looked at. The first call begins the counting. */
  advance(rows: number): boolean;
  /** There are more groups than may be kept in memory; nothing is counted then. */
  readonly exceeded: boolean;
}
