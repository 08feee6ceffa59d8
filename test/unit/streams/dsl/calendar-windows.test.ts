import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CalendarWindows, type CalendarUnit } from '../../../../streams/index.ts';

const HOUR_MS = 3_600_000;
const at = (time: string): number => Date.parse(time);
const windowOf = (unit: CalendarUnit, timeZone: string, timestampMs: number) => {
  const [window] = CalendarWindows.of({ unit, timeZone }).windowsFor(timestampMs);
  if (window === undefined) throw new Error('No window.');
  return window;
};
const shown = ({ startMs, endMs }: { startMs: number; endMs: number }): string =>
  [startMs, endMs].map((ms) => new Date(ms).toISOString()).join(' ');

describe('CalendarWindows', () => {
  it.each([
    ['day', 'Europe/Berlin', '2026-03-29T12:00:00+02:00', 23, 'the clocks go forward'],
    ['day', 'Europe/Berlin', '2026-10-25T12:00:00+01:00', 25, 'the clocks go back'],
    ['day', 'Australia/Lord_Howe', '2026-04-05T12:00:00+10:30', 24.5, 'the clocks go back by half an hour'],
    ['day', 'America/Sao_Paulo', '2018-11-04T12:00:00-02:00', 23, 'there is no midnight'],
    ['day', 'America/Havana', '2026-11-01T12:00:00-05:00', 25, 'midnight comes twice'],
    ['day', 'Asia/Kolkata', '2026-06-01T12:00:00+05:30', 24, 'the zone is off by half an hour'],
    ['week', 'Europe/Berlin', '2026-10-25T12:00:00+01:00', 7 * 24 + 1, 'the clocks change on its last day'],
    ['month', 'America/New_York', '2026-03-20T00:00:00Z', 31 * 24 - 1, 'the clocks change in it'],
    [
      'year',
      'Europe/Berlin',
      '2028-05-05T00:00:00Z',
      366 * 24,
      'it is a leap year, whose changes make up for each other',
    ],
  ] as const)('a %s in %s around %s has %d hours: %s', (unit, timeZone, time, hours, _why) => {
    const { startMs, endMs } = windowOf(unit, timeZone, at(time));
    expect((endMs - startMs) / HOUR_MS).toBe(hours);
  });

  it('begin where the local day, week, month or year begins', () => {
    const time = at('2026-07-30T22:30:00Z');
    expect(shown(windowOf('day', 'Europe/Berlin', time))).toBe('2026-07-30T22:00:00.000Z 2026-07-31T22:00:00.000Z');
    expect(shown(windowOf('week', 'UTC', time))).toBe('2026-07-27T00:00:00.000Z 2026-08-03T00:00:00.000Z');
    expect(shown(windowOf('month', 'Asia/Tokyo', at('2026-07-31T15:00:00Z')))).toBe(
      '2026-07-31T15:00:00.000Z 2026-08-31T15:00:00.000Z',
    );
    expect(shown(windowOf('year', 'Pacific/Auckland', time))).toBe('2025-12-31T11:00:00.000Z 2026-12-31T11:00:00.000Z');
  });

  it('a day begins at the first of two midnights, and where there is none, when the clocks have skipped it', () => {
    expect(shown(windowOf('day', 'America/Sao_Paulo', at('2018-11-04T12:00:00Z'))).slice(0, 24)).toBe(
      '2018-11-04T03:00:00.000Z',
    );
    expect(shown(windowOf('day', 'America/Havana', at('2026-11-01T12:00:00Z'))).slice(0, 24)).toBe(
      '2026-11-01T04:00:00.000Z',
    );
  });

  it('lie end to end in every zone: each instant is in exactly one window [INV-CALENDAR]', () => {
    const zone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
    const unit = fc.constantFrom<CalendarUnit>('day', 'week', 'month', 'year');
    const instant = fc.integer({ min: at('1971-01-01T00:00:00Z'), max: at('2060-01-01T00:00:00Z') });
    fc.assert(
      fc.property(zone, unit, instant, (timeZone, kind, timestampMs) => {
        const windows = CalendarWindows.of({ unit: kind, timeZone });
        const [window] = windows.windowsFor(timestampMs);
        if (window === undefined) throw new Error('No window.');
        expect(window.startMs).toBeLessThanOrEqual(timestampMs);
        expect(window.endMs).toBeGreaterThan(timestampMs);
        expect(window.endMs - window.startMs).toBeLessThanOrEqual(windows.maxSizeMs);
        expect(windows.windowsFor(window.startMs)).toEqual([window]);
        expect(windows.windowsFor(window.endMs - 1)).toEqual([window]);
        expect(windows.windowAt(window.startMs)).toEqual(window);
        expect(windows.windowsFor(window.endMs)[0]?.startMs).toBe(window.endMs);
        if (window.startMs > 0) expect(windows.windowsFor(window.startMs - 1)[0]?.endMs).toBe(window.startMs);
      }),
      { numRuns: 300 },
    );
  });

  it('refuse a zone that there is not, and a grace period that is none', () => {
    expect(() => CalendarWindows.of({ unit: 'day', timeZone: 'Europe/Atlantis' })).toThrow(RangeError);
    expect(() => CalendarWindows.of({ unit: 'day', timeZone: 'UTC', graceMs: -1 })).toThrow(RangeError);
  });
});
