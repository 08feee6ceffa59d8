/**
 * The requests that wait for their alert's decision.
 *
 * Invariant [INV-GATEWAY-BOUNDED-WAITERS]: never more than `capacity` wait at once, and each leaves when its request ends,
 * however it ends, so neither memory nor the work per event grows with the alerts that were ever sent.
 */
import type { AlertState } from './first-state.ts';

/** One request's place; `release` must be called, and may be called again. */
export interface Waiter {
  /** Resolves with the status; never rejects, and never resolves when no decision comes. */
  readonly decided: Promise<string>;
  release(): void;
}

interface Place {
  readonly driverId: string;
  readonly resolve: (status: string) => void;
}

export class DecisionWaiters {
  readonly #capacity: number;
  /** Several requests may carry the same alert id. */
  readonly #places = new Map<string, Set<Place>>();
  readonly #drivers = new Map<string, number>();
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** Undefined when every place is taken. */
  register(alertId: string, driverId: string): Waiter | undefined {
    if (this.#size >= this.#capacity) return undefined;
    const { promise, resolve } = Promise.withResolvers<string>();
    const place: Place = { driverId, resolve };
    const places = this.#places.get(alertId) ?? new Set();
    this.#places.set(alertId, places.add(place));
    this.#drivers.set(driverId, (this.#drivers.get(driverId) ?? 0) + 1);
    this.#size += 1;
    return { decided: promise, release: () => this.#remove(alertId, place) };
  }

  /** Whether anybody waits for an alert of this driver; cheaper to ask than to decode the event. */
  awaitsDriver(driverId: string): boolean {
    return this.#drivers.has(driverId);
  }

  settle({ alertId, status }: AlertState): void {
    for (const place of this.#places.get(alertId) ?? []) place.resolve(status);
  }

  #remove(alertId: string, place: Place): void {
    const places = this.#places.get(alertId);
    if (places?.delete(place) !== true) return;
    if (places.size === 0) this.#places.delete(alertId);
    const others = (this.#drivers.get(place.driverId) ?? 1) - 1;
    if (others === 0) this.#drivers.delete(place.driverId);
    else this.#drivers.set(place.driverId, others);
    this.#size -= 1;
  }
}
