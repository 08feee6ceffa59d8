/**
 * Windows by the calendar of a time zone: days, weeks from Monday on, months, years.
 *
 * Invariants:
 * - Windows of one kind lie end to end: every instant is in exactly one, whatever the clocks do. A day on which they change
 *   is 23 or 25 hours long.
 * - A local time that the clocks skip stands for the instant at which they skip it; one that comes twice, for the first.
 */
import type { FixedWindows, Window } from './windows.ts';

export type CalendarUnit = 'day' | 'week' | 'month' | 'year';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Days from Monday back from the first day of the epoch, a Thursday. */
const EPOCH_WEEKDAY = 3;
/** With room for what the clocks may add. */
const MAX_SIZE_MS = {
  day: 25 * HOUR_MS,
  week: 7 * DAY_MS + HOUR_MS,
  month: 31 * DAY_MS + HOUR_MS,
  year: 366 * DAY_MS + HOUR_MS,
} satisfies { [unit in CalendarUnit]: number };

export interface CalendarWindowsOptions {
  readonly unit: CalendarUnit;
  /** An IANA zone such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** How long after its end a window still takes records, in milliseconds. Default 0. */
  readonly graceMs?: number;
}

export class CalendarWindows implements FixedWindows {
  readonly kind = 'fixed';
  readonly graceMs: number;
  readonly maxSizeMs: number;
  readonly #unit: CalendarUnit;
  readonly #zone: ZoneClock;
  #latest: Window = { startMs: 0, endMs: 0 };

  private constructor({ unit, timeZone, graceMs = 0 }: CalendarWindowsOptions) {
    if (!Number.isSafeInteger(graceMs) || graceMs < 0) {
      throw new RangeError(`The grace period must be whole milliseconds, 0 at least, not ${graceMs}.`);
    }
    this.graceMs = graceMs;
    this.maxSizeMs = MAX_SIZE_MS[unit];
    this.#unit = unit;
    this.#zone = new ZoneClock(timeZone);
  }

  /** Throws a `RangeError` when the zone is not known. */
  static of(options: CalendarWindowsOptions): CalendarWindows {
    return new CalendarWindows(options);
  }

  windowsFor(timestampMs: number): readonly Window[] {
    return [this.#windowAround(timestampMs)];
  }

  windowAt(startMs: number): Window {
    return this.#windowAround(startMs);
  }

  /** Records come mostly in order, so the window of the last one is tried first. */
  #windowAround(timestampMs: number): Window {
    if (timestampMs < this.#latest.startMs || timestampMs >= this.#latest.endMs) {
      const [localStartMs, localEndMs] = localBounds(this.#unit, this.#zone.localOf(timestampMs));
      // Windows that began before 1970 begin with it here, since stores have no earlier times.
      const startMs = Math.max(0, this.#zone.instantOf(localStartMs));
      this.#latest = { startMs, endMs: this.#zone.instantOf(localEndMs) };
    }
    return this.#latest;
  }
}

const floorTo = (value: number, step: number): number => Math.floor(value / step) * step;

/** Local times are written as if they were UTC. */
function localBounds(unit: CalendarUnit, localMs: number): [number, number] {
  const date = new Date(localMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const day = floorTo(localMs, DAY_MS);
  switch (unit) {
    case 'day':
      return [day, day + DAY_MS];
    case 'week': {
      const monday = day - ((((day / DAY_MS + EPOCH_WEEKDAY) % 7) + 7) % 7) * DAY_MS;
      return [monday, monday + 7 * DAY_MS];
    }
    case 'month':
      return [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
    case 'year':
      return [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)];
  }
}

/** Translates between instants and the local times of one zone. */
class ZoneClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  localOf(instantMs: number): number {
    const wholeSeconds = floorTo(instantMs, 1_000);
    const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of this.#format.formatToParts(wholeSeconds)) {
      if (type in parts) parts[type as keyof typeof parts] = Number(value);
    }
    const { year, month, day, hour, minute, second } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) + (instantMs - wholeSeconds);
  }

  /** The first instant at which local clocks show this time or, where they skip it, a later one. */
  instantOf(localMs: number): number {
    const offsets = [localMs - DAY_MS, localMs + DAY_MS].map((around) => this.localOf(around) - around);
    const candidates = offsets.map((offset) => localMs - offset).sort((a, b) => a - b);
    const exact = candidates.find((instant) => this.localOf(instant) === localMs);
    return exact ?? this.#transition(candidates[0] as number, candidates[1] as number, localMs);
  }

  /** The first instant in `(fromMs, untilMs]` whose local time is past the one that is skipped. */
  #transition(fromMs: number, untilMs: number, localMs: number): number {
    let [before, after] = [fromMs, untilMs];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.localOf(middle) < localMs) before = middle;
      else after = middle;
    }
    return after;
  }
}
