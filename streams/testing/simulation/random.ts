/**
 * Chance out of a seed.
 *
 * Invariant: the same seed and the same questions give the same answers, on every machine (sfc32, 32-bit integer steps only).
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  /** Nearby seeds give unrelated sequences, and so does each `stream` of one seed. */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = stream | 0;
    for (let round = 0; round < 15; round++) this.#step();
  }

  /** In `[0, 1)`. */
  next(): number {
    return this.#step() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('There is nothing to pick from.');
    return items[this.between(0, items.length - 1)] as T;
  }

  /** Picks by weight; weights are relative to each other. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries<number>(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of entries) {
      left -= weight;
      if (left < 0) return item as T;
    }
    return (entries.at(-1) as [string, number])[0] as T;
  }

  #step(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}
