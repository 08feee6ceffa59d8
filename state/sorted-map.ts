/**
 * A map from byte keys to values in key order, held as a list of short sorted chunks.
 *
 * Invariant: a range is a snapshot of the moment it was asked for. Writes after that copy the chunks they touch (once per
 * snapshot), so iterating while writing is safe and costs nothing when nobody iterates.
 * Cost: O(log n) to find a key, plus moving at most one chunk on a change.
 */
import { compareBytes } from './bytes.ts';

const MAX_CHUNK = 256;

interface Chunk<V> {
  /** Only the snapshot epoch that made a chunk may change it. */
  readonly epoch: number;
  readonly keys: Uint8Array[];
  readonly values: V[];
}

export interface SortedRange {
  readonly from?: Uint8Array | undefined;
  readonly to?: Uint8Array | undefined;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export type SortedEntry<V> = readonly [key: Uint8Array, value: V];

export class SortedMap<V> {
  #chunks: Chunk<V>[] = [];
  /** The epoch that `#chunks` itself (not its elements) belongs to. */
  #listEpoch = 0;
  #epoch = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Uint8Array): V | undefined {
    const chunk = this.#chunks[chunkIndex(this.#chunks, key)];
    if (chunk === undefined) return undefined;
    const index = lowerBound(chunk.keys, key);
    return index < chunk.keys.length && compareBytes(chunk.keys[index]!, key) === 0 ? chunk.values[index] : undefined;
  }

  /** Keeps the key by reference: it must not change afterwards. */
  set(key: Uint8Array, value: V): void {
    if (this.#chunks.length === 0) {
      this.#chunks = [{ epoch: this.#epoch, keys: [key], values: [value] }];
      this.#listEpoch = this.#epoch;
      this.#size = 1;
      return;
    }
    const at = chunkIndex(this.#chunks, key);
    const chunk = this.#own(at);
    const index = lowerBound(chunk.keys, key);
    if (index < chunk.keys.length && compareBytes(chunk.keys[index]!, key) === 0) {
      chunk.values[index] = value;
      return;
    }
    chunk.keys.splice(index, 0, key);
    chunk.values.splice(index, 0, value);
    this.#size += 1;
    if (chunk.keys.length > MAX_CHUNK) this.#split(at, chunk);
  }

  delete(key: Uint8Array): void {
    const at = chunkIndex(this.#chunks, key);
    const found = this.#chunks[at];
    if (found === undefined) return;
    const index = lowerBound(found.keys, key);
    if (index === found.keys.length || compareBytes(found.keys[index]!, key) !== 0) return;
    const chunk = this.#own(at);
    chunk.keys.splice(index, 1);
    chunk.values.splice(index, 1);
    this.#size -= 1;
    if (chunk.keys.length === 0) this.#chunks.splice(at, 1);
  }

  /** Deletes `from <= key < to`. */
  deleteRange(from: Uint8Array, to: Uint8Array): void {
    const kept: Chunk<V>[] = [];
    for (const chunk of this.#chunks) {
      const start = lowerBound(chunk.keys, from);
      const end = Math.max(start, lowerBound(chunk.keys, to));
      this.#size -= end - start;
      if (start === end) kept.push(chunk);
      else if (end - start < chunk.keys.length) kept.push(without(chunk, start, end, this.#epoch));
    }
    this.#chunks = kept;
    this.#listEpoch = this.#epoch;
  }

  clear(): void {
    this.#chunks = [];
    this.#listEpoch = this.#epoch;
    this.#size = 0;
  }

  /** Entries with `from <= key < to`, as they are at this moment. */
  range({ from, to, reverse = false, limit = Infinity }: SortedRange): IterableIterator<SortedEntry<V>> {
    this.#epoch += 1;
    return reverse ? descending(this.#chunks, from, to, limit) : ascending(this.#chunks, from, to, limit);
  }

  #ownList(): void {
    if (this.#listEpoch === this.#epoch) return;
    this.#chunks = this.#chunks.slice();
    this.#listEpoch = this.#epoch;
  }

  #own(at: number): Chunk<V> {
    this.#ownList();
    const chunk = this.#chunks[at]!;
    if (chunk.epoch === this.#epoch) return chunk;
    const copy = { epoch: this.#epoch, keys: chunk.keys.slice(), values: chunk.values.slice() };
    this.#chunks[at] = copy;
    return copy;
  }

  /** Splits off the upper half, or just the last entry when keys arrive in order, which leaves full chunks behind. */
  #split(at: number, chunk: Chunk<V>): void {
    const inOrder = at === this.#chunks.length - 1;
    const middle = inOrder ? chunk.keys.length - 1 : chunk.keys.length >> 1;
    const upper = { epoch: this.#epoch, keys: chunk.keys.splice(middle), values: chunk.values.splice(middle) };
    this.#chunks.splice(at + 1, 0, upper);
  }
}

const without = <V>({ keys, values }: Chunk<V>, start: number, end: number, epoch: number): Chunk<V> => ({
  epoch,
  keys: [...keys.slice(0, start), ...keys.slice(end)],
  values: [...values.slice(0, start), ...values.slice(end)],
});

/** The index of the first key that is not below `key`. */
function lowerBound(keys: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The chunk that holds the key or would take it: the last one that does not begin above it. */
function chunkIndex(chunks: readonly Chunk<unknown>[], key: Uint8Array): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(chunks[middle]!.keys[0]!, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function* ascending<V>(
  chunks: readonly Chunk<V>[],
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
  limit: number,
): Generator<SortedEntry<V>, undefined> {
  let left = limit;
  let first = from !== undefined;
  for (let at = from === undefined ? 0 : chunkIndex(chunks, from); at < chunks.length; at += 1) {
    const { keys, values } = chunks[at]!;
    for (let index = first ? lowerBound(keys, from!) : 0; index < keys.length; index += 1) {
      const key = keys[index]!;
      if (left <= 0 || (to !== undefined && compareBytes(key, to) >= 0)) return;
      left -= 1;
      yield [key, values[index]!];
    }
    first = false;
  }
}

function* descending<V>(
  chunks: readonly Chunk<V>[],
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
  limit: number,
): Generator<SortedEntry<V>, undefined> {
  let left = limit;
  let first = to !== undefined;
  for (let at = to === undefined ? chunks.length - 1 : chunkIndex(chunks, to); at >= 0; at -= 1) {
    const chunk = chunks[at];
    if (chunk === undefined) return;
    const { keys, values } = chunk;
    for (let index = (first ? lowerBound(keys, to!) : keys.length) - 1; index >= 0; index -= 1) {
      const key = keys[index]!;
      if (left <= 0 || (from !== undefined && compareBytes(key, from) < 0)) return;
      left -= 1;
      yield [key, values[index]!];
    }
    first = false;
  }
}
