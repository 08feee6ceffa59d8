/**
 * What happened in a simulated run: every step as a running hash, and the disruptions among them as a story to read.
 *
 * Invariant: two runs with the same hash took the same steps at the same virtual times.
 */

/** Enough for what led to a failure; a run has about a hundred. */
const STORY_LENGTH = 400;

export class SimulationTrace {
  readonly #now: () => number;
  readonly #story: string[] = [];
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;
  #steps = 0;

  /** `now`: virtual milliseconds since the run began. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A step that only counts for the hash. */
  step(text: string): void {
    this.#steps += 1;
    this.#mix(this.#now());
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }

  /** A step that is worth telling. */
  tell(text: string): void {
    this.step(text);
    this.#story.push(`${String(this.#now()).padStart(6)} ms  ${text}`);
    if (this.#story.length > STORY_LENGTH) this.#story.shift();
  }

  get story(): readonly string[] {
    return this.#story;
  }

  get steps(): number {
    return this.#steps;
  }

  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193);
    this.#low = Math.imul(this.#low ^ (value + (this.#high >>> 13)), 0x5bd1e995);
  }
}
