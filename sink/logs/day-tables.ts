/**
 * The tables of the days: which there are, and making and dropping them.
 *
 * Invariant: a table holds the logs of one UTC day and no others, under a name that is made of the day alone. A day is dropped whole,
 * one day after its last log may have been written.
 */
import type { SqlStatements } from '../../connectors/mysql/database.ts';

const DAY_MS = 86_400_000;
const PREFIX = 'log_entries_';
/** Each `_` of a pattern stands for one character. */
const PATTERN = `${PREFIX.replaceAll('_', '\\_')}${'_'.repeat(8)}`;

/** How many days logs are kept, today's not counted. */
export const LOG_RETENTION_DAYS = 30;

/** The UTC day as `yyyymmdd`. */
export const dayOf = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 10).replaceAll('-', '');

export const tableOf = (day: string): string => `${PREFIX}${day}`;

/** The first day that is kept. */
export const firstDay = (nowMs: number): string => dayOf(nowMs - LOG_RETENTION_DAYS * DAY_MS);

/** The days that have a table, the newest first. */
export const existingDays = async (sql: SqlStatements): Promise<readonly string[]> => {
  const rows = await sql.query(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name LIKE ? ORDER BY table_name DESC`,
    [PATTERN],
  );
  return rows.map((row) => String(row['name']).slice(PREFIX.length)).filter((day) => /^\d{8}$/.test(day));
};

/** Ends a transaction that is under way, as all changes of tables do. */
export const createDay = async (sql: SqlStatements, day: string): Promise<void> => {
  await sql.change(`CREATE TABLE IF NOT EXISTS ${tableOf(day)} LIKE log_entries`);
};

/** Drops the days that nobody reads or writes any more; resolves with them. */
export const dropOldDays = async (sql: SqlStatements, nowMs: number): Promise<readonly string[]> => {
  const keptFrom = firstDay(nowMs - DAY_MS);
  const old = (await existingDays(sql)).filter((day) => day < keptFrom);
  for (const day of old) await sql.change(`DROP TABLE IF EXISTS ${tableOf(day)}`);
  return old;
};
