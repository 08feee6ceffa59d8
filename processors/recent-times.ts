/**
 * The event times of one key's recent alerts: what the count is taken from.
 *
 * Invariants:
 * - Whether the count reaches the rule's number is exact for every alert up to `graceMs` behind the newest of its key, in
 *   whatever order the alerts come: every time that can be in such an alert's window is kept, or one of those that stand for it.
 * - The record is bounded however many alerts come: past `capacity` times it is thinned (see `thin-times.ts`). The count itself
 *   is exact up to there; for a busier key it is a lower bound that is still on the right side of the rule's number.
 * - Records are immutable; a store may hold, undo or write them at any time.
 *
 * What is kept follows the rule that was in force when the alert came. After a rule's window or number grows, counts can be too
 * low until alerts have come for one more window: what had been dropped is not brought back.
 */
import { maxThinned, thinTimes } from './thin-times.ts';

export interface RecentTimes {
  /** Event times, UTC epoch milliseconds, ascending; as often as there were alerts. Never empty. */
  readonly timesMs: readonly number[];
  /** The window they are kept for. */
  readonly windowMs: number;
  /** When to see whether the key is quiet and can go. UTC epoch milliseconds. */
  readonly collectAtMs: number;
}

/** A rule's count, with what follows from it worked out once. */
export interface CountSettings {
  /** The alert that makes this many in the window escalates. */
  readonly escalateAt: number;
  readonly windowMs: number;
  /** How far behind the newest alert of its key an alert is still decided exactly. */
  readonly graceMs: number;
  /** Times a record holds before it is thinned. */
  readonly capacity: number;
}

/** Enough for exact counts on a key that is not under a storm, at little more than a hundred bytes. */
const MIN_CAPACITY = 32;

export function countSettings(escalateAt: number, windowMs: number, graceMs: number): CountSettings {
  // Twice what thinning leaves, so that its cost is spread over as many alerts as it removes.
  const capacity = Math.max(MIN_CAPACITY, 2 * maxThinned(escalateAt - 1, windowMs, graceMs));
  return { escalateAt, windowMs, graceMs, capacity };
}

/** How many alerts of the key fall into `(timeMs - windowMs, timeMs]`, the one at `timeMs` that is being counted included. */
export function countAt(known: readonly number[], timeMs: number, windowMs: number): number {
  let at = known.length - 1;
  while (at >= 0 && (known[at] as number) > timeMs) at -= 1;
  const end = at;
  while (at >= 0 && (known[at] as number) > timeMs - windowMs) at -= 1;
  return end - at + 1;
}

/** The times with one more, without those that no alert within the grace period can ask for. */
export function withTime(known: readonly number[], timeMs: number, settings: CountSettings): readonly number[] {
  const { windowMs, graceMs, capacity, escalateAt } = settings;
  const newestMs = Math.max(timeMs, known[known.length - 1] ?? timeMs);
  const floorMs = newestMs - graceMs - windowMs;
  let from = 0;
  while (from < known.length && (known[from] as number) <= floorMs) from += 1;
  if (timeMs <= floorMs) return from === 0 ? known : known.slice(from);
  const times = inserted(known, from, timeMs);
  if (times.length <= capacity) return times;
  return thinTimes(times, { needed: escalateAt - 1, windowMs, fromMs: newestMs - graceMs });
}

/** The times from an index on with one more, in an array of just that length: there is one for every key in memory. */
function inserted(known: readonly number[], from: number, timeMs: number): number[] {
  const times = new Array<number>(known.length - from + 1);
  let at = known.length - 1;
  let to = times.length - 1;
  for (; at >= from && (known[at] as number) > timeMs; at -= 1) times[to--] = known[at] as number;
  times[to--] = timeMs;
  for (; at >= from; at -= 1) times[to--] = known[at] as number;
  return times;
}

export const newestTimeMs = (recent: RecentTimes): number => recent.timesMs[recent.timesMs.length - 1] as number;
