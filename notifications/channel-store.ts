/**
 * The channels that notifications go through, in MySQL.
 *
 * Invariant: one row per channel; a fallback is a channel that is there, or none.
 */
import type { SqlRow, SqlStatements } from '../connectors/mysql/database.ts';
import type { ChannelType, NotificationChannel } from '../schemas/notification.ts';

export const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

export interface ChannelBreaker {
  readonly channelId: string;
  readonly name: string;
  readonly type: ChannelType;
  readonly state: BreakerState;
  /** UTC epoch milliseconds of the last change; null: none yet. */
  readonly sinceMs: number | null;
}

const COLUMNS = 'channel_id, name, type, target, secret, fallback_id, enabled, created_at';

const toChannel = (row: SqlRow): NotificationChannel => ({
  id: row['channel_id'] as string,
  name: row['name'] as string,
  type: row['type'] as ChannelType,
  target: row['target'] as string,
  secret: row['secret'] as string | null,
  fallbackId: row['fallback_id'] as string | null,
  enabled: row['enabled'] === 1,
  createdAtMs: (row['created_at'] as Date).getTime(),
});

const toBreaker = (row: SqlRow): ChannelBreaker => ({
  channelId: row['channel_id'] as string,
  name: row['name'] as string,
  type: row['type'] as ChannelType,
  state: row['breaker'] as BreakerState,
  sinceMs: (row['breaker_at'] as Date | null)?.getTime() ?? null,
});

/** More than that is not a list of channels any more. */
export const MAX_CHANNELS = 1_000;

/** Every call rejects with `DatabaseUnavailableError` in an outage. */
export class ChannelStore {
  readonly #sql: SqlStatements;

  constructor(sql: SqlStatements) {
    this.#sql = sql;
  }

  /** The oldest first. */
  async list(): Promise<readonly NotificationChannel[]> {
    const statement = `SELECT ${COLUMNS} FROM notification_channels ORDER BY created_at, channel_id LIMIT ?`;
    return (await this.#sql.query(statement, [MAX_CHANNELS])).map(toChannel);
  }

  async get(id: string): Promise<NotificationChannel | undefined> {
    const [row] = await this.#sql.query(`SELECT ${COLUMNS} FROM notification_channels WHERE channel_id = ?`, [id]);
    return row === undefined ? undefined : toChannel(row);
  }

  async create(channel: NotificationChannel): Promise<void> {
    const { id, name, type, target, secret, fallbackId, enabled, createdAtMs } = channel;
    await this.#sql.change(`INSERT INTO notification_channels (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, [
      ...[id, name, type, target, secret, fallbackId, enabled, new Date(createdAtMs)],
    ]);
  }

  /** False when there is no such channel. */
  async setEnabled(id: string, enabled: boolean): Promise<boolean> {
    const statement = 'UPDATE notification_channels SET enabled = ? WHERE channel_id = ?';
    return (await this.#sql.change(statement, [enabled, id])) === 1;
  }

  /** False when there is no such channel. */
  async remove(id: string): Promise<boolean> {
    return (await this.#sql.change('DELETE FROM notification_channels WHERE channel_id = ?', [id])) === 1;
  }

  async setBreaker(id: string, state: BreakerState, nowMs: number): Promise<void> {
    const statement = 'UPDATE notification_channels SET breaker = ?, breaker_at = ? WHERE channel_id = ?';
    await this.#sql.change(statement, [state, new Date(nowMs), id]);
  }

  async breakers(): Promise<readonly ChannelBreaker[]> {
    const statement = `SELECT channel_id, name, type, breaker, breaker_at FROM notification_channels
      ORDER BY created_at, channel_id LIMIT ?`;
    return (await this.#sql.query(statement, [MAX_CHANNELS])).map(toBreaker);
  }
}
