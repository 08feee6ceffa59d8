/**
 * The clock of one simulated process: the virtual clock, somewhat off, and stopped while the process is.
 *
 * Invariant: it never goes back. A paused process sleeps on until it is resumed; a dead one never wakes up.
 */
import type { Clock } from '../../ports.ts';

export interface ClockSkew {
  /** How far ahead of the virtual clock it is at the start, in milliseconds; negative: behind. */
  readonly offsetMs: number;
  /** How much faster than the virtual clock it runs; -0.001: one millisecond slower each second. */
  readonly drift: number;
}

export class ProcessClock implements Clock {
  readonly #base: Clock;
  readonly #skew: ClockSkew;
  readonly #startMs: number;
  #paused: PromiseWithResolvers<void> | undefined;
  #dead = false;

  constructor(base: Clock, skew: ClockSkew, startMs: number) {
    this.#base = base;
    this.#skew = skew;
    this.#startMs = startMs;
  }

  now(): number {
    const baseMs = this.#base.now();
    return Math.floor(baseMs + this.#skew.offsetMs + (baseMs - this.#startMs) * this.#skew.drift);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#base.sleep(Math.ceil(ms / (1 + this.#skew.drift)), signal);
    while (this.#paused !== undefined) await this.#paused.promise;
    if (this.#dead) await new Promise<never>(() => undefined);
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  kill(): void {
    this.#dead = true;
  }
}
