/**
 * Brings the database's tables to what this program expects: the SQL files under `migrations/`, each applied once, in order of
 * name.
 *
 * Invariant: at most one process migrates a database at a time, and a migration counts as applied only after its last statement.
 * DDL cannot be rolled back, so every file is written to be safe to run again from its start.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MigrationError, Umzug } from 'umzug';
import type { RunnableMigration, UmzugStorage } from 'umzug';
import type { Logger } from '../connectors/log.ts';
import { openMysql } from '../connectors/mysql/database.ts';
import type { SqlStatements } from '../connectors/mysql/database.ts';
import { DatabaseSetupError, DatabaseUnavailableError } from '../connectors/mysql/errors.ts';

const MIGRATIONS = join(import.meta.dirname, 'migrations');
const LOCK_WAIT_S = 60;
const STATEMENT_TIMEOUT_MS = 10 * 60_000;

const CREATE_STORAGE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  applied_at DATETIME(3) NOT NULL
) ENGINE = InnoDB`;

/** The name holds within a server, so it names the database too; it may have 64 characters. */
const LOCK_NAME = "LEFT(CONCAT('migrations:', MD5(DATABASE())), 64)";

const storage: UmzugStorage<SqlStatements> = {
  async executed({ context }) {
    const rows = await context.query('SELECT name FROM schema_migrations ORDER BY name');
    return rows.map((row) => row['name'] as string);
  },
  async logMigration({ name, context }) {
    await context.change('INSERT INTO schema_migrations (name, applied_at) VALUES (?, UTC_TIMESTAMP(3))', [name]);
  },
  async unlogMigration({ name, context }) {
    await context.change('DELETE FROM schema_migrations WHERE name = ?', [name]);
  },
};

const sqlFiles = async (folder: string): Promise<RunnableMigration<SqlStatements>[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return files.map((file) => ({
    name: basename(file, '.sql'),
    path: join(folder, file),
    up: async ({ context }) => {
      await context.change(await readFile(join(folder, file), 'utf8'));
    },
  }));
};

const withLock = async <T>(sql: SqlStatements, work: () => Promise<T>): Promise<T> => {
  const [row] = await sql.query(`SELECT GET_LOCK(${LOCK_NAME}, ?) AS locked`, [LOCK_WAIT_S]);
  if (Number(row?.['locked']) !== 1) {
    throw new DatabaseUnavailableError(
      'MIGRATION_LOCKED',
      `Another process has been migrating this database for ${LOCK_WAIT_S} s. Wait for it to end and start again.`,
    );
  }
  try {
    return await work();
  } finally {
    await sql.query(`SELECT RELEASE_LOCK(${LOCK_NAME})`);
  }
};

const applyPending = async (sql: SqlStatements, folder: string, logger: Logger): Promise<readonly string[]> => {
  await sql.change(CREATE_STORAGE);
  const umzug = new Umzug({ migrations: await sqlFiles(folder), context: sql, storage, logger: undefined });
  umzug.on('migrated', ({ name }) => logger.info('migration applied', { migration: name }));
  try {
    return (await umzug.up()).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    const { cause } = error;
    if (cause instanceof DatabaseUnavailableError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseSetupError(
      'MIGRATION_FAILED',
      `The migration ${error.migration.name} failed: ${why} Correct that and start again; it runs from its first statement.`,
      { cause },
    );
  }
};

/**
 * Applies what is pending and resolves with the names of the migrations applied. Waits up to 60 s for another process that
 * migrates. Rejects with `DatabaseUnavailableError` (try again) or `DatabaseSetupError` (says what to correct).
 */
export const migrate = async (mysqlUrl: string, logger: Logger, folder = MIGRATIONS): Promise<readonly string[]> => {
  const database = openMysql({
    url: mysqlUrl,
    connectionLimit: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    multipleStatements: true,
  });
  try {
    return await database.session((sql) => withLock(sql, () => applyPending(sql, folder, logger)));
  } finally {
    await database.close();
  }
};
