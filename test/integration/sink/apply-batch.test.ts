import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { MysqlDatabase, SqlStatements } from '../../../connectors/mysql/database.ts';
import { DatabaseRowError, DatabaseUnavailableError } from '../../../connectors/mysql/errors.ts';
import { applyBatch } from '../../../sink/apply-batch.ts';
import { planBatch } from '../../../sink/plan-batch.ts';
import { PositionMovedError, readPosition } from '../../../sink/positions.ts';
import { eventLog, lifecycleEvent, lifeOf, passesOver } from '../../support/sink-events.ts';
import { naiveImage } from '../../support/sink-model.ts';
import { storedForm, TestDatabase } from './test-database.ts';

const AT = { topic: 'alert-events', partition: 0 };

let tables: TestDatabase;
let database: MysqlDatabase;

beforeAll(async () => {
  tables = await TestDatabase.create();
  database = tables.database;
});
afterAll(() => tables.drop());
beforeEach(() => tables.clear());

/** Applies a stretch of the log as the sink would, its offset being its place in the log. */
const applyStretch = async (
  on: MysqlDatabase,
  log: readonly LifecycleEvent[],
  from: number,
  until: number,
): Promise<void> => {
  await applyBatch(on, planBatch(log.slice(from, until)), { ...AT, expected: from, next: until });
};

/** Sets the position back, as an operator does who wants a stretch of the log applied again. */
const rewind = async (position: number): Promise<void> => {
  await readPosition(database, AT, position);
  await database.change('UPDATE sink_offsets SET next_offset = ?', [position]);
};

describe('applyBatch', () => {
  it('[INV-SINK-BATCHING] leaves the tables of the naive model wherever the log is cut and whatever is read again', async () => {
    const logAndPasses = eventLog.chain((log) => fc.tuple(fc.constant(log), passesOver(log.length)));
    await fc.assert(
      fc.asyncProperty(logAndPasses, async ([log, passes]) => {
        await tables.clear();
        for (const [from, until] of passes) {
          await rewind(from);
          if (until > from) await applyStretch(database, log, from, until);
        }
        expect(await tables.image()).toEqual(storedForm(naiveImage(log)));
      }),
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    );
  });

  it('[INV-SINK-ORDER] merges events by sequence in whatever order they arrive', async () => {
    const lives = [lifeOf('a').slice(0, 4), lifeOf('b').slice(0, 4)].flat();
    const arrival = fc.shuffledSubarray([...lives, ...lives], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(arrival, fc.integer({ min: 1, max: 5 }), async (log, size) => {
        await tables.clear();
        await rewind(0);
        for (let from = 0; from < log.length; from += size) {
          await applyStretch(database, log, from, Math.min(log.length, from + size));
        }
        expect(await tables.image()).toEqual(storedForm(naiveImage(log)));
      }),
      { numRuns: 40, interruptAfterTimeLimit: 60_000 },
    );
  });

  it('[INV-SINK-FENCE] applies a batch only from the position that the table holds', async () => {
    const log = lifeOf('a').slice(0, 2);
    await rewind(0);
    await applyStretch(database, log, 0, 1);
    await expect(applyStretch(database, log, 0, 2)).rejects.toBeInstanceOf(PositionMovedError);
    expect(await tables.position(AT.topic, AT.partition)).toBe(1);
    expect(await tables.image()).toEqual(storedForm(naiveImage(log.slice(0, 1))));
  });

  it('[INV-SINK-FENCE] lets only one of two sinks at the same position through', async () => {
    const log = lifeOf('a').slice(0, 3);
    await rewind(0);
    const both = await Promise.allSettled([applyStretch(database, log, 0, 3), applyStretch(database, log, 0, 2)]);
    const refused = both.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toBeInstanceOf(PositionMovedError);
    const position = (await tables.position(AT.topic, AT.partition)) as number;
    expect(await tables.image()).toEqual(storedForm(naiveImage(log.slice(0, position))));
  });

  it.each([
    ['with an archive', true],
    ['without an archive', false],
  ])('removes a purged alert and its events %s', async (_name, archive) => {
    const log = [...lifeOf('a', archive), lifecycleEvent({ alertId: 'b' })];
    await rewind(0);
    await applyStretch(database, log, 0, 3);
    await applyStretch(database, log, 3, 6);
    const image = await tables.image();
    expect(image.alerts.map(({ alertId }) => alertId)).toEqual(['b']);
    expect(image.events.map(({ alertId }) => alertId)).toEqual(['b']);
    expect(image.archivedEvents.map(({ sequence }) => sequence)).toEqual(archive ? [1, 2, 3, 4, 5] : []);
    expect(image).toEqual(storedForm(naiveImage(log)));
  });

  it('[INV-SINK-ARCHIVE] does not bring an archived alert back when its events are read again', async () => {
    const log = lifeOf('a');
    await rewind(0);
    await applyStretch(database, log, 0, 5);
    const archived = await tables.image();
    for (let from = 0; from < 5; from += 1) {
      await rewind(from);
      await applyStretch(database, log, from, from + 1);
      expect(await tables.image()).toEqual(archived);
    }
  });

  it('refuses a value without writing anything of the batch', async () => {
    const log = [lifecycleEvent({ alertId: 'a' }), lifecycleEvent({ alertId: 'b', alertMetadata: '{"broken"' })];
    await rewind(0);
    await expect(applyStretch(database, log, 0, 2)).rejects.toBeInstanceOf(DatabaseRowError);
    expect((await tables.image()).alerts).toEqual([]);
    expect(await tables.position(AT.topic, AT.partition)).toBe(0);
  });

  it('takes batches larger than one statement', async () => {
    const big = '"'.repeat(3_000);
    const log = Array.from({ length: 2_500 }, (_, index) =>
      lifecycleEvent({ alertId: `alert-${index}`, alertMetadata: JSON.stringify({ big }) }),
    );
    await rewind(0);
    await applyStretch(database, log, 0, log.length);
    const [row] = await database.query('SELECT COUNT(*) AS alerts FROM alerts');
    expect(row?.['alerts']).toBe(2_500);
  });
});

