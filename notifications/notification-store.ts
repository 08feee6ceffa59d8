/**
 * The queue of notifications in MySQL: put in once, claimed by one notifier at a time, settled by the one that holds the claim.
 *
 * Invariant [INV-NOTIFY-CLAIM]: a claim that is not settled in time is taken over, so what a notifier had in hand when it died is
 * delivered by the next one; a notifier that was too slow cannot change what its successor settled.
 */
import type { Measurement } from '../connectors/log.ts';
import type { MysqlDatabase, SqlRow, SqlStatements } from '../connectors/mysql/database.ts';
import type { NotificationContent, NotificationStatus } from '../schemas/notification.ts';
import type { DeliveryState } from './delivery.ts';

/** Times are UTC epoch milliseconds. */
export interface QueuedNotification {
  readonly id: string;
  readonly channelId: string;
  readonly content: NotificationContent;
  readonly status: NotificationStatus;
  readonly attempts: number;
  readonly nextAttemptAtMs: number;
  readonly deliveredBy: string | null;
  readonly lastError: string | null;
  readonly eventAtMs: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly updatedAtMs: number;
}

export type NewNotification = Pick<QueuedNotification, 'id' | 'channelId' | 'content' | 'eventAtMs'>;

export interface Settlement {
  readonly state: DeliveryState;
  readonly deliveredBy: string | null;
  /** Null where nothing failed. */
  readonly error: string | null;
}

/** After that, nobody wants to hear of it any more. */
export const KEEP_TRYING_MS = 24 * 3_600_000;
const MAX_ERROR = 1_024;

const COLUMNS = `notification_id, channel_id, content, status, attempts, next_attempt_at, delivered_by, last_error, event_at,
  created_at, expires_at, updated_at`;

/** Not INSERT IGNORE, which would also turn a refused value into a silently changed one. */
const INSERT = `INSERT INTO notifications (notification_id, channel_id, content, status, attempts, next_attempt_at, event_at,
  created_at, expires_at, updated_at) VALUES ? ON DUPLICATE KEY UPDATE notification_id = notifications.notification_id`;

const timeOf = (row: SqlRow, column: string): number => (row[column] as Date).getTime();

const toNotification = (row: SqlRow): QueuedNotification => ({
  id: row['notification_id'] as string,
  channelId: row['channel_id'] as string,
  content: JSON.parse(row['content'] as string) as NotificationContent,
  status: row['status'] as NotificationStatus,
  attempts: row['attempts'] as number,
  nextAttemptAtMs: timeOf(row, 'next_attempt_at'),
  deliveredBy: row['delivered_by'] as string | null,
  lastError: row['last_error'] as string | null,
  eventAtMs: timeOf(row, 'event_at'),
  createdAtMs: timeOf(row, 'created_at'),
  expiresAtMs: timeOf(row, 'expires_at'),
  updatedAtMs: timeOf(row, 'updated_at'),
});

const ROWS_AT_ONCE = 500;

/** Puts those in that are not there yet. Joins the caller's transaction when `sql` is one. */
export const enqueue = async (
  sql: SqlStatements,
  notifications: readonly NewNotification[],
  nowMs: number,
): Promise<void> => {
  const now = new Date(nowMs);
  const expires = new Date(nowMs + KEEP_TRYING_MS);
  for (let from = 0; from < notifications.length; from += ROWS_AT_ONCE) {
    const rows = notifications
      .slice(from, from + ROWS_AT_ONCE)
      .map(({ id, channelId, content, eventAtMs }) => [
        ...[id, channelId, JSON.stringify(content), 'PENDING', 0, now, new Date(eventAtMs), now, expires, now],
      ]);
    await sql.change(INSERT, [rows]);
  }
};

/** Every call rejects with `DatabaseUnavailableError` in an outage. */
export class NotificationStore {
  readonly #database: MysqlDatabase;

  constructor(database: MysqlDatabase) {
    this.#database = database;
  }

  /** Takes those that are due, at most `limit`, and holds them for `leaseMs`. `claim`: a new one for each call. */
  async claim(claim: string, limit: number, nowMs: number, leaseMs: number): Promise<readonly QueuedNotification[]> {
    const taken = await this.#database.change(
      `UPDATE notifications SET claim = ?, next_attempt_at = ? WHERE status = 'PENDING' AND next_attempt_at <= ?
        ORDER BY next_attempt_at LIMIT ?`,
      [claim, new Date(nowMs + leaseMs), new Date(nowMs), limit],
    );
    if (taken === 0) return [];
    const rows = await this.#database.query(`SELECT ${COLUMNS} FROM notifications WHERE claim = ?`, [claim]);
    return rows.map(toNotification);
  }

  /** False when the claim was lost meanwhile; then nothing is changed. */
  async settle(id: string, claim: string, { state, deliveredBy, error }: Settlement, nowMs: number): Promise<boolean> {
    const nextMs = state.status === 'PENDING' ? state.nextAttemptAtMs : nowMs;
    const settled = await this.#database.change(
      `UPDATE notifications SET status = ?, attempts = ?, next_attempt_at = ?, delivered_by = ?,
        last_error = COALESCE(?, last_error), updated_at = ?, claim = NULL WHERE notification_id = ? AND claim = ?`,
      [
        ...[state.status, state.attempts, new Date(nextMs), deliveredBy, error?.slice(0, MAX_ERROR) ?? null],
        ...[new Date(nowMs), id, claim],
      ],
    );
    return settled === 1;
  }

  async get(id: string): Promise<QueuedNotification | undefined> {
    const [row] = await this.#database.query(`SELECT ${COLUMNS} FROM notifications WHERE notification_id = ?`, [id]);
    return row === undefined ? undefined : toNotification(row);
  }

  /** Those that failed at least once, the newest first. */
  async listFailed(status: NotificationStatus | undefined, limit: number): Promise<readonly QueuedNotification[]> {
    const [condition, values] = status === undefined ? ['', []] : ['WHERE status = ?', [status]];
    const statement = `SELECT ${COLUMNS} FROM failed_notifications ${condition}
      ORDER BY created_at DESC, notification_id DESC LIMIT ?`;
    return (await this.#database.query(statement, [...values, limit])).map(toNotification);
  }

  /** Makes it due at once, with all of its attempts. False when it is not there or was delivered. */
  async resend(id: string, nowMs: number): Promise<boolean> {
    const statement = `UPDATE notifications SET status = 'PENDING', attempts = 0, claim = NULL, next_attempt_at = ?,
      expires_at = ?, updated_at = ? WHERE notification_id = ? AND status <> 'DELIVERED'`;
    const now = new Date(nowMs);
    return (await this.#database.change(statement, [now, new Date(nowMs + KEEP_TRYING_MS), now, id])) === 1;
  }

  /** Forgets those that ended before the time, at most `limit`; how many they were. */
  prune(beforeMs: number, limit: number): Promise<number> {
    const statement = `DELETE FROM notifications WHERE status <> 'PENDING' AND created_at < ? ORDER BY created_at LIMIT ?`;
    return this.#database.change(statement, [new Date(beforeMs), limit]);
  }

  async measureWaiting(): Promise<readonly Measurement[]> {
    const [row] = await this.#database.query("SELECT COUNT(*) AS waiting FROM notifications WHERE status = 'PENDING'");
    return [{ name: 'notifications_waiting', labels: {}, value: Number(row?.['waiting']) }];
  }
}
