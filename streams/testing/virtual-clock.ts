/**
 * A clock that only moves when it is told to.
 *
 * Invariant: time stands still while anything can still run. Each sleeper is woken alone, at its own due time, in the order
 * of due time and then of falling asleep, and everything that follows from it runs to its next wait before the next one
 * is woken. So the same program with the same inputs takes the same steps every time.
 */
import type { Clock } from '../ports.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export interface RunLimit {
  /** How far time may move, in virtual milliseconds, before the wait is given up. */
  readonly maxElapsedMs?: number;
}

/** Ten virtual minutes: longer than any timeout of the engine. */
const DEFAULT_MAX_ELAPSED_MS = 600_000;
/** How often `runUntil` lets the host finish work of its own (such as opening a store) while nobody sleeps. */
const MAX_IDLE_TURNS = 100_000;
/** How many sleepers may wake at one point in time before the program counts as going round in circles. */
const MAX_WAKES_AT_ONCE = 100_000;

/**
 * Waits until every promise chain that can run has run. A message to oneself is delivered only after the whole microtask
 * queue has drained, which makes this exact where counting microtasks would be a guess. The port is referenced only
 * while somebody waits, so an idle clock does not keep the process alive.
 */
class HostTurns {
  readonly #channel = new MessageChannel();
  #waiting: (() => void)[] = [];

  constructor() {
    this.#channel.port1.on('message', () => this.#deliver());
    this.#channel.port1.unref();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length > 1) return;
      this.#channel.port1.ref();
      this.#channel.port2.postMessage(null);
    });
  }

  #deliver(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#channel.port1.unref();
    for (const resolve of waiting) resolve();
  }
}

export class VirtualClock implements Clock {
  /** In the order in which they will be woken. */
  readonly #sleepers: Sleeper[] = [];
  readonly #turns = new HostTurns();
  #nowMs: number;
  #wakesAtOnce = 0;
  #driven = false;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const interrupt = (): void => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        resolve();
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', interrupt);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.#nowMs + Math.max(0, ms), wake };
      this.#sleepers.splice(this.#placeOf(sleeper.dueMs), 0, sleeper);
      signal?.addEventListener('abort', interrupt, { once: true });
    });
  }

  /** Lets everything run that can run without time moving. */
  settle(): Promise<void> {
    return this.#turns.next();
  }

  /** Moves time forward by `ms`, waking who is due on the way. */
  advance(ms: number): Promise<void> {
    return this.advanceTo(this.#nowMs + ms);
  }

  /** Moves time forward to `timeMs` (never back), waking who is due on the way. */
  advanceTo(timeMs: number): Promise<void> {
    return this.#drive(async () => {
      await this.settle();
      while (this.#wakeNext(timeMs)) await this.settle();
      this.#nowMs = Math.max(this.#nowMs, timeMs);
    });
  }

  /**
   * Moves time forward, from one sleeper to the next, until the promise settles, and settles as it does. Rejects when time
   * would pass the limit, or when nobody sleeps and the promise still does not settle: then nothing could ever settle it.
   */
  runUntil<T>(promise: Promise<T>, { maxElapsedMs = DEFAULT_MAX_ELAPSED_MS }: RunLimit = {}): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    return this.#drive(async () => {
      const limitMs = this.#nowMs + maxElapsedMs;
      for (let idleTurns = 0; idleTurns < MAX_IDLE_TURNS;) {
        await this.settle();
        if (settled) return promise;
        if (this.#wakeNext(limitMs)) idleTurns = 0;
        else if (this.#sleepers.length > 0)
          throw new Error(`The awaited work did not finish within ${maxElapsedMs} ms`);
        else idleTurns += 1;
      }
      throw new Error('The awaited work can never finish: it waits, and nobody sleeps who could wake it');
    });
  }

  #wakeNext(untilMs: number): boolean {
    const next = this.#sleepers[0];
    if (next === undefined || next.dueMs > untilMs) return false;
    this.#wakesAtOnce = next.dueMs > this.#nowMs ? 1 : this.#wakesAtOnce + 1;
    if (this.#wakesAtOnce > MAX_WAKES_AT_ONCE) {
      throw new Error(
        `${MAX_WAKES_AT_ONCE} sleepers woke at ${this.#nowMs} without time moving: something sleeps for 0 ms forever`,
      );
    }
    this.#sleepers.shift();
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    next.wake();
    return true;
  }

  /** After every sleeper that is due no later: equal due times wake in the order of falling asleep. */
  #placeOf(dueMs: number): number {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sleepers[middle]!.dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Two drivers would wake sleepers in an order that depends on both; that is a mistake in the test. */
  async #drive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#driven) throw new Error('The clock is being advanced already; await that before advancing it again');
    this.#driven = true;
    try {
      return await work();
    } finally {
      this.#driven = false;
    }
  }
}
