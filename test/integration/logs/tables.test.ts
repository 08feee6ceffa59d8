import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../../schemas/log-event.ts';
import { existingDays } from '../../../sink/logs/day-tables.ts';
import { errorCountTables } from '../../../sink/logs/error-count-tables.ts';
import { LogTables } from '../../../sink/logs/log-tables.ts';
import { PositionMovedError, readPosition } from '../../../sink/positions.ts';
import { openLogReadModel } from '../../../sink/read-model-logs.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { TestDatabase } from '../sink/test-database.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 24, 12);
const at = { topic: 'log-events', partition: 0 };

let nowMs = START_MS;
const now = () => nowMs;
let tables: TestDatabase;

beforeAll(async () => {
  tables = await TestDatabase.create();
});
afterAll(() => tables?.drop());

const logOf = (timestamp: number, fields: Partial<LogEvent> = {}): LogEvent => ({
  service: 'auth-service',
  level: 'error',
  message: 'The connection to the database failed',
  timestamp,
  statusCode: null,
  responseTime: null,
  meta: '{}',
  ...fields,
});

describe('the tables of the logs', () => {
  const logs = new LogTables({ now, logger: silentLogger });
  const readModel = () => openLogReadModel(tables.database, now);
  const days = () => existingDays(tables.database);
  const apply = async (batch: readonly LogEvent[], expected: number) => {
    await readPosition(tables.database, at, 0);
    const offsets = batch.map((_, index) => expected + index);
    return logs.apply(tables.database, batch, { ...at, expected, next: expected + batch.length }, offsets);
  };

  it('[INV-LOG-STORED-ONCE] hold a log once, however often its stretch of the topic is read', async () => {
    const batch = [logOf(START_MS), logOf(START_MS), logOf(START_MS - DAY_MS, { service: 'other', level: 'warn' })];
    expect(await apply(batch, 0)).toEqual({ log_entries: 3, log_entries_past_retention: 0 });
    await expect(apply(batch, 0)).rejects.toThrow(PositionMovedError);
    await tables.database.change('DELETE FROM sink_offsets');
    await apply(batch, 0);
    expect((await readModel().listLogs({}, 1, 10)).total).toBe(3);
    expect(await days()).toEqual(['20261124', '20261123']);
  });

  it('[INV-LOG-STORED-ONCE] take neither rows nor position when the database refuses one of them', async () => {
    await expect(apply([logOf(START_MS), logOf(START_MS, { meta: 'no JSON' })], 3)).rejects.toThrow();
    expect((await readModel().listLogs({}, 1, 10)).total).toBe(3);
    expect(await tables.position(at.topic, at.partition)).toBe(3);
  });

  it('are read newest first, in pages across days, by what is asked for', async () => {
    const pages = [1, 2, 3].map((page) => readModel().listLogs({}, page, 1));
    const services = (await Promise.all(pages)).flatMap((page) => page.logs.map(({ service }) => service));
    expect(services).toEqual(['auth-service', 'auth-service', 'other']);
    const total = async (filters: object) => (await readModel().listLogs(filters, 1, 10)).total;
    expect(await total({ service: 'other' })).toBe(1);
    expect(await total({ level: 'error' })).toBe(2);
    expect(await total({ fromMs: START_MS })).toBe(2);
    expect(await total({ toMs: START_MS })).toBe(1);
    expect(await total({ text: 'DATABASE fail' })).toBe(3);
    expect(await total({ text: 'to the database' })).toBe(3);
    expect(await total({ text: 'queue' })).toBe(0);
    expect(await total({ text: '+-"*()~<>@' })).toBe(3);
    expect(await total({ service: "' OR 1=1 --" })).toBe(0);
  });

  it('[INV-LOG-RETENTION] lose whole days when their time is over, and take no log that is older', async () => {
    nowMs = START_MS + 31 * DAY_MS;
    const result = await apply([logOf(nowMs), logOf(START_MS)], 3);
    expect(result).toEqual({ log_entries: 1, log_entries_past_retention: 1 });
    expect(await days()).toEqual(['20261225', '20261124']);
    expect((await readModel().listLogs({}, 1, 10)).total).toBe(1);
    nowMs += DAY_MS;
    await apply([], 5);
    expect(await days()).toEqual(['20261225']);
  });
});

describe('the table of error counts', () => {
  it('keeps the largest count of a bucket, in whatever order they come', async () => {
    const counts = errorCountTables(now);
    const topic = { topic: 'log-error-counts', partition: 0 };
    await readPosition(tables.database, topic, 0);
    const count = (errors: number) =>
      ({ service: 'auth-service', resolution: 'minute', bucketStart: nowMs, count: errors }) as const;
    await counts.apply(tables.database, [count(3), count(7)], { ...topic, expected: 0, next: 2 }, [0, 1]);
    await counts.apply(tables.database, [count(5)], { ...topic, expected: 2, next: 3 }, [2]);
    const stored = await openLogReadModel(tables.database, now).errorCounts('auth-service', 'minute', nowMs, nowMs + 1);
    expect(stored).toEqual([{ bucketStartMs: nowMs, count: 7 }]);
  });
});
