/**
 * Reads the times that senders write: `YYYY-MM-DD HH:mm:ss` in the configured zone, or ISO 8601.
 *
 * Invariant: an answer is the one instant that shows the written fields on a clock in the written or configured zone.
 * Fields that no clock ever shows are refused: February 30th, hour 24, second 60, and the local hour that is skipped when
 * daylight saving starts. A local time that a clock shows twice, when daylight saving ends, means the earlier of both.
 */

export type ParsedTimestamp =
  { readonly ok: true; readonly epochMs: number } | { readonly ok: false; readonly problem: string };

/** Reads one written time into UTC epoch milliseconds. Never throws. */
export type TimestampParser = (text: string) => ParsedTimestamp;

/** How far a local clock is ahead of UTC at an instant, in milliseconds. */
type ZoneOffset = (epochMs: number) => number;

const FORM = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MAX_OFFSET_MINUTES = 18 * 60;

const refuse = (problem: string): ParsedTimestamp => ({ ok: false, problem });

/** The fields of a written time as if they were UTC, or undefined when there is no such day or time of day. */
const fieldsAsUtc = (match: RegExpExecArray): number | undefined => {
  const field = (index: number): number => Number(match[index] ?? '0');
  const [year, month, day, hour, minute, second] = [field(1), field(2), field(3), field(4), field(5), field(6)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  // Digits beyond the millisecond are cut off, never rounded up into the next second.
  const millisecond = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, millisecond);
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real ? date.getTime() : undefined;
};

/** `Z`, `+05:30`, `+0530` or `+05` in milliseconds; undefined when out of range. */
const writtenOffsetMs = (text: string): number | undefined => {
  if (text === 'Z') return 0;
  const digits = text.slice(1).replace(':', '');
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2) || '0')];
  const total = hours * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET_MINUTES) return undefined;
  return (text.startsWith('-') ? -total : total) * MINUTE_MS;
};

/** Throws `RangeError` for a zone that is not in the IANA database. */
const zoneOffset = (timeZone: string): ZoneOffset => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return (epochMs) => {
    const wholeSecondMs = Math.floor(epochMs / 1000) * 1000;
    const shown = new Map(format.formatToParts(wholeSecondMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => shown.get(type) ?? Number.NaN;
    const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return local - wholeSecondMs;
  };
};

/** The earliest instant at which a clock in the zone shows these fields; undefined when the clock skips them. */
const localToEpoch = (localMs: number, offsetAt: ZoneOffset): number | undefined => {
  // The offsets in force a day before and a day after are the only candidates: a zone does not change twice within days.
  const candidates = [offsetAt(localMs - DAY_MS), offsetAt(localMs + DAY_MS)].map((offset) => localMs - offset);
  const shown = candidates.filter((epochMs) => epochMs + offsetAt(epochMs) === localMs);
  return shown.length === 0 ? undefined : Math.min(...shown);
};

/**
 * Makes the parser for a zone by its IANA name; a written `Z` or offset goes before the zone.
 * Throws `RangeError` for an unknown zone, so that a misspelt setting stops the start.
 */
export const timestampParser = (timeZone: string): TimestampParser => {
  const offsetAt = timeZone === 'UTC' ? () => 0 : zoneOffset(timeZone);
  return (text) => {
    const match = FORM.exec(text);
    if (match === null) return refuse('must be "YYYY-MM-DD HH:mm:ss" or an ISO 8601 date and time');
    const localMs = fieldsAsUtc(match);
    if (localMs === undefined) return refuse('is not a real date and time');
    const written = match[8];
    const offsetMs = written === undefined ? undefined : writtenOffsetMs(written);
    if (written !== undefined && offsetMs === undefined) return refuse('has a UTC offset out of range');
    const epochMs = offsetMs === undefined ? localToEpoch(localMs, offsetAt) : localMs - offsetMs;
    if (epochMs === undefined) return refuse(`does not exist in ${timeZone}: clocks are set forward over it`);
    return epochMs < 0 ? refuse('must not be before 1970') : { ok: true, epochMs };
  };
};
