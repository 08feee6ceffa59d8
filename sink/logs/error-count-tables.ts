/**
 * Error counts on their way into their table.
 *
 * Invariant: a count never falls, so a record that is applied twice, or after a later one, changes nothing.
 */
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import {
  type LogErrorCount,
  type Resolution,
  RESOLUTION_KEPT_MS,
  RESOLUTION_MS,
} from '../../schemas/log-error-count.ts';
import type { SinkTables } from '../ports.ts';
import { claimPosition } from '../positions.ts';
import { chunkRows, type SqlValues, toDatetime } from '../sql-rows.ts';

const UPSERT = `INSERT INTO log_error_counts (service, resolution, bucket_start, errors) VALUES ?
  ON DUPLICATE KEY UPDATE errors = GREATEST(log_error_counts.errors, VALUES(errors))`;
const DELETE_OLD = 'DELETE FROM log_error_counts WHERE resolution = ? AND bucket_start < ? LIMIT 10000';

const isResolution = (text: string): text is Resolution => text in RESOLUTION_MS;

/** The last count of each bucket. */
const latest = (counts: readonly LogErrorCount[]): readonly SqlValues[] => {
  const rows = new Map<string, SqlValues>();
  for (const { service, resolution, bucketStart, count } of counts) {
    const key = `${resolution} ${bucketStart} ${service}`;
    const known = Number(rows.get(key)?.[3] ?? 0);
    rows.set(key, [service, resolution, toDatetime(bucketStart), Math.max(known, count)]);
  }
  return [...rows.values()];
};

/** `now`: UTC epoch milliseconds. */
export const errorCountTables = (now: () => number): SinkTables<LogErrorCount> => {
  let cleanedOn = '';
  const deleteOld = async (database: MysqlDatabase): Promise<void> => {
    const nowMs = now();
    const today = toDatetime(nowMs).slice(0, 10);
    if (cleanedOn === today) return;
    for (const [resolution, keptMs] of Object.entries(RESOLUTION_KEPT_MS)) {
      await database.change(DELETE_OLD, [resolution, toDatetime(nowMs - keptMs)]);
    }
    cleanedOn = today;
  };
  return {
    nameOf: ({ service, resolution, bucketStart }) => `${resolution} ${bucketStart} of ${service}`,
    problemWith: ({ service, resolution, count }) => {
      if (service === '' || service.length > 100) return `its service has ${service.length} characters`;
      if (!isResolution(resolution)) return 'its resolution is unknown';
      return Number.isSafeInteger(count) && count >= 0 ? undefined : `its count is ${count}`;
    },
    apply: async (database, counts, position) => {
      await deleteOld(database);
      const rows = latest(counts);
      await database.transaction(async (sql) => {
        await claimPosition(sql, position);
        for (const chunk of chunkRows(rows)) await sql.change(UPSERT, [chunk]);
      });
      return { log_error_counts: rows.length };
    },
  };
};
