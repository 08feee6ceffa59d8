/**
 * Counts a store's entries by a group that their values state, in memory and only when somebody asks.
 *
 * Until the first question nothing is kept. Then the committed rows are gone through in slices, in key order, while commits go on: a
 * change behind the cursor is counted as it is committed, one ahead of it will be found there.
 *
 * Invariants:
 * - A complete count equals that of the committed rows.
 * - A commit costs one look at each changed entry, and no reading. Memory is bounded by the number of groups; beyond it counting ends.
 */
import type { GroupCounter } from '../streams/group-counter.ts';
import type { KeySpace } from '../streams/ports.ts';
import { compareBytes, successor } from './bytes.ts';
import { UNREAD, type Held } from './write-back-cache.ts';

export interface GroupCountsOptions<V> {
  /** The group of an entry with this value, or undefined for none. A pure function. */
  readonly groupOf: (value: V) => string | undefined;
  /**
   * A key that is written without having been read is one that the store does not have: true for keys that are made unique. False: its
   * former value is read when the write is committed.
   */
  readonly unreadIsNew: boolean;
  /** Default 250,000. */
  readonly maxGroups?: number;
}

const DEFAULT_MAX_GROUPS = 250_000;
const START = new Uint8Array(0);

export class GroupCounts<V> implements GroupCounter {
  readonly #options: GroupCountsOptions<V>;
  readonly #space: KeySpace;
  readonly #decode: (bytes: Uint8Array) => V;
  readonly #counts = new Map<string, number>();
  /** Rows before it are counted. Undefined: before the first question, and when all are. */
  #cursor: Uint8Array | undefined;
  #state: 'idle' | 'counting' | 'complete' | 'exceeded' = 'idle';

  constructor(options: GroupCountsOptions<V>, space: KeySpace, decode: (bytes: Uint8Array) => V) {
    this.#options = options;
    this.#space = space;
    this.#decode = decode;
  }

  /** False while changes need not be told. */
  get active(): boolean {
    return this.#state === 'counting' || this.#state === 'complete';
  }

  get exceeded(): boolean {
    return this.#state === 'exceeded';
  }

  count(group: string): number | undefined {
    return this.#state === 'complete' ? (this.#counts.get(group) ?? 0) : undefined;
  }

  advance(rows: number): boolean {
    if (this.#state === 'idle') {
      this.#state = 'counting';
      this.#cursor = START;
    }
    if (this.#state !== 'counting') return true;
    let looked = 0;
    for (const [key, value] of this.#space.range({ from: this.#cursor, limit: rows })) {
      this.#add(this.#options.groupOf(this.#decode(value)), 1);
      this.#cursor = successor(key);
      looked += 1;
    }
    if (looked < rows) this.#finish('complete');
    return looked < rows;
  }

  /** An entry's value is being committed. `keyBytes` is asked for only while rows are gone through. */
  committed(keyBytes: () => Uint8Array, former: Held<V>, value: Held<V>): void {
    if (!this.active) return;
    if (this.#cursor !== undefined && compareBytes(keyBytes(), this.#cursor) >= 0) return;
    const before = this.#groupOf(former === UNREAD ? this.#formerOf(keyBytes) : former);
    const after = this.#groupOf(value);
    if (before === after) return;
    this.#add(before, -1);
    this.#add(after, 1);
  }

  #formerOf(keyBytes: () => Uint8Array): V | undefined {
    if (this.#options.unreadIsNew) return undefined;
    const bytes = this.#space.get(keyBytes());
    return bytes === undefined ? undefined : this.#decode(bytes);
  }

  #groupOf(value: Held<V>): string | undefined {
    return value === undefined || value === UNREAD ? undefined : this.#options.groupOf(value);
  }

  #add(group: string | undefined, change: number): void {
    if (group === undefined) return;
    const count = (this.#counts.get(group) ?? 0) + change;
    if (count === 0) this.#counts.delete(group);
    else this.#counts.set(group, count);
    if (this.#counts.size > (this.#options.maxGroups ?? DEFAULT_MAX_GROUPS)) this.#finish('exceeded');
  }

  #finish(state: 'complete' | 'exceeded'): void {
    if (this.#state === 'exceeded') return;
    this.#state = state;
    this.#cursor = undefined;
    if (state === 'exceeded') this.#counts.clear();
  }
}
