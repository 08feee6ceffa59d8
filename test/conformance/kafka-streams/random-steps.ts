/**
 * Random records for a scenario.
 *
 * Invariant: the same seed gives the same steps for a scenario.
 */
import type { Scenario, Step } from './scenario.ts';

/** How event time goes: from one record to the next, and how far behind that a record may be. Milliseconds. */
export interface Pace {
  readonly advancesMs: readonly number[];
  readonly delaysMs: readonly number[];
}

/** Mostly small steps, sometimes a jump; some records come too late for any window. */
export const wild: Pace = {
  advancesMs: [0, 0, 0, 1, 1, 2, 3, 4, 6, 11, 30],
  delaysMs: [0, 0, 0, 0, 1, 2, 4, 7, 12, 25],
};

/** No record comes later than the shortest grace of the scenarios with windows, and no window is jumped over. */
export const gentle: Pace = { advancesMs: [0, 1, 1, 2, 3], delaysMs: [0, 0, 0, 1, 2, 3] };

const EVERY_WALL_CLOCK = 16;
const WALL_CLOCK_MS = 40;
const FIRST_MS = 20;

/** Numbers in [0, 1), the same ones for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomSteps({ inputs }: Scenario, pace: Pace, seed: number, count: number): Step[] {
  const random = randomNumbers(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const topics = Object.keys(inputs);
  let timeMs = FIRST_MS;
  return Array.from({ length: count }, () => {
    if (random() * EVERY_WALL_CLOCK < 1) return { advanceWallClockMs: Math.ceil(random() * WALL_CLOCK_MS) };
    const topic = pick(topics);
    const { keys, values } = inputs[topic] as (typeof inputs)[string];
    timeMs += pick(pace.advancesMs);
    const timestamp = Math.max(0, timeMs - pick(pace.delaysMs));
    return { topic, key: pick(keys), value: pick(values), timestamp };
  });
}
