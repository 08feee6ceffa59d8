import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMysql } from '../../../connectors/mysql/database.ts';
import { DatabaseSetupError } from '../../../connectors/mysql/errors.ts';
import { migrate } from '../../../sink/migrate.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { serverUrl, TestDatabase, urlOf } from './test-database.ts';

let tables: TestDatabase;
let folder: string;

beforeAll(async () => {
  tables = await TestDatabase.create();
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await tables.drop();
});

const columnsOf = async (table: string): Promise<readonly unknown[]> => {
  const rows = await tables.database.query(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`,
    [table],
  );
  return rows.map((row) => row['name']);
};

describe('migrate', () => {
  it('makes the tables with the columns that dashboards read', async () => {
    expect(await columnsOf('alerts')).toEqual(
      expect.arrayContaining(['alert_id', 'driver_id', 'source_type', 'severity', 'status', 'timestamp', 'metadata']),
    );
    expect(await columnsOf('alert_events')).toEqual(
      expect.arrayContaining([
        'event_id',
        'alert_id',
        'event_type',
        'old_status',
        'new_status',
        'timestamp',
        'metadata',
      ]),
    );
    expect(await columnsOf('alerts_archive')).toEqual(await columnsOf('alerts'));
    expect(await columnsOf('alert_events_archive')).toEqual(await columnsOf('alert_events'));
  });

  it('does nothing the second time', async () => {
    expect(await migrate(tables.url, silentLogger)).toEqual([]);
  });

  it('lets several starters through, and applies each migration once', async () => {
    const name = 'once';
    // Not safe to run twice, unlike a real one.
    await writeFile(join(folder, `${name}.sql`), 'CREATE TABLE made_once (id INT); INSERT INTO made_once VALUES (1);');
    const starters = Array.from({ length: 4 }, () => migrate(tables.url, silentLogger, folder));
    expect((await Promise.all(starters)).flat()).toEqual([name]);
    expect(await tables.database.query('SELECT id FROM made_once')).toHaveLength(1);
  });

  it('names the migration that fails, and runs it again once it is corrected', async () => {
    const file = join(folder, 'zz-broken.sql');
    await writeFile(file, 'CREATE TABLE IF NOT EXISTS half (id INT); CREATE TABEL other (id INT);');
    const failure = migrate(tables.url, silentLogger, folder);
    await expect(failure).rejects.toBeInstanceOf(DatabaseSetupError);
    await expect(failure).rejects.toThrow(/zz-broken.*failed.*TABEL/s);
    await writeFile(file, 'CREATE TABLE IF NOT EXISTS half (id INT); CREATE TABLE other (id INT);');
    expect(await migrate(tables.url, silentLogger, folder)).toEqual(['zz-broken']);
  });

  it('says what is wrong with a database or a password', async () => {
    await expect(migrate(urlOf('alerts_no_such_database'), silentLogger)).rejects.toThrow(/Create the database/);
    const wrong = new URL(tables.url);
    wrong.password = 'wrong';
    await expect(migrate(wrong.href, silentLogger)).rejects.toThrow(/user and password in MYSQL_URL/);
  });
});

describe('a session', () => {
  it('is in UTC and strict, whatever the server is', async () => {
    const database = openMysql({ url: serverUrl(), connectionLimit: 2 });
    try {
      const [row] = await database.query(
        `SELECT @@session.time_zone AS zone, @@session.sql_mode AS mode, CAST('2026-11-24 09:33:24.007' AS DATETIME(3)) AS time`,
      );
      expect(row).toMatchObject({ zone: '+00:00', mode: expect.stringContaining('STRICT_TRANS_TABLES') as string });
      expect((row?.['time'] as Date).toISOString()).toBe('2026-11-24T09:33:24.007Z');
    } finally {
      await database.close();
    }
  });

  it('is encrypted where the address asks for it, or refused; and refuses a server that it cannot verify', async () => {
    const [offer] = await tables.database.query("SHOW VARIABLES LIKE 'have_ssl'");
    const secure = openMysql({ url: `${tables.url}?ssl-mode=REQUIRED` });
    const verified = openMysql({ url: `${tables.url}?ssl-mode=VERIFY_IDENTITY` });
    const cipher = secure.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'").then(([row]) => row?.['Value']);
    try {
      // A server without TLS must be refused, never spoken to in the clear.
      if (offer?.['Value'] === 'YES') expect(await cipher).toMatch(/./);
      else await expect(cipher).rejects.toThrow(/SSL|secure|TLS/i);
      await expect(verified.query('SELECT 1')).rejects.toThrow(/certificate|SSL|secure|TLS/i);
    } finally {
      await secure.close();
      await verified.close();
    }
  });

  it('cannot run two statements in one text', async () => {
    await expect(tables.database.query('SELECT 1; SELECT 2')).rejects.toThrow(/syntax/i);
  });

  it('reads JSON as text, digit for digit', async () => {
    const [row] = await tables.database.query(`SELECT JSON_EXTRACT('{"a": 12345678901234567890}', '$.a') AS value`);
    expect(row?.['value']).toBe('12345678901234567890');
  });
});
