/**
 * The serialized values of one commit, kept from the changelog records to the state batch so that each is encoded once.
 *
 * Invariant: what `append` took stays readable until `reset`. The memory is reused from commit to commit; after an
 * unusually large one it is given back.
 */
import { Scratch } from './bytes.ts';

const INITIAL_BYTES = 16 * 1024;
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

export class ValueArena {
  #memory = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #used = 0;
  readonly #scratch = new Scratch();

  /** Copies the bytes; returns where they begin. They end where the next ones begin, at `end`. */
  append(bytes: Uint8Array): number {
    const start = this.#used;
    this.#reserve(start + bytes.length);
    this.#memory.set(bytes, start);
    this.#used = start + bytes.length;
    return start;
  }

  get end(): number {
    return this.#used;
  }

  /** The bytes from `start` to `end`, for copying at once: the next call reuses the view. */
  view(start: number, end: number): Uint8Array {
    const view = this.#scratch.view(end - start);
    this.#memory.copy(view, 0, start, end);
    return view;
  }

  reset(): void {
    this.#used = 0;
    if (this.#memory.length > MAX_KEPT_BYTES) this.#memory = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.#memory.length * 2));
    this.#memory.copy(larger, 0, 0, this.#used);
    this.#memory = larger;
  }
}
