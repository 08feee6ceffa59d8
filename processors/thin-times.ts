/**
 * Thins out the event times of a busy key without changing any decision.
 *
 * Invariant: for every window end from `fromMs` on, the number of times in the window, capped at `needed`, is the same before
 * and after; since later times only add to both sides, it stays the same whatever comes. What is left has no time to spare, so
 * its length is at most `maxThinned`.
 */

/** `needed` = the number of earlier alerts that make the next one escalate. Windows are `(end - windowMs, end]`. */
export interface ThinOptions {
  readonly needed: number;
  readonly windowMs: number;
  /** The earliest window end that must stay right. */
  readonly fromMs: number;
}

/**
 * The most times that are left when they span `windowMs + graceMs`. Each one left is in some window that holds at most
 * `needed`; a family of windows that covers them all, none twice over, has at most two per window length, ends included.
 */
export const maxThinned = (needed: number, windowMs: number, graceMs: number): number =>
  2 * needed * (Math.floor(graceMs / windowMs) + 3) + 1;

/** `times` ascending, with repeats. The newest always stays. */
export function thinTimes(times: readonly number[], options: ThinOptions): number[] {
  const kept: number[] = [];
  const last = times.length - 1;
  for (let index = 0; index < last; index++) {
    if (!isSpare(times, index, kept, options)) kept.push(times[index] as number);
  }
  if (last >= 0) kept.push(times[last] as number);
  return kept;
}

/**
 * True when every window that holds `times[index]` holds at least `needed` others: of `kept`, the times before it, and of those
 * after it. As a window's end moves on, the number falls only where an earlier time drops out, so those ends are all there is
 * to look at, and the first.
 */
function isSpare(times: readonly number[], index: number, kept: readonly number[], options: ThinOptions): boolean {
  const { needed, windowMs, fromMs } = options;
  const timeMs = times[index] as number;
  const firstEndMs = Math.max(timeMs, fromMs);
  let before = 0;
  while (before < needed && (kept[kept.length - 1 - before] ?? -Infinity) > firstEndMs - windowMs) before += 1;
  if (!holdsAfter(times, index, needed - before, firstEndMs)) return false;
  for (let left = before - 1; left >= 0; left--) {
    const droppedMs = kept[kept.length - 1 - left] as number;
    // What has the same time drops out together with it; no window holds it from there on.
    if (droppedMs === timeMs) return true;
    if (!holdsAfter(times, index, needed - left, droppedMs + windowMs)) return false;
  }
  return true;
}

/** True when at least `count` times after `index` are at or before `endMs`. */
const holdsAfter = (times: readonly number[], index: number, count: number, endMs: number): boolean =>
  count <= 0 || (times[index + count] ?? Infinity) <= endMs;
