/**
 * Uncommitted writes laid over what is committed, in key order.
 *
 * Invariant: each key appears once, with its uncommitted value where it has one, and not at all where that is a deletion.
 */
import { compareBytes } from './bytes.ts';

type Base = IterableIterator<readonly [Uint8Array, Uint8Array]>;
/** `undefined` stands for a deletion. */
type Overlay<V> = IterableIterator<readonly [Uint8Array, V | undefined]>;

export class MergedRange<V> implements IterableIterator<readonly [Uint8Array, V]> {
  readonly #base: Base;
  readonly #overlay: Overlay<V>;
  readonly #decode: (bytes: Uint8Array) => V;
  readonly #direction: 1 | -1;
  #nextBase: readonly [Uint8Array, Uint8Array] | undefined;
  #nextOverlay: readonly [Uint8Array, V | undefined] | undefined;
  #done = false;
  #started = false;

  /** Both sides are in key order already, in reverse if `reverse` says so. */
  constructor(base: Base, overlay: Overlay<V>, decode: (bytes: Uint8Array) => V, reverse: boolean) {
    this.#base = base;
    this.#overlay = overlay;
    this.#decode = decode;
    this.#direction = reverse ? -1 : 1;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<readonly [Uint8Array, V], undefined> {
    if (!this.#started) this.#start();
    while (!this.#done) {
      const order = this.#order();
      if (order === undefined) return this.return();
      const entry = order < 0 ? this.#takeBase() : this.#takeOverlay(order === 0);
      if (entry !== undefined) return { done: false, value: entry };
    }
    return { done: true, value: undefined };
  }

  return(): IteratorReturnResult<undefined> {
    if (!this.#done) this.#base.return?.();
    this.#done = true;
    return { done: true, value: undefined };
  }

  #start(): void {
    this.#started = true;
    this.#advanceBase();
    this.#advanceOverlay();
  }

  /** Negative: the base comes next; positive: the overlay; zero: both are at the same key; undefined: both have ended. */
  #order(): number | undefined {
    if (this.#nextBase === undefined) return this.#nextOverlay === undefined ? undefined : 1;
    if (this.#nextOverlay === undefined) return -1;
    return compareBytes(this.#nextBase[0], this.#nextOverlay[0]) * this.#direction;
  }

  #takeBase(): readonly [Uint8Array, V] {
    const [key, bytes] = this.#nextBase!;
    this.#advanceBase();
    return [key, this.#decode(bytes)];
  }

  #takeOverlay(overBase: boolean): readonly [Uint8Array, V] | undefined {
    const [key, value] = this.#nextOverlay!;
    this.#advanceOverlay();
    if (overBase) this.#advanceBase();
    return value === undefined ? undefined : [key, value];
  }

  #advanceBase(): void {
    const result = this.#base.next();
    this.#nextBase = result.done === true ? undefined : result.value;
  }

  #advanceOverlay(): void {
    const result = this.#overlay.next();
    this.#nextOverlay = result.done === true ? undefined : result.value;
  }
}
