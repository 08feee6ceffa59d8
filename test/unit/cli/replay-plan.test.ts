import { describe, expect, it } from 'vitest';
import {
  rangeOf,
  requireOwnDatabase,
  requireSteadyRules,
  targetUrl,
  type ReplayOptions,
} from '../../../cli/replay/plan.ts';
import { leadMs, planReading, readsBefore, type AlertLog } from '../../../cli/replay/reading.ts';
import { pointInTime } from '../../../cli/options.ts';
import type { MysqlDatabase } from '../../../connectors/mysql/database.ts';
import { rulesFromFile } from '../../../processors/rules.ts';

const MINUTE = 60_000;
const NOW_MS = Date.UTC(2025, 10, 24);

describe('the stretch of time', () => {
  it('is open where nothing is given', () => {
    expect(rangeOf({}, NOW_MS)).toEqual({ fromMs: -Infinity, toMs: Infinity });
    expect(rangeOf({ from: 5, to: 6 }, NOW_MS)).toEqual({ fromMs: 5, toMs: 6 });
  });

  it.each<[ReplayOptions, string]>([
    [{ from: 6, to: 6 }, '--from must lie before --to'],
    [{ to: NOW_MS + 1 }, 'lies in the future'],
    [{ rules: 'r.json' }, 'give --into'],
    [{ dryRun: true, into: 'x' }, '--into has no meaning'],
    [{ report: 'r.jsonl', dryRun: true }, '--report goes with'],
    [{ report: 'r.jsonl', rules: 'r.json', into: 'x' }, '--report goes with'],
  ])('%j is refused', (options, said) => expect(() => rangeOf(options, NOW_MS)).toThrow(said));

  it('may lie in the future where nothing is written', () => {
    expect(rangeOf({ to: NOW_MS + 1, dryRun: true }, NOW_MS).toMs).toBe(NOW_MS + 1);
  });

  it('is given in several forms', () => {
    const midnight = Date.UTC(2025, 10, 24);
    for (const text of ['2025-11-24', '2025-11-24 00:00:00', '2025-11-24T01:00:00+01:00'])
      expect(pointInTime(text)).toBe(midnight);
    expect(Math.abs(pointInTime('now') - Date.now())).toBeLessThan(1_000);
    expect(() => pointInTime('24.11.2025')).toThrow('It must be');
  });
});

describe('the lead', () => {
  it.each([
    [{}, 0],
    [{ a: { escalate_if_count: 3, window_mins: 20 } }, 20],
    [{ a: { escalate_if_count: 3, window_mins: 20, auto_close_after_mins: 30 } }, 35],
    [{ a: { auto_close_if: 'done' }, retention: { purge_after_mins: 90 } }, 90],
    [{ a: { auto_close_after_mins: 10 }, b: { escalate_if_count: 1, window_mins: 700 } }, 700],
  ])('of %j is %i minutes and the grace period', (rules, minutes) => {
    expect(leadMs(rulesFromFile(rules), 7)).toBe(minutes * MINUTE + 7);
  });
});

/** Partitions as lists of the times their records were appended at; the offset of the first is `beginning`. */
const logOf = (partitions: readonly (readonly number[])[], beginning = 0, logAppendTime = true): AlertLog => ({
  topic: 'raw-alerts',
  partitions: partitions.length,
  logAppendTime,
  reader: {
    range: async ({ partition }) => ({ beginning, end: beginning + (partitions[partition]?.length ?? 0) }),
    read: () => Promise.reject(new Error('not here')),
    follow: () => Promise.reject(new Error('not here')),
    close: async () => undefined,
  },
  offsetForTime: async ({ partition }, timeMs) => {
    const found = partitions[partition]?.findIndex((appended) => appended >= timeMs) ?? -1;
    return found < 0 ? undefined : beginning + found;
  },
});

describe('what is read', () => {
  const log = logOf([[10, 20, 30], [50], []]);

  it('begins with what was appended at that time and goes on to the end', async () => {
    const ranges = (await planReading(log, 20)).map(({ start, end }) => [start, end]);
    expect(ranges).toEqual([
      [1, 3],
      [0, 1],
      [0, 0],
    ]);
    expect((await planReading(log, 60)).every(({ start, end }) => start === end)).toBe(true);
  });

  it('is everything where no time is given, or where offsets cannot be found by time', async () => {
    for (const [of, fromMs] of [
      [log, -Infinity],
      [log, -5],
      [logOf([[10, 20, 30]], 0, false), 20],
    ] as const) {
      expect((await planReading(of, fromMs))[0]).toMatchObject({ start: 0, end: 3 });
    }
  });

  it('is cut short where retention has been there first', async () => {
    const kept = logOf([[10, 20]], 100);
    expect(await planReading(kept, 5)).toEqual([{ partition: 0, start: 100, end: 102, cutShort: true }]);
    expect(await planReading(kept, 15)).toEqual([{ partition: 0, start: 101, end: 102, cutShort: false }]);
  });

  it('holds something from before a time, or not', async () => {
    const readings = await planReading(log, 20);
    expect(await readsBefore(log, readings, 20)).toBe(false);
    expect(await readsBefore(log, readings, 21)).toBe(true);
    expect(await readsBefore(log, readings, 1_000)).toBe(true);
  });
});

/** A database that answers whether tables have rows. */
const databaseWith = (...tables: string[]): MysqlDatabase => {
  const query = async (sql: string) => (tables.some((name) => sql.includes(` ${name} `)) ? [{ 1: 1 }] : []);
  return { query } as unknown as MysqlDatabase;
};
const target = (...tables: string[]) => ({ database: databaseWith(...tables), alertEventsTopic: 'alert-events' });

describe('a database', () => {
  it('takes events of other rules only when it is empty and nobody feeds it', async () => {
    await expect(requireOwnDatabase(target())).resolves.toBeUndefined();
    await expect(requireOwnDatabase(target('alerts'))).rejects.toThrow('alerts of this database is not empty');
    await expect(requireOwnDatabase(target('alerts_archive'))).rejects.toThrow('alerts_archive of this database');
    await expect(requireOwnDatabase(target('sink_offsets'))).rejects.toThrow('The live sink writes into this database');
  });

  it('[INV-REPLAY-RULES] that the live sink feeds is not written to when rules were changed within what is read', async () => {
    const log = logOf([[10, 20, 30]]);
    const readings = await planReading(log, 20);
    await expect(requireSteadyRules(target('sink_offsets'), log, readings, 25)).rejects.toThrow(
      '1970-01-01T00:00:00.025Z',
    );
    await expect(requireSteadyRules(target('sink_offsets'), log, readings, 20)).resolves.toBeUndefined();
    await expect(requireSteadyRules(target('sink_offsets'), log, readings, undefined)).resolves.toBeUndefined();
    await expect(requireSteadyRules(target(), log, readings, 25)).resolves.toBeUndefined();
  });

  it('is named, or given by its address', () => {
    const live = 'mysql://u:p@host:3306/alerts?ssl-mode=REQUIRED';
    expect(targetUrl(live, undefined)).toBe(live);
    expect(targetUrl(live, 'backfill')).toBe('mysql://u:p@host:3306/backfill?ssl-mode=REQUIRED');
    expect(targetUrl(live, 'mysql://other/db')).toBe('mysql://other/db');
    expect(() => targetUrl(live, 'a/b')).toThrow('--into must be');
  });
});
