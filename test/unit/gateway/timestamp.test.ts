/** Times as senders write them, against the calendar and the zone database that `Intl` knows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timestampParser } from '../../../gateway/alerts/timestamp.ts';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns'];
const parsers = new Map(ZONES.map((zone) => [zone, timestampParser(zone)]));
const clocks = new Map(
  ZONES.map((zone) => [
    zone,
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }),
  ]),
);

const parse = (text: string, zone = 'UTC') => (parsers.get(zone) ?? timestampParser(zone))(text);
const epoch = (text: string, zone = 'UTC'): number | string => {
  const parsed = parse(text, zone);
  return parsed.ok ? parsed.epochMs : parsed.problem;
};
/** What a clock in the zone shows: `YYYY-MM-DD HH:mm:ss`. */
const shown = (epochMs: number, zone: string): string => clocks.get(zone)?.format(epochMs) ?? '';

const zone = fc.constantFrom(...ZONES);
const second = fc.integer({ min: 2, max: 4_102_444_800 }).map((seconds) => seconds * 1000);
/** Seconds near a change of clocks, where the interesting cases are. */
const nearChange = fc
  .tuple(
    fc.constantFrom('2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'),
    fc.integer({ min: -30 * 3600, max: 30 * 3600 }),
  )
  .map(([change, offset]) => Date.parse(change) + offset * 1000);

describe('timestamps of senders', () => {
  it('reads the form of the contract in UTC', () => {
    expect(epoch('2026-11-24 09:33:24')).toBe(Date.UTC(2026, 10, 24, 9, 33, 24));
  });

  it('reads what a clock in the zone shows as that instant, or as the earlier one that shows the same', () => {
    fc.assert(
      fc.property(zone, fc.oneof(second, nearChange), (name, instant) => {
        const text = shown(instant, name);
        const parsed = epoch(text, name);
        expect(typeof parsed).toBe('number');
        expect(shown(Number(parsed), name)).toBe(text);
        expect(Number(parsed)).toBeLessThanOrEqual(instant);
        expect(instant - Number(parsed)).toBeLessThanOrEqual(3_600_000);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a local time exactly when no clock of the zone shows it', () => {
    const minuteOfDay = fc.integer({ min: 0, max: 1439 });
    const days = fc.constantFrom('2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-10-04', '2026-07-01');
    fc.assert(
      fc.property(zone, days, minuteOfDay, (name, day, minute) => {
        const time = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00`;
        const text = `${day} ${time}`;
        const asUtc = Date.parse(`${day}T${time}Z`);
        const halfHours = Array.from({ length: 61 }, (_, index) => asUtc + (index - 30) * 1_800_000);
        const instants = halfHours.filter((instant) => shown(instant, name) === text);
        const parsed = epoch(text, name);
        if (instants.length === 0) expect(parsed).toContain('does not exist');
        else expect(parsed).toBe(Math.min(...instants));
      }),
      { numRuns: 1000 },
    );
  });

  it('takes the earlier of two instants when clocks are set back, and refuses what is skipped', () => {
    expect(epoch('2026-10-25 02:30:00', 'Europe/Berlin')).toBe(Date.parse('2026-10-25T02:30:00+02:00'));
    expect(epoch('2026-03-29 02:30:00', 'Europe/Berlin')).toContain('does not exist in Europe/Berlin');
    expect(epoch('2026-03-29 03:00:00', 'Europe/Berlin')).toBe(Date.parse('2026-03-29T01:00:00Z'));
  });

  it('reads every ISO 8601 form that JavaScript writes or reads the same way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 86_400_000, max: 4_102_444_800_000 }),
        fc.integer({ min: -840, max: 840 }),
        zone,
        (instant, offsetMinutes, name) => {
          expect(epoch(new Date(instant).toISOString(), name)).toBe(instant);
          const sign = offsetMinutes < 0 ? '-' : '+';
          const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
          const offset = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
          const local = new Date(instant + offsetMinutes * 60_000).toISOString().replace('Z', offset);
          expect(epoch(local, name)).toBe(instant);
          expect(epoch(local.replace(/:(?=\d{2}$)/, ''), name)).toBe(instant);
        },
      ),
    );
  });

  it('cuts off what is finer than a millisecond', () => {
    expect(epoch('2026-01-01T00:00:00.123999999Z')).toBe(Date.UTC(2026, 0, 1, 0, 0, 0, 123));
    expect(epoch('2026-01-01T00:00:00.5Z')).toBe(Date.UTC(2026, 0, 1, 0, 0, 0, 500));
    expect(epoch('2026-01-01T10:20Z')).toBe(Date.UTC(2026, 0, 1, 10, 20));
  });

  it.each([
    '2026-02-30 10:00:00',
    '2026-02-29 10:00:00',
    '2026-13-01 10:00:00',
    '2026-00-10 10:00:00',
    '2026-04-31T10:00:00Z',
    '2026-01-01 24:00:00',
    '2026-01-01 23:60:00',
    '2026-12-31 23:59:60',
    '2026-01-01T10:00:00+19:00',
    '2026-01-01T10:00:00+05:60',
    '1969-12-31 23:59:59',
    '0000-01-01 00:00:00',
    '2026-01-01',
    '2026-1-1 10:00:00',
    '2026-01-01 10:00:00 ',
    ' 2026-01-01 10:00:00',
    '2026-01-01 10:00:00PM',
    '1764000000',
    'yesterday',
    '',
    '２０２６-01-01 10:00:00',
  ])('refuses %j', (text) => {
    expect(parse(text).ok).toBe(false);
  });

  it('takes February 29th of a leap year only', () => {
    expect(epoch('2028-02-29 00:00:00')).toBe(Date.UTC(2028, 1, 29));
    expect(parse('2100-02-29 00:00:00').ok).toBe(false);
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string(), zone, (text, name) => void parse(text, name)));
  });

  it('refuses an unknown zone when it is configured', () => {
    expect(() => timestampParser('Mars/Olympus_Mons')).toThrow(RangeError);
  });
});
