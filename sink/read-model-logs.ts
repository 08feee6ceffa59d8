/**
 * Reads of the logs, their error counts and the alerts about them, for the edges.
 *
 * Invariant: what is asked for is a value in every statement, never a part of it; table names are made of days that exist.
 */
import type { MysqlDatabase, SqlRow } from '../connectors/mysql/database.ts';
import type { Resolution } from '../schemas/log-error-count.ts';
import { dayOf, existingDays, firstDay, tableOf } from './logs/day-tables.ts';
import { parseMetadata } from './read-model-json.ts';
import { toDatetime } from './sql-rows.ts';

export interface StoredLog {
  readonly service: string;
  readonly level: string;
  readonly message: string;
  /** UTC epoch milliseconds. */
  readonly timestampMs: number;
  readonly statusCode: number | null;
  readonly responseTime: number | null;
  readonly meta: unknown;
}

/** Left out: not filtered. */
export interface LogFilters {
  readonly service?: string | undefined;
  readonly level?: string | undefined;
  /** Logs of `[fromMs, toMs)`; UTC epoch milliseconds. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Logs whose message has every word of it, at the beginning of a word or, where a word is too short or common for that, anywhere. */
  readonly text?: string | undefined;
}

export interface LogPage {
  readonly total: number;
  /** Newest first. */
  readonly logs: readonly StoredLog[];
}

export interface StoredErrorCount {
  readonly bucketStartMs: number;
  readonly count: number;
}

/** Every call rejects with `DatabaseUnavailableError` in an outage. */
export interface LogReadModel {
  /** `page` counts from 1. */
  listLogs(filters: LogFilters, page: number, limit: number): Promise<LogPage>;
  /** The buckets of `[fromMs, toMs)` that have errors, ascending. */
  errorCounts(
    service: string,
    resolution: Resolution,
    fromMs: number,
    toMs: number,
  ): Promise<readonly StoredErrorCount[]>;
  /** When each rule raised its last alert, by rule id, in UTC epoch milliseconds. */
  lastAlerts(): Promise<ReadonlyMap<string, number>>;
}

const COLUMNS = 'service, level, message, timestamp, status_code, response_time, meta';
/** Words that the full-text index leaves out: shorter ones, and InnoDB's default stop words. */
const MIN_WORD_LENGTH = 3;
const STOP_WORDS = new Set(
  'about are com for from how that the this was what when where who will with und www'.split(' '),
);
const MAX_WORDS = 16;

type Condition = readonly [sql: string, value: unknown];

const escapedLike = (word: string): string => word.replace(/[\\%_]/g, '\\$&');

/** Words as the index sees them: runs of letters, digits and underscores. */
const textConditions = (text: string): readonly Condition[] => {
  const words = (text.match(/[\p{L}\p{N}_]+/gu) ?? []).slice(0, MAX_WORDS);
  const isIndexed = (word: string): boolean => word.length >= MIN_WORD_LENGTH && !STOP_WORDS.has(word.toLowerCase());
  const indexed = words.filter(isIndexed).map((word) => `+${word}*`);
  const others = words.filter((word) => !isIndexed(word));
  return [
    ...(indexed.length > 0 ? [['MATCH(message) AGAINST(? IN BOOLEAN MODE)', indexed.join(' ')] as const] : []),
    ...others.map((word) => ['message LIKE ?', `%${escapedLike(word)}%`] as const),
  ];
};

const conditionsOf = ({ service, level, fromMs, toMs, text }: LogFilters): readonly Condition[] => {
  const conditions: Condition[] = [];
  if (service !== undefined) conditions.push(['service = ?', service]);
  if (level !== undefined) conditions.push(['level = ?', level]);
  if (fromMs !== undefined) conditions.push(['timestamp >= ?', toDatetime(fromMs)]);
  if (toMs !== undefined) conditions.push(['timestamp < ?', toDatetime(toMs)]);
  return text === undefined ? conditions : [...conditions, ...textConditions(text)];
};

const whereOf = (conditions: readonly Condition[]): string =>
  conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;

/** Metadata is any JSON; only objects carry numbers that have to keep their text. */
const toLog = (row: SqlRow): StoredLog => ({
  service: row['service'] as string,
  level: row['level'] as string,
  message: row['message'] as string,
  timestampMs: (row['timestamp'] as Date).getTime(),
  statusCode: row['status_code'] as number | null,
  responseTime: row['response_time'] as number | null,
  meta: parseMetadata(row['meta'] as string),
});

const daysOf = async (database: MysqlDatabase, { fromMs, toMs }: LogFilters, nowMs: number) => {
  const first = fromMs === undefined ? firstDay(nowMs) : [firstDay(nowMs), dayOf(fromMs)].sort()[1];
  const last = toMs === undefined ? '99999999' : dayOf(toMs);
  return (await existingDays(database)).filter((day) => day >= (first as string) && day <= last);
};

const countByDay = async (
  database: MysqlDatabase,
  days: readonly string[],
  conditions: readonly Condition[],
): Promise<ReadonlyMap<string, number>> => {
  if (days.length === 0) return new Map();
  const counts = days.map(
    (day) => `SELECT '${day}' AS day, COUNT(*) AS logs FROM ${tableOf(day)} ${whereOf(conditions)}`,
  );
  const values = days.flatMap(() => conditions.map(([, value]) => value));
  const rows = await database.query(counts.join(' UNION ALL '), values);
  return new Map(rows.map((row) => [String(row['day']), Number(row['logs'])]));
};

/** `now`: UTC epoch milliseconds. */
export const openLogReadModel = (database: MysqlDatabase, now: () => number): LogReadModel => ({
  async listLogs(filters, page, limit) {
    const conditions = conditionsOf(filters);
    const counts = await countByDay(database, await daysOf(database, filters, now()), conditions);
    const logs: StoredLog[] = [];
    let skip = (page - 1) * limit;
    for (const [day, count] of [...counts].sort(([a], [b]) => (a < b ? 1 : -1))) {
      const missing = limit - logs.length;
      if (missing === 0) break;
      if (skip < count) {
        const rows = await database.query(
          `SELECT ${COLUMNS} FROM ${tableOf(day)} ${whereOf(conditions)}
            ORDER BY timestamp DESC, partition_id DESC, log_offset DESC LIMIT ? OFFSET ?`,
          [...conditions.map(([, value]) => value), missing, skip],
        );
        logs.push(...rows.map(toLog));
      }
      skip = Math.max(0, skip - count);
    }
    return { total: [...counts.values()].reduce((sum, count) => sum + count, 0), logs };
  },
  async errorCounts(service, resolution, fromMs, toMs) {
    const rows = await database.query(
      `SELECT bucket_start, errors FROM log_error_counts
        WHERE service = ? AND resolution = ? AND bucket_start >= ? AND bucket_start < ? ORDER BY bucket_start`,
      [service, resolution, toDatetime(fromMs), toDatetime(toMs)],
    );
    return rows.map((row) => ({
      bucketStartMs: (row['bucket_start'] as Date).getTime(),
      count: Number(row['errors']),
    }));
  },
  async lastAlerts() {
    const rows = await database.query('SELECT rule_id, MAX(triggered_at) AS last FROM log_alerts GROUP BY rule_id');
    return new Map(rows.map((row) => [String(row['rule_id']), (row['last'] as Date).getTime()]));
  },
});
