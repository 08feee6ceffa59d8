/**
 * The tables as the demo sees them: read, compared with the look before, and laid out for the terminal.
 *
 * Invariant: only rows of the demo's own drivers are read, so whatever else runs on the stack does not show.
 */
import type { MysqlDatabase, SqlRow } from '../../connectors/mysql/database.ts';

export const TABLES = ['alerts', 'alert_events', 'alerts_archive', 'alert_events_archive'] as const;
export type TableName = (typeof TABLES)[number];

/** A row as texts by column, and what tells it from the others. */
export interface DemoRow {
  readonly key: string;
  readonly cells: Readonly<Record<string, string>>;
}

export type Snapshot = Readonly<Record<TableName, readonly DemoRow[]>>;

export const EMPTY_SNAPSHOT: Snapshot = { alerts: [], alert_events: [], alerts_archive: [], alert_events_archive: [] };

const alertQuery = (table: TableName): string =>
  `SELECT alert_id, driver_id, source_type, severity, status, timestamp, metadata FROM ${table}
   WHERE driver_id IN (?) ORDER BY driver_id, created_at, alert_id`;

const eventQuery = (events: TableName, alerts: TableName): string =>
  `SELECT e.event_id, a.driver_id, e.event_type, e.old_status, e.new_status, e.timestamp, e.metadata
   FROM ${events} e JOIN ${alerts} a ON a.alert_id = e.alert_id
   WHERE a.driver_id IN (?) ORDER BY a.driver_id, a.created_at, a.alert_id, e.sequence`;

const QUERIES: Readonly<Record<TableName, string>> = {
  alerts: alertQuery('alerts'),
  alert_events: eventQuery('alert_events', 'alerts'),
  alerts_archive: alertQuery('alerts_archive'),
  alert_events_archive: eventQuery('alert_events_archive', 'alerts_archive'),
};

const cellText = (value: unknown): string => {
  if (value === null) return 'NULL';
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', '');
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const toRow = (row: SqlRow): DemoRow => ({
  key: cellText(row['event_id'] ?? row['alert_id']),
  cells: Object.fromEntries(Object.entries(row).map(([column, value]) => [column, cellText(value)])),
});

export const readTables = async (database: MysqlDatabase, drivers: readonly string[]): Promise<Snapshot> => {
  const rows = await Promise.all(
    TABLES.map(async (table) => [table, (await database.query(QUERIES[table], [drivers])).map(toRow)] as const),
  );
  return Object.fromEntries(rows) as unknown as Snapshot;
};

/** The first column is the row's id, which the tables show in full later. */
const lineOf = ({ cells }: DemoRow): string => Object.values(cells).slice(1).join('  ');

/** One line per row that came, changed or went. */
export const changesBetween = (before: Snapshot, after: Snapshot): readonly string[] =>
  TABLES.flatMap((table) => {
    const old = new Map(before[table].map((row) => [row.key, lineOf(row)]));
    const kept = new Set(after[table].map(({ key }) => key));
    const name = table.padEnd(20);
    const added = after[table].flatMap((row) => {
      const was = old.get(row.key);
      if (was === lineOf(row)) return [];
      return [`${name} ${was === undefined ? '+' : '~'} ${lineOf(row)}`];
    });
    const removed = before[table].filter(({ key }) => !kept.has(key)).map((row) => `${name} - ${lineOf(row)}`);
    return [...added, ...removed];
  });

/** The whole table, columns lined up. */
export const tableText = (table: TableName, rows: readonly DemoRow[]): string => {
  const [first] = rows;
  if (first === undefined) return `${table}: empty`;
  const columns = Object.keys(first.cells);
  const lines = [columns, ...rows.map(({ cells }) => columns.map((column) => cells[column] ?? ''))];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)));
  const text = lines.map((cells) =>
    `  ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd(),
  );
  return [`${table}:`, text[0], `  ${widths.map((width) => '-'.repeat(width)).join('  ')}`, ...text.slice(1)].join(
    '\n',
  );
};
