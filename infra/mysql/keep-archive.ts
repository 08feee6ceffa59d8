/**
 * `node infra/mysql/keep-archive.ts [--months 24]`: keeps the archive in monthly partitions and drops what is older; for a monthly job.
 */
import { parseArgs } from 'node:util';
import { readMysqlUrl } from '../../connectors/config/services.ts';
import { openMysql } from '../../connectors/mysql/database.ts';
import { keepArchive } from './archive-partitions.ts';

const DEFAULT_MONTHS = 24;
const MONTHS_AHEAD = 3;
/** Partitioning a table for the first time copies all of it. */
const STATEMENT_TIMEOUT_MS = 24 * 3_600_000;

const { values } = parseArgs({ options: { months: { type: 'string', default: String(DEFAULT_MONTHS) } } });
const monthsKept = /^\d{1,4}$/.test(values.months) ? Number(values.months) : 0;
if (monthsKept < 1) {
  console.error(`--months is "${values.months}"; allowed is a whole number of months, 1 or more.`);
  process.exit(2);
}
const database = openMysql({ url: readMysqlUrl(process.env), statementTimeoutMs: STATEMENT_TIMEOUT_MS });
try {
  const changes = await keepArchive(database, { nowMs: Date.now(), monthsKept, monthsAhead: MONTHS_AHEAD });
  for (const { table, added, dropped } of changes)
    console.log(`${table}: ${added.length} partitions added, ${dropped.length} dropped ${dropped.join(' ')}`);
} finally {
  await database.close();
}
