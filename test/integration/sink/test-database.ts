/**
 * A migrated database of one test file's own on the server of MYSQL_URL, and an image of what is in its tables.
 */
import { randomBytes } from 'node:crypto';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { MysqlDatabase, SqlRow } from '../../../connectors/mysql/database.ts';
import { openMysql } from '../../../connectors/mysql/database.ts';
import { migrate } from '../../../sink/migrate.ts';
import type { AlertRow } from '../../../sink/plan-batch.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import type { TableImage } from '../../support/sink-model.ts';

export const serverUrl = (): string => {
  const url = process.env['MYSQL_URL'];
  if (url === undefined) throw new Error('MYSQL_URL is not set.');
  return url;
};

/** The same server under another database name, and optionally through another port of this machine. */
export const urlOf = (database: string, port?: number): string => {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  if (port !== undefined) url.host = `127.0.0.1:${port}`;
  return url.href;
};

const timeOf = (row: SqlRow, column: string): number => (row[column] as Date).getTime();

const toRow = (row: SqlRow): AlertRow => ({
  alertId: row['alert_id'] as string,
  driverId: row['driver_id'] as string,
  sourceType: row['source_type'] as string,
  severity: row['severity'] as string,
  status: row['status'] as string,
  statusTimeMs: timeOf(row, 'timestamp'),
  metadata: row['metadata'] as string,
  createdAtMs: timeOf(row, 'created_at'),
  updatedAtMs: timeOf(row, 'updated_at'),
  sequence: row['sequence'] as number,
  statusSequence: row['status_sequence'] as number,
});

/** The columns of an event's own row; what it says about the alert is in the alert's row. */
export type EventImage = Omit<
  LifecycleEvent,
  'driverId' | 'sourceType' | 'severity' | 'alertTimestamp' | 'alertMetadata'
>;

const toEventImage = (row: SqlRow): EventImage => ({
  eventId: row['event_id'] as string,
  alertId: row['alert_id'] as string,
  sequence: row['sequence'] as number,
  eventType: row['event_type'] as LifecycleEvent['eventType'],
  reason: row['reason'] as string,
  oldStatus: row['old_status'] as LifecycleEvent['oldStatus'],
  newStatus: row['new_status'] as LifecycleEvent['newStatus'],
  timestamp: timeOf(row, 'timestamp'),
  metadata: row['metadata'] as string,
});

export interface StoredImage {
  readonly alerts: readonly AlertRow[];
  readonly events: readonly EventImage[];
  readonly archivedAlerts: readonly AlertRow[];
  readonly archivedEvents: readonly EventImage[];
}

/** JSON in one form: MySQL stores it in an order and spacing of its own, MariaDB as text. */
const canonical = (text: string): string => {
  const sorted = (_key: string, value: unknown): unknown =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify(JSON.parse(text), sorted);
};

const normalRow = (row: AlertRow): AlertRow => ({ ...row, metadata: canonical(row.metadata) });

const normalEvent = ({ metadata, ...event }: EventImage): EventImage => ({
  eventId: event.eventId,
  alertId: event.alertId,
  sequence: event.sequence,
  eventType: event.eventType,
  reason: event.reason,
  oldStatus: event.oldStatus,
  newStatus: event.newStatus,
  timestamp: event.timestamp,
  metadata: canonical(metadata),
});

/** What the tables hold when they hold what the model says. */
export const storedForm = (image: TableImage): StoredImage => ({
  alerts: image.alerts.map(normalRow),
  events: image.events.map(normalEvent),
  archivedAlerts: image.archivedAlerts.map(normalRow),
  archivedEvents: image.archivedEvents.map(normalEvent),
});

export class TestDatabase {
  readonly name = `alerts_sink_${randomBytes(5).toString('hex')}`;
  readonly url = urlOf(this.name);
  readonly #server = openMysql({ url: serverUrl(), connectionLimit: 1 });
  #database: MysqlDatabase | undefined;

  /** Created and migrated. */
  static async create(): Promise<TestDatabase> {
    const created = new TestDatabase();
    await created.#server.change(`CREATE DATABASE ${created.name}`);
    await migrate(created.url, silentLogger);
    created.#database = openMysql({ url: created.url });
    return created;
  }

  get database(): MysqlDatabase {
    if (this.#database === undefined) throw new Error('The database was not created.');
    return this.#database;
  }

  async clear(): Promise<void> {
    for (const table of ['alerts', 'alerts_archive', 'sink_offsets'])
      await this.database.change(`DELETE FROM ${table}`);
  }

  async image(): Promise<StoredImage> {
    const read = (table: string, order: string): Promise<readonly SqlRow[]> =>
      this.database.query(`SELECT * FROM ${table} ORDER BY ${order}`);
    return {
      alerts: (await read('alerts', 'alert_id')).map(toRow).map(normalRow),
      events: (await read('alert_events', 'alert_id, sequence')).map(toEventImage).map(normalEvent),
      archivedAlerts: (await read('alerts_archive', 'alert_id')).map(toRow).map(normalRow),
      archivedEvents: (await read('alert_events_archive', 'alert_id, sequence')).map(toEventImage).map(normalEvent),
    };
  }

  async position(topic: string, partition: number): Promise<number | undefined> {
    const [row] = await this.database.query(
      'SELECT next_offset FROM sink_offsets WHERE topic = ? AND partition_id = ?',
      [topic, partition],
    );
    return row === undefined ? undefined : Number(row['next_offset']);
  }

  async drop(): Promise<void> {
    await this.#database?.close();
    await this.#server.change(`DROP DATABASE IF EXISTS ${this.name}`);
    await this.#server.close();
  }
}
