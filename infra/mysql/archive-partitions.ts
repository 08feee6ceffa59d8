/**
 * The archive of alerts in monthly partitions, for a system whose archive no longer fits a table that is deleted from row by row:
 * what is too old goes by dropping a partition, which takes milliseconds and gives the room back.
 *
 * The keys get the time of their row, as MySQL asks of a partitioned table. The sink writes as before: the time of an alert and of an
 * event never changes, so what was one row by its id is one row by its id and time.
 *
 * Invariant: running it again changes nothing but the partitions that time asks for; a row is deleted only with a partition that is
 * older than everything that is kept.
 */
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';

/** A table, and the time by which it is cut. */
interface ArchiveTable {
  readonly name: string;
  readonly column: string;
  /** Makes every unique key hold the column. */
  readonly keys: readonly string[];
}

const TABLES: readonly ArchiveTable[] = [
  {
    name: 'alert_events_archive',
    column: 'timestamp',
    keys: [
      'DROP FOREIGN KEY alert_events_archive_alert',
      'DROP PRIMARY KEY, ADD PRIMARY KEY (alert_id, sequence, timestamp)',
      'DROP KEY alert_events_archive_id, ADD UNIQUE KEY alert_events_archive_id (event_id, timestamp)',
    ],
  },
  {
    name: 'alerts_archive',
    column: 'created_at',
    keys: ['DROP PRIMARY KEY, ADD PRIMARY KEY (alert_id, created_at)'],
  },
];

/** Takes what is later than every month there is a partition for; it must stay empty, or nearly so. */
const LATER = 'later';

/** The first moment of a month; `month` counts from January of year 0. */
const startOf = (month: number): string =>
  `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}-01`;
const nameOf = (month: number): string => `p${startOf(month).slice(0, 7).replace('-', '_')}`;
const monthOf = (name: string): number => Number(name.slice(1, 5)) * 12 + Number(name.slice(6, 8)) - 1;
const monthAt = (timeMs: number): number => {
  const time = new Date(timeMs);
  return time.getUTCFullYear() * 12 + time.getUTCMonth();
};

const months = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
const definition = (month: number): string => `PARTITION ${nameOf(month)} VALUES LESS THAN ('${startOf(month + 1)}')`;
const LATER_DEFINITION = `PARTITION ${LATER} VALUES LESS THAN (MAXVALUE)`;

/** The months that have a partition, in order; none when the table is not partitioned. */
const partitionedMonths = async (database: MysqlDatabase, table: string): Promise<readonly number[]> => {
  const rows = await database.query(
    `SELECT partition_name AS name FROM information_schema.partitions
      WHERE table_schema = DATABASE() AND table_name = ? AND partition_name IS NOT NULL AND partition_name <> ?`,
    [table, LATER],
  );
  return rows.map((row) => monthOf(row['name'] as string)).toSorted((a, b) => a - b);
};

const oldestRow = async (database: MysqlDatabase, { name, column }: ArchiveTable, orMs: number): Promise<number> => {
  const [row] = await database.query(`SELECT MIN(${column}) AS oldest FROM ${name}`);
  const oldest = row?.['oldest'];
  return oldest instanceof Date ? oldest.getTime() : orMs;
};

export interface ArchiveKeeping {
  readonly nowMs: number;
  /** Months before this one that stay. */
  readonly monthsKept: number;
  /** Months after this one that have their partition already. */
  readonly monthsAhead: number;
}

export interface ArchiveChange {
  readonly table: string;
  readonly added: readonly string[];
  readonly dropped: readonly string[];
}

const partition = async (
  database: MysqlDatabase,
  table: ArchiveTable,
  keeping: ArchiveKeeping,
): Promise<readonly string[]> => {
  const now = monthAt(keeping.nowMs);
  const first = Math.min(now, monthAt(await oldestRow(database, table, keeping.nowMs)));
  const wanted = months(first, now + keeping.monthsAhead);
  for (const change of table.keys) await database.change(`ALTER TABLE ${table.name} ${change}`);
  const definitions = [...wanted.map(definition), LATER_DEFINITION].join(', ');
  await database.change(`ALTER TABLE ${table.name} PARTITION BY RANGE COLUMNS (${table.column}) (${definitions})`);
  return wanted.map(nameOf);
};

const extend = async (
  database: MysqlDatabase,
  { name }: ArchiveTable,
  there: readonly number[],
  { nowMs, monthsAhead }: ArchiveKeeping,
): Promise<readonly string[]> => {
  const missing = months((there.at(-1) ?? 0) + 1, monthAt(nowMs) + monthsAhead);
  if (missing.length === 0) return [];
  const definitions = [...missing.map(definition), LATER_DEFINITION].join(', ');
  await database.change(`ALTER TABLE ${name} REORGANIZE PARTITION ${LATER} INTO (${definitions})`);
  return missing.map(nameOf);
};

/**
 * Partitions what is not partitioned, adds the months to come and drops those that are over. Partitioning a large table copies it: do
 * it once, with the sink stopped. Rejects as `MysqlDatabase` does.
 */
export const keepArchive = async (
  database: MysqlDatabase,
  keeping: ArchiveKeeping,
): Promise<readonly ArchiveChange[]> => {
  const changes: ArchiveChange[] = [];
  for (const table of TABLES) {
    const there = await partitionedMonths(database, table.name);
    const added =
      there.length === 0 ? await partition(database, table, keeping) : await extend(database, table, there, keeping);
    const oldestKept = monthAt(keeping.nowMs) - keeping.monthsKept;
    const over = (await partitionedMonths(database, table.name)).filter((month) => month < oldestKept).map(nameOf);
    if (over.length > 0) await database.change(`ALTER TABLE ${table.name} DROP PARTITION ${over.join(', ')}`);
    changes.push({ table: table.name, added, dropped: over });
  }
  return changes;
};
