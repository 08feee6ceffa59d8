import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { MysqlDatabase } from '../../../connectors/mysql/database.ts';
import { openMysql } from '../../../connectors/mysql/database.ts';
import { DatabaseUnavailableError } from '../../../connectors/mysql/errors.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { serverUrl, TestDatabase, urlOf } from './test-database.ts';

let tables: TestDatabase;
let proxy: TcpProxy;
let database: MysqlDatabase;

beforeAll(async () => {
  tables = await TestDatabase.create();
  await tables.database.change('CREATE TABLE counted (id INT PRIMARY KEY)');
  const { hostname, port } = new URL(serverUrl());
  proxy = await TcpProxy.start(hostname, Number(port));
  const url = urlOf(tables.name, proxy.port);
  database = openMysql({ url, connectionLimit: 2, statementTimeoutMs: 300, connectTimeoutMs: 300 });
});
afterEach(async () => {
  proxy.restore();
  await tables.database.change('DELETE FROM counted');
});
afterAll(async () => {
  await database.close();
  await proxy.close();
  await tables.drop();
});

const ids = async (): Promise<readonly unknown[]> =>
  (await tables.database.query('SELECT id FROM counted ORDER BY id')).map((row) => row['id']);

describe('a transaction', () => {
  it('is committed when its work resolves, and rolled back when it rejects', async () => {
    await database.transaction((sql) => sql.change('INSERT INTO counted VALUES (1)'));
    const refusal = new Error('No.');
    const refused = database.transaction(async (sql) => {
      await sql.change('INSERT INTO counted VALUES (2)');
      throw refusal;
    });
    await expect(refused).rejects.toBe(refusal);
    expect(await ids()).toEqual([1]);
  });

  it('is rolled back when the connection breaks', async () => {
    const broken = database.transaction(async (sql) => {
      await sql.change('INSERT INTO counted VALUES (3)');
      proxy.cut();
      await sql.change('INSERT INTO counted VALUES (4)');
    });
    await expect(broken).rejects.toBeInstanceOf(DatabaseUnavailableError);
    proxy.restore();
    await expect(database.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    expect(await ids()).toEqual([]);
  });
});

describe('the pool', () => {
  it.each(['cut', 'hang'] as const)(
    'bounds every wait while nothing answers, and works again after (%s)',
    async (fault) => {
      await database.query('SELECT 1');
      proxy[fault]();
      const startMs = Date.now();
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => database.query('SELECT 1')));
      expect(Date.now() - startMs).toBeLessThan(10_000);
      for (const result of all) {
        expect(result).toMatchObject({ status: 'rejected', reason: expect.any(DatabaseUnavailableError) as unknown });
      }
      proxy.restore();
      await expect(database.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    },
  );
});
