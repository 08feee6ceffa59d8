/**
 * One event time that only moves forward, kept in a task's state.
 *
 * Invariant: what a restart finds is the time as of the last commit, no matter what was seen and taken back since.
 */
import type { StateBackend, StateBatch, TopicPartition } from '../streams/ports.ts';

const placeOf = (name: string): TopicPartition => ({ topic: `__time-${name}`, partition: 0 });

/** The time as of the last commit; -1 before the first. */
export const committedTimeMs = (backend: StateBackend, name: string): number => backend.position(placeOf(name)) ?? -1;

export class DurableTime {
  readonly #place: TopicPartition;
  #ms: number;
  #committedMs: number;
  #markedMs: number;

  /** `name` is unique within the task. */
  constructor(backend: StateBackend, name: string) {
    this.#place = placeOf(name);
    this.#ms = backend.position(this.#place) ?? -1;
    this.#committedMs = this.#ms;
    this.#markedMs = this.#ms;
  }

  /** -1 before the first. */
  get ms(): number {
    return this.#ms;
  }

  observe(timestampMs: number): void {
    if (timestampMs > this.#ms) this.#ms = timestampMs;
  }

  mark(): void {
    this.#markedMs = this.#ms;
  }

  undo(): void {
    this.#ms = this.#markedMs;
  }

  rollback(): void {
    this.#ms = this.#committedMs;
    this.#markedMs = this.#ms;
  }

  stage(batch: StateBatch): void {
    if (this.#ms !== this.#committedMs) batch.setPosition(this.#place, this.#ms);
    this.#committedMs = this.#ms;
    this.#markedMs = this.#ms;
  }
}
