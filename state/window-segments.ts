/**
 * Which segments a window store has, and how long a segment is.
 *
 * Invariants:
 * - Every segment that has a window, uncommitted or not, is known here; a known one may turn out to be empty. So a range looks
 *   into as many segments as there are, however wide it is.
 * - The segment length is kept with the data. Windows written with another length would not be found, so such a state is refused
 *   and rebuilt.
 */
import { StateCorruptedError } from '../streams/errors.ts';
import type { KeySpace, StateBatch } from '../streams/ports.ts';
import { asBuffer, readInt64, writeInt64 } from './bytes.ts';
import { segmentBytes, segmentStart } from './window-keys.ts';

/** Sorts after every segment, so that dropping segments leaves it alone. */
const LENGTH_ROW = Uint8Array.of(0xff);
const NOTHING = new Uint8Array(0);

export class WindowSegments {
  readonly #space: KeySpace;
  readonly #segmentMs: number;
  readonly #starts = new Set<number>();
  #lastAdded = -1;
  #lengthWritten: boolean;

  /** Throws `StateCorruptedError` when the state was written with another segment length. */
  constructor(storeName: string, space: KeySpace, segmentMs: number) {
    this.#space = space;
    this.#segmentMs = segmentMs;
    const written = space.get(LENGTH_ROW);
    this.#lengthWritten = written !== undefined;
    if (written !== undefined && readInt64(asBuffer(written), 0) !== segmentMs) {
      throw new StateCorruptedError(
        'STATE_SEGMENTS',
        `The windows of "${storeName}" lie in segments made for another retention. The state must be destroyed and restored from its changelogs.`,
      );
    }
    this.#find();
  }

  add(segmentStartMs: number): void {
    if (segmentStartMs === this.#lastAdded) return;
    this.#lastAdded = segmentStartMs;
    this.#starts.add(segmentStartMs);
  }

  /** The segments that may have windows starting in `[fromMs, toMs]`, in time order. */
  within(fromMs: number, toMs: number): readonly number[] {
    return [...this.#starts].filter((start) => start + this.#segmentMs > fromMs && start <= toMs).sort((a, b) => a - b);
  }

  /** With every batch that may add a segment. */
  stage(batch: StateBatch): void {
    if (this.#lengthWritten || this.#starts.size === 0) return;
    const length = Buffer.allocUnsafe(8);
    writeInt64(length, this.#segmentMs, 0);
    batch.put(this.#space, LENGTH_ROW, length);
    this.#lengthWritten = true;
  }

  /** Deletes the segments whose windows all start before the bound, and whatever an interrupted deletion left below them. */
  expire(boundMs: number, batch: StateBatch): void {
    const expired = [...this.#starts].filter((start) => start + this.#segmentMs <= boundMs);
    if (expired.length === 0) return;
    batch.deleteRange(this.#space, NOTHING, segmentBytes(Math.max(...expired) + this.#segmentMs));
    for (const start of expired) this.#starts.delete(start);
    this.#lastAdded = -1;
  }

  /** One seek per segment. */
  #find(): void {
    let from: Uint8Array = NOTHING;
    for (;;) {
      const [first] = this.#space.range({ from, to: LENGTH_ROW, limit: 1 });
      if (first === undefined) return;
      const start = segmentStart(first[0]);
      this.#starts.add(start);
      from = segmentBytes(start + this.#segmentMs);
    }
  }
}
