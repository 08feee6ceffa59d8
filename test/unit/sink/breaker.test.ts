import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MysqlDatabase } from '../../../connectors/mysql/database.ts';
import { DatabaseRowError, DatabaseUnavailableError } from '../../../connectors/mysql/errors.ts';
import { CIRCUIT_OPEN, withBreaker } from '../../../sink/breaker.ts';
import type { Metrics } from '../../../connectors/log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';

const OPTIONS = { failures: 3, initialDelayMs: 100, maxDelayMs: 1_000 };

/** A database whose every call ends as `answer` says. */
const databaseOf = (answer: () => Promise<never[]>): { database: MysqlDatabase; calls: () => number } => {
  let count = 0;
  const call = (): Promise<never> => {
    count += 1;
    return answer() as Promise<never>;
  };
  const database: MysqlDatabase = {
    query: call,
    change: call,
    transaction: call,
    session: call,
    close: () => Promise.resolve(),
  };
  return { database, calls: () => count };
};

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('withBreaker', () => {
  it('stops calling a database that fails in a row, tries again later, and closes when it answers', async () => {
    let away = true;
    const answer = (): Promise<never[]> =>
      away ? Promise.reject(new DatabaseUnavailableError('ECONNREFUSED', 'away')) : Promise.resolve([]);
    const { database, calls } = databaseOf(answer);
    let open = -1;
    const metrics: Metrics = { ...silentMetrics, gauge: () => ({ set: (value) => (open = value) }) };
    const guarded = withBreaker(database, silentLogger, metrics, OPTIONS);
    for (let call = 0; call < 3; call += 1) {
      await expect(guarded.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
    expect(open).toBe(1);
    await expect(guarded.query('SELECT 1')).rejects.toMatchObject({ code: CIRCUIT_OPEN, recovery: 'retry' });
    expect(calls()).toBe(3);
    away = false;
    vi.advanceTimersByTime(1_000);
    await expect(guarded.query('SELECT 1')).resolves.toEqual([]);
    expect(open).toBe(0);
    expect(calls()).toBe(4);
  });

  it('waits longer and longer while the database stays away', async () => {
    const { database, calls } = databaseOf(() => Promise.reject(new DatabaseUnavailableError('ECONNREFUSED', 'away')));
    const guarded = withBreaker(database, silentLogger, silentMetrics, OPTIONS);
    const callsIn = async (ms: number): Promise<number> => {
      const before = calls();
      for (let passed = 0; passed < ms; passed += 10) {
        vi.advanceTimersByTime(10);
        await guarded.query('SELECT 1').catch(() => undefined);
      }
      return calls() - before;
    };
    await callsIn(10_000);
    // Each wait is at most maxDelayMs and, this late, near to it.
    const later = await callsIn(10_000);
    expect(later).toBeGreaterThanOrEqual(9);
    expect(later).toBeLessThanOrEqual(25);
  });

  it('does not count refused values', async () => {
    const { database, calls } = databaseOf(() => Promise.reject(new DatabaseRowError('ER_DATA_TOO_LONG', 'too long')));
    const guarded = withBreaker(database, silentLogger, silentMetrics, OPTIONS);
    for (let call = 0; call < 10; call += 1) {
      await expect(guarded.query('INSERT')).rejects.toBeInstanceOf(DatabaseRowError);
    }
    expect(calls()).toBe(10);
  });
});
