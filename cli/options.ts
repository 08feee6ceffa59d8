/**
 * Values on the command line.
 *
 * Invariant: a value that cannot be used is refused before anything is done, with what is allowed.
 */
import { InvalidArgumentError } from 'commander';
import { timestampParser } from '../gateway/alerts/timestamp.ts';

/** A parser of whole numbers from `least` to `most`, for commander. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Allowed is a whole number from ${least} to ${most}.`);
  };

const inUtc = timestampParser('UTC');

/** A point in time as UTC epoch milliseconds: `now`, ISO 8601, or `YYYY-MM-DD HH:mm:ss` in UTC; a date alone is its midnight. */
export function pointInTime(text: string): number {
  if (text === 'now') return Date.now();
  const parsed = inUtc(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (parsed.ok) return parsed.epochMs;
  throw new InvalidArgumentError(`It ${parsed.problem}, a date, or "now".`);
}
