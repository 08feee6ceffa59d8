/**
 * Punctuations of one task and one kind of time, in the order they fall due.
 *
 * Invariant: a schedule fires at most once for each call of `punctuate`, however many of its intervals have passed, and its
 * next time is always on its own grid (start + n x interval). That is Kafka Streams' rule.
 */
import type { Cancellable, Punctuator } from './processor.ts';

interface Schedule {
  nextMs: number;
  readonly intervalMs: number;
  readonly callback: Punctuator;
  cancelled: boolean;
}

export class PunctuationQueue {
  readonly #schedules: Schedule[] = [];
  #nextMs = Infinity;

  /** The first punctuation falls due at `firstMs`. */
  schedule(firstMs: number, intervalMs: number, callback: Punctuator): Cancellable {
    if (!(intervalMs >= 1)) throw new RangeError(`A punctuation interval must be at least 1 ms, not ${intervalMs}.`);
    const schedule: Schedule = { nextMs: firstMs, intervalMs, callback, cancelled: false };
    this.#schedules.push(schedule);
    this.#nextMs = Math.min(this.#nextMs, firstMs);
    return {
      cancel: () => {
        schedule.cancelled = true;
        const at = this.#schedules.indexOf(schedule);
        if (at >= 0) this.#schedules.splice(at, 1);
      },
    };
  }

  /** When the next punctuation falls due; Infinity when none is scheduled. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Fires what is due at `nowMs`; `fire` runs each callback. Returns whether anything fired. */
  punctuate(nowMs: number, fire: (callback: Punctuator, timestampMs: number) => void): boolean {
    if (nowMs < this.#nextMs) return false;
    const due = this.#schedules.filter(({ nextMs }) => nextMs <= nowMs).sort((a, b) => a.nextMs - b.nextMs);
    for (const schedule of due) {
      if (schedule.cancelled) continue;
      const passed = Math.floor((nowMs - schedule.nextMs) / schedule.intervalMs);
      schedule.nextMs += (passed + 1) * schedule.intervalMs;
      fire(schedule.callback, nowMs);
    }
    this.#nextMs = Math.min(Infinity, ...this.#schedules.map(({ nextMs }) => nextMs));
    return due.length > 0;
  }
}
