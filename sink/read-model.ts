/**
 * Reads of the alerts and their events for the edges: what is in the tables now, newest first.
 *
 * Invariant: a page follows its cursor exactly: the order (the alert's own time, then its id) never changes for an alert, so
 * an alert that stays is neither skipped nor shown twice while others come and go.
 */
import type { MysqlDatabase, SqlRow } from '../connectors/mysql/database.ts';
import { decodeCursor, encodeCursor } from './read-model-cursor.ts';
import { parseMetadata } from './read-model-json.ts';

export interface StoredAlert {
  readonly alertId: string;
  readonly driverId: string;
  readonly sourceType: string;
  readonly severity: string;
  readonly status: string;
  /** When the status last changed; UTC epoch milliseconds, as all times here. */
  readonly timestampMs: number;
  /** The alert's own time. */
  readonly createdAtMs: number;
  /** The time of its last event. */
  readonly updatedAtMs: number;
  /** The number of its last event. */
  readonly sequence: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface StoredEvent {
  readonly eventId: string;
  readonly alertId: string;
  readonly sequence: number;
  readonly eventType: string;
  readonly reason: string;
  readonly oldStatus: string | null;
  readonly newStatus: string;
  readonly timestampMs: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Left out: not filtered. */
export interface AlertFilters {
  readonly driverId?: string | undefined;
  readonly sourceType?: string | undefined;
  readonly status?: string | undefined;
  readonly severity?: string | undefined;
  /** Alerts whose own time lies in `[fromMs, toMs)`; UTC epoch milliseconds. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface AlertPage {
  readonly alerts: readonly StoredAlert[];
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined;
}

/** Every call rejects with `DatabaseUnavailableError` in an outage. */
export interface ReadModel {
  /** Rejects with `InvalidCursorError` for a cursor that no page gave. `limit` is 1 to 1,000. */
  listAlerts(filters: AlertFilters, cursor: string | undefined, limit: number): Promise<AlertPage>;
  getAlert(alertId: string): Promise<StoredAlert | undefined>;
  /** In the order they happened; empty for an unknown or purged alert. */
  listEvents(alertId: string): Promise<readonly StoredEvent[]>;
  /** Resolves when the tables can be read. */
  ping(): Promise<void>;
}

/** An alert has a handful of events; this bounds what a flood of comments can make a caller read. */
const MAX_EVENTS = 10_000;
const MAX_LIMIT = 1_000;

const alertsIn = (
  table: string,
): string => `SELECT alert_id, driver_id, source_type, severity, status, timestamp, metadata,
  created_at, updated_at, sequence FROM ${table}`;
const eventsIn = (
  table: string,
): string => `SELECT event_id, alert_id, sequence, event_type, reason, old_status, new_status,
  timestamp, metadata FROM ${table} WHERE alert_id = ? ORDER BY sequence LIMIT ${MAX_EVENTS}`;
const ALERTS = alertsIn('alerts');
const EVENTS = eventsIn('alert_events');
const ARCHIVED_ALERTS = alertsIn('alerts_archive');
const ARCHIVED_EVENTS = eventsIn('alert_events_archive');

const timeOf = (row: SqlRow, column: string): number => (row[column] as Date).getTime();

const toAlert = (row: SqlRow): StoredAlert => ({
  alertId: row['alert_id'] as string,
  driverId: row['driver_id'] as string,
  sourceType: row['source_type'] as string,
  severity: row['severity'] as string,
  status: row['status'] as string,
  timestampMs: timeOf(row, 'timestamp'),
  createdAtMs: timeOf(row, 'created_at'),
  updatedAtMs: timeOf(row, 'updated_at'),
  sequence: row['sequence'] as number,
  metadata: parseMetadata(row['metadata'] as string),
});

const toEvent = (row: SqlRow): StoredEvent => ({
  eventId: row['event_id'] as string,
  alertId: row['alert_id'] as string,
  sequence: row['sequence'] as number,
  eventType: row['event_type'] as string,
  reason: row['reason'] as string,
  oldStatus: row['old_status'] as string | null,
  newStatus: row['new_status'] as string,
  timestampMs: timeOf(row, 'timestamp'),
  metadata: parseMetadata(row['metadata'] as string),
});

type Condition = readonly [sql: string, value: unknown];

const conditionsOf = (filters: AlertFilters, cursor: string | undefined): readonly Condition[] => {
  const { driverId, sourceType, status, severity, fromMs, toMs } = filters;
  const conditions: Condition[] = [];
  const add = (sql: string, value: unknown): void => {
    if (value !== undefined) conditions.push([sql, value]);
  };
  add('driver_id = ?', driverId);
  add('source_type = ?', sourceType);
  add('status = ?', status);
  add('severity = ?', severity);
  add('created_at >= ?', fromMs === undefined ? undefined : new Date(fromMs));
  add('created_at < ?', toMs === undefined ? undefined : new Date(toMs));
  if (cursor !== undefined) {
    const { createdAtMs, alertId } = decodeCursor(cursor);
    const createdAt = new Date(createdAtMs);
    // The first one alone lets the index begin at the cursor; the second leaves out what the page before ended with.
    add('created_at <= ?', createdAt);
    add('(created_at, alert_id) < (?)', [createdAt, alertId]);
  }
  return conditions;
};

export const openReadModel = (database: MysqlDatabase): ReadModel => ({
  async listAlerts(filters, cursor, limit) {
    const size = Math.min(Math.max(1, Math.trunc(limit)), MAX_LIMIT);
    const conditions = conditionsOf(filters, cursor);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
    const rows = await database.query(`${ALERTS} ${where} ORDER BY created_at DESC, alert_id DESC LIMIT ?`, [
      ...conditions.map(([, value]) => value),
      size + 1,
    ]);
    const alerts = rows.slice(0, size).map(toAlert);
    const last = alerts.at(-1);
    return { alerts, nextCursor: rows.length > size && last !== undefined ? encodeCursor(last) : undefined };
  },
  async getAlert(alertId) {
    const [row] = await database.query(`${ALERTS} WHERE alert_id = ?`, [alertId]);
    return row === undefined ? undefined : toAlert(row);
  },
  async listEvents(alertId) {
    return (await database.query(EVENTS, [alertId])).map(toEvent);
  },
  async ping() {
    await database.query('SELECT 1 FROM alerts LIMIT 1');
  },
});

/** Alerts of the driver that wait for somebody. Rejects with `DatabaseUnavailableError` in an outage. */
export const countOpenAlerts = async (database: MysqlDatabase, driverId: string): Promise<number> => {
  const sql = "SELECT COUNT(*) AS open_alerts FROM alerts WHERE driver_id = ? AND status IN ('OPEN', 'ESCALATED')";
  const [row] = await database.query(sql, [driverId]);
  return Number(row?.['open_alerts'] ?? 0);
};

export interface ArchivedAlert {
  readonly alert: StoredAlert;
  readonly events: readonly StoredEvent[];
}

/** A purged alert with its events; undefined when it is not in the archive. Rejects with `DatabaseUnavailableError` in an outage. */
export const readArchivedAlert = async (
  database: MysqlDatabase,
  alertId: string,
): Promise<ArchivedAlert | undefined> => {
  const [row] = await database.query(`${ARCHIVED_ALERTS} WHERE alert_id = ?`, [alertId]);
  if (row === undefined) return undefined;
  return { alert: toAlert(row), events: (await database.query(ARCHIVED_EVENTS, [alertId])).map(toEvent) };
};
