/**
 * Randomness from one seed: the same seed gives the same faults at the same moments.
 */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Another source that depends on this one's seed alone, not on what was drawn from it. */
  derive(name: number): Random {
    return new Random((Math.imul(this.seed, 0x9e3779b1) + name) >>> 0 || 1);
  }

  /** Whole, both bounds included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** That many different ones. */
  sample<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    return Array.from({ length: Math.min(count, items.length) }, () => {
      const [taken] = rest.splice(this.integer(0, rest.length - 1), 1);
      return taken as T;
    });
  }
}

/** FAULTS_SEED where it is given; the caller prints it. */
export const seedFrom = (environment: NodeJS.ProcessEnv): number => {
  const given = Number(environment['FAULTS_SEED']);
  return Number.isInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 0x7fff_fffe);
};
