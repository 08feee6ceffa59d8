/**
 * One transaction per batch: the position first, then the rows, then what leaves the tables.
 *
 * Invariant: rows and position change together or not at all, and only when the position is still the one the batch begins at.
 * So a crash anywhere repeats nothing and loses nothing, and of two sinks on one partition only one applies each batch.
 * An alert in the archive is never in `alerts` after a transaction, whatever is read again.
 */
import type { MysqlDatabase, SqlStatements } from '../connectors/mysql/database.ts';
import type { BatchPlan } from './plan-batch.ts';
import { claimPosition } from './positions.ts';
import type { PositionChange } from './positions.ts';
import type { SqlValues } from './sql-rows.ts';
import { ALERT_COLUMNS, alertValues, chunkRows, EVENT_COLUMNS, eventValues } from './sql-rows.ts';

/** Ids in one `IN (…)` at most. */
const MAX_IDS = 1_000;

/**
 * Assignments run from left to right and see what stands before them, so each sequence comes after what it guards.
 * The columns carry the table's name because `INSERT … SELECT` has them twice.
 */
const mergeInto = (table: string): string => {
  const newestStatus = `VALUES(status_sequence) > ${table}.status_sequence`;
  const newest = `VALUES(sequence) > ${table}.sequence`;
  const guarded = [
    'driver_id',
    'source_type',
    'severity',
    'status',
    'metadata',
    'created_at',
    'updated_at',
    'sequence',
  ];
  return `ON DUPLICATE KEY UPDATE
    timestamp = IF(${newestStatus}, VALUES(timestamp), ${table}.timestamp),
    status_sequence = IF(${newestStatus}, VALUES(status_sequence), ${table}.status_sequence),
    ${guarded.map((column) => `${column} = IF(${newest}, VALUES(${column}), ${table}.${column})`).join(',\n    ')}`;
};

const UPSERT_ALERTS = `INSERT INTO alerts (${ALERT_COLUMNS}) VALUES ? ${mergeInto('alerts')}`;
/** Not INSERT IGNORE, which would also turn a refused value into a silently changed one. */
const INSERT_EVENTS = `INSERT INTO alert_events (${EVENT_COLUMNS}) VALUES ?
  ON DUPLICATE KEY UPDATE event_id = alert_events.event_id`;
const SELECT_ARCHIVED = 'SELECT alert_id FROM alerts_archive WHERE alert_id IN (?)';
const ARCHIVE_ALERTS = `INSERT INTO alerts_archive (${ALERT_COLUMNS})
  SELECT ${ALERT_COLUMNS} FROM alerts WHERE alert_id IN (?) ${mergeInto('alerts_archive')}`;
const ARCHIVE_EVENTS = `INSERT INTO alert_events_archive (${EVENT_COLUMNS})
  SELECT ${EVENT_COLUMNS} FROM alert_events WHERE alert_id IN (?)
  ON DUPLICATE KEY UPDATE event_id = alert_events_archive.event_id`;
/** Their events go with them. */
const DELETE_ALERTS = 'DELETE FROM alerts WHERE alert_id IN (?)';

const chunkIds = (ids: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, index) =>
    ids.slice(index * MAX_IDS, (index + 1) * MAX_IDS),
  );

const changeRows = async (sql: SqlStatements, statement: string, rows: readonly SqlValues[]): Promise<void> => {
  for (const chunk of chunkRows(rows)) await sql.change(statement, [chunk]);
};

/** The alerts of the batch that were purged before: the log is being read again. */
const alreadyArchived = async (sql: SqlStatements, ids: readonly string[]): Promise<readonly string[]> => {
  const archived: string[] = [];
  for (const chunk of chunkIds(ids)) {
    const rows = await sql.query(SELECT_ARCHIVED, [chunk]);
    archived.push(...rows.map((row) => row['alert_id'] as string));
  }
  return archived;
};

const moveToArchive = async (sql: SqlStatements, ids: readonly string[]): Promise<void> => {
  for (const chunk of chunkIds(ids)) {
    await sql.change(ARCHIVE_ALERTS, [chunk]);
    await sql.change(ARCHIVE_EVENTS, [chunk]);
    await sql.change(DELETE_ALERTS, [chunk]);
  }
};

/**
 * Rejects with `PositionMovedError` (another sink went on from here: read the position again), `DatabaseUnavailableError`
 * (the outcome is unknown: read the position again) or `DatabaseRowError` (nothing was written: an event cannot be stored).
 */
export const applyBatch = (database: MysqlDatabase, plan: BatchPlan, position: PositionChange): Promise<void> =>
  database.transaction(async (sql) => {
    await claimPosition(sql, position);
    for (const chunk of chunkIds(plan.discard)) await sql.change(DELETE_ALERTS, [chunk]);
    await changeRows(sql, UPSERT_ALERTS, plan.alerts.map(alertValues));
    await changeRows(sql, INSERT_EVENTS, plan.events.map(eventValues));
    const archived = await alreadyArchived(
      sql,
      plan.alerts.map(({ alertId }) => alertId),
    );
    await moveToArchive(sql, [...new Set([...plan.archive, ...archived])]);
  });