/** A database whose n-th statement fails: before it reaches the server, or after, with its answer lost. */
const failingAt = (statement: number, moment: 'before' | 'after'): MysqlDatabase => {
  const lost = (): Error => new DatabaseUnavailableError('TEST', 'The connection broke.');
  let count = 0;
  const wrap = (sql: SqlStatements): SqlStatements => {
    const failing = async <T>(run: () => Promise<T>): Promise<T> => {
      const fails = count++ === statement;
      if (fails && moment === 'before') throw lost();
      const result = await run();
      if (fails) throw lost();
      return result;
    };
    return {
      query: (text, values) => failing(() => sql.query(text, values)),
      change: (text, values) => failing(() => sql.change(text, values)),
    };
  };
  return {
    query: (text, values) => database.query(text, values),
    change: (text, values) => database.change(text, values),
    session: (work) => database.session(work),
    close: () => database.close(),
    transaction: (work) =>
      database.session(async (session) => {
        const sql = wrap(session);
        await sql.change('START TRANSACTION');
        const result = await work(sql);
        await sql.change('COMMIT');
        return result;
      }),
  };
};

describe('[INV-SINK-ATOMIC] a crash between any two steps of a batch', () => {
  const log = [...lifeOf('a'), ...lifeOf('b', false), ...lifeOf('c').slice(0, 3), ...lifeOf('d', false).slice(0, 4)];
  const middle = 7;
  /** Both batches of this log take fewer statements than this. */
  const statements = Array.from({ length: 12 }, (_, index) => index);

  it.each(statements.flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]))(
    'repeats nothing and loses nothing: statement %i, %s it',
    async (statement, moment) => {
      await rewind(0);
      const failing = failingAt(statement, moment);
      const outcome = await applyStretch(failing, log, 0, middle).then(
        () => 'done',
        (error: unknown) => error,
      );
      if (outcome !== 'done') expect(outcome).toBeInstanceOf(DatabaseUnavailableError);
      const position = await readPosition(database, AT, -1);
      expect([0, middle]).toContain(position);
      expect(await tables.image()).toEqual(storedForm(naiveImage(log.slice(0, position))));
      if (position === 0) await applyStretch(database, log, 0, middle);
      await applyStretch(database, log, middle, log.length);
      expect(await tables.image()).toEqual(storedForm(naiveImage(log)));
    },
  );
});
