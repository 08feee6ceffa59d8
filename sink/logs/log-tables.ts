/**
 * Logs on their way into the tables of their days.
 *
 * Invariant: rows and position change together, and a row is known by its place on the topic, so a log is stored once however often it
 * is read. Tables are made before the transaction begins, since making one would end it.
 */
import type { Logger } from '../../connectors/log.ts';
import type { MysqlDatabase, SqlStatements } from '../../connectors/mysql/database.ts';
import { isLogLevel, type LogEvent } from '../../schemas/log-event.ts';
import type { SinkTables } from '../ports.ts';
import { claimPosition, type PositionChange } from '../positions.ts';
import { chunkRows, type SqlValues, toDatetime } from '../sql-rows.ts';
import { createDay, dayOf, dropOldDays, firstDay, tableOf } from './day-tables.ts';

export interface LogTablesOptions {
  /** UTC epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

const COLUMNS = 'timestamp, partition_id, log_offset, service, level, message, status_code, response_time, meta';
const MAX_SERVICE_LENGTH = 100;
/** UTF-16 units; far beyond what the gateway takes. */
const MAX_MESSAGE_LENGTH = 1 << 20;
const EARLIEST_MS = Date.UTC(1970, 0, 1);
const LATEST_MS = Date.UTC(10_000, 0, 1) - 1;

const problemWith = ({ service, level, message, timestamp }: LogEvent): string | undefined => {
  if (service === '' || service.length > MAX_SERVICE_LENGTH) return `its service has ${service.length} characters`;
  if (!isLogLevel(level)) return 'its level is unknown';
  if (message.length > MAX_MESSAGE_LENGTH) return `its message has ${message.length} characters`;
  const storable = Number.isInteger(timestamp) && timestamp >= EARLIEST_MS && timestamp <= LATEST_MS;
  return storable ? undefined : `its timestamp is ${timestamp}`;
};

const rowOf = (log: LogEvent, partition: number, offset: number): SqlValues => [
  toDatetime(log.timestamp),
  partition,
  offset,
  log.service,
  log.level,
  log.message,
  log.statusCode,
  log.responseTime,
  log.meta,
];

const insertInto = async (sql: SqlStatements, table: string, rows: readonly SqlValues[]): Promise<void> => {
  const statement = `INSERT INTO ${table} (${COLUMNS}) VALUES ? ON DUPLICATE KEY UPDATE timestamp = ${table}.timestamp`;
  for (const chunk of chunkRows(rows)) await sql.change(statement, [chunk]);
};

export class LogTables implements SinkTables<LogEvent> {
  readonly #options: LogTablesOptions;
  /** Days whose table is known to be there. */
  readonly #made = new Set<string>();
  /** The day on which old ones were dropped last. */
  #droppedOn = '';

  constructor(options: LogTablesOptions) {
    this.#options = options;
  }

  nameOf({ service, timestamp }: LogEvent): string {
    return `${service} at ${timestamp}`;
  }

  problemWith(log: LogEvent): string | undefined {
    return problemWith(log);
  }

  async apply(
    database: MysqlDatabase,
    logs: readonly LogEvent[],
    position: PositionChange,
    offsets: readonly number[],
  ): Promise<Readonly<Record<string, number>>> {
    const nowMs = this.#options.now();
    const keptFrom = firstDay(nowMs);
    const byDay = new Map<string, SqlValues[]>();
    for (const [index, log] of logs.entries()) {
      const day = dayOf(log.timestamp);
      if (day < keptFrom) continue;
      const rows = byDay.get(day) ?? [];
      rows.push(rowOf(log, position.partition, offsets[index] ?? 0));
      byDay.set(day, rows);
    }
    await this.#prepare(database, byDay.keys(), nowMs);
    await database.transaction(async (sql) => {
      await claimPosition(sql, position);
      for (const [day, rows] of byDay) await insertInto(sql, tableOf(day), rows);
    });
    const stored = [...byDay.values()].reduce((sum, rows) => sum + rows.length, 0);
    return { log_entries: stored, log_entries_past_retention: logs.length - stored };
  }

  async #prepare(database: MysqlDatabase, days: Iterable<string>, nowMs: number): Promise<void> {
    for (const day of days) {
      if (this.#made.has(day)) continue;
      await createDay(database, day);
      this.#made.add(day);
    }
    const today = dayOf(nowMs);
    if (this.#droppedOn === today) return;
    for (const day of await dropOldDays(database, nowMs)) {
      this.#made.delete(day);
      this.#options.logger.info('logs of a day dropped: their retention is over', { day });
    }
    this.#droppedOn = today;
  }
}
