/**
 * A MySQL or MariaDB database behind a few calls: statements, transactions, one session for what needs one.
 *
 * Invariant: every session is set up the same before its first statement (UTC, strict mode, READ COMMITTED, utf8mb4), every
 * wait is bounded, every rejection has a class (errors.ts), and a connection that failed is closed, never reused.
 */
import mysql from 'mysql2/promise';
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import type { Metrics } from '../../streams/ports.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { parseMysqlUrl } from './connection-options.ts';
import { databaseError, DatabaseUnavailableError } from './errors.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

/** Values stand for the `?` in the statement; an array of arrays for a list of rows. Times are strings or `Date`, always UTC. */
export interface SqlStatements {
  /** JSON columns come as text on both servers, DATETIME as `Date`. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly SqlRow[]>;
  /** Resolves with the number of rows that were inserted, deleted or matched by an update (2 for a row that an upsert changed). */
  change(sql: string, values?: readonly unknown[]): Promise<number>;
}

export interface MysqlDatabase extends SqlStatements {
  /**
   * Runs the work between START TRANSACTION and COMMIT; rolls back when it rejects. With `DatabaseUnavailableError` the
   * outcome is unknown if the fault hit the COMMIT: ask the database before doing it again.
   */
  transaction<T>(work: (sql: SqlStatements) => Promise<T>): Promise<T>;
  /** Runs the work on one connection, for what belongs to a session (named locks). */
  session<T>(work: (sql: SqlStatements) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A database with connections of its own. */
export interface MysqlPool extends MysqlDatabase {
  /** How the connections are used at this moment. */
  poolUse(): PoolUse;
}

export interface PoolUse {
  /** Connections that work is being done on, or that are being opened for work. */
  readonly used: number;
  /** Work that waits for a connection. */
  readonly waiting: number;
  /** Connections at most. */
  readonly limit: number;
}

export interface MysqlOptions {
  readonly url: string;
  /** Connections at most; work beyond that waits for one. */
  readonly connectionLimit?: number;
  readonly connectTimeoutMs?: number;
  /** For one statement, as this client sees it; then the connection is given up. */
  readonly statementTimeoutMs?: number;
  /** Counts failures and measures statements. */
  readonly metrics?: Metrics;
  /** Allows several statements in one text. For migrations only: it turns an injection into anything. */
  readonly multipleStatements?: boolean;
}

const DEFAULTS = { connectionLimit: 8, connectTimeoutMs: 5_000, statementTimeoutMs: 30_000, multipleStatements: false };
/** Work that may wait for a connection before more is refused. */
const QUEUE_LIMIT = 1_000;
const IDLE_TIMEOUT_MS = 60_000;

const KINDS: Readonly<Record<string, string>> = { retry: 'unavailable', 'skip-record': 'row' };

/** The server closes a silent session by itself after a while, so that a vanished client's locks do not stay. */
const SESSION_SETUP = [
  `SET time_zone = '+00:00',
       sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
       innodb_lock_wait_timeout = 10,
       wait_timeout = 120`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

const createPool = (connection: ConnectionOptions, options: typeof DEFAULTS): Pool =>
  mysql.createPool({
    host: connection.host,
    port: connection.port,
    user: connection.user,
    password: connection.password,
    database: connection.database,
    ...(connection.ssl === undefined ? {} : { ssl: { ...connection.ssl } }),
    timezone: 'Z',
    charset: 'utf8mb4',
    jsonStrings: true,
    stringifyObjects: true,
    flags: ['-LOCAL_FILES'],
    multipleStatements: options.multipleStatements,
    connectTimeout: options.connectTimeoutMs,
    connectionLimit: options.connectionLimit,
    maxIdle: 1,
    idleTimeout: IDLE_TIMEOUT_MS,
    queueLimit: QUEUE_LIMIT,
    waitForConnections: true,
  });

class PooledDatabase implements MysqlPool {
  readonly #pool: Pool;
  readonly #statementTimeoutMs: number;
  readonly #limit: number;
  readonly #metrics: Metrics | undefined;
  /** The connections whose session is set up. */
  readonly #ready = new WeakSet<object>();
  /** Sessions that were asked for and have not ended. */
  #sessions = 0;
  #closed: Promise<void> | undefined;

  constructor(options: MysqlOptions) {
    const complete = { ...DEFAULTS, ...options };
    this.#pool = createPool(parseMysqlUrl(options.url), complete);
    this.#statementTimeoutMs = complete.statementTimeoutMs;
    this.#limit = complete.connectionLimit;
    this.#metrics = options.metrics;
    // From zero, so that the first failure is seen as an increase.
    for (const kind of ['unavailable', 'row', 'setup']) this.#metrics?.counter('database_failures', { kind }).add(0);
  }

  poolUse(): PoolUse {
    const used = Math.min(this.#sessions, this.#limit);
    return { used, waiting: this.#sessions - used, limit: this.#limit };
  }

  query(sql: string, values: readonly unknown[] = []): Promise<readonly SqlRow[]> {
    return this.session((session) => session.query(sql, values));
  }

  change(sql: string, values: readonly unknown[] = []): Promise<number> {
    return this.session((session) => session.change(sql, values));
  }

  transaction<T>(work: (sql: SqlStatements) => Promise<T>): Promise<T> {
    return this.session(async (session) => {
      await session.change('START TRANSACTION');
      try {
        const result = await work(session);
        await session.change('COMMIT');
        return result;
      } catch (error) {
        // A broken connection is closed by `session`, which rolls back as well.
        if (!(error instanceof DatabaseUnavailableError)) await session.change('ROLLBACK');
        throw error;
      }
    });
  }

  async session<T>(work: (sql: SqlStatements) => Promise<T>): Promise<T> {
    this.#sessions += 1;
    try {
      return await this.#session(work);
    } finally {
      this.#sessions -= 1;
    }
  }

  async #session<T>(work: (sql: SqlStatements) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    try {
      const result = await work(this.#statements(connection));
      connection.release();
      return result;
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) connection.destroy();
      else connection.release();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  async #acquire(): Promise<PoolConnection> {
    let connection: PoolConnection;
    try {
      connection = await this.#pool.getConnection();
    } catch (error) {
      throw this.#failure(error);
    }
    const identity = connection.connection;
    if (this.#ready.has(identity)) return connection;
    try {
      const sql = this.#statements(connection);
      for (const statement of SESSION_SETUP) await sql.change(statement);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#ready.add(identity);
    return connection;
  }

  /** The error with its class, counted. Labelled by class and not by code: the codes are the server's. */
  #failure(cause: unknown): Error {
    const error = databaseError(cause);
    this.#metrics?.counter('database_failures', { kind: KINDS[error.recovery] ?? 'setup' }).add(1);
    return error;
  }

  #statements(connection: PoolConnection): SqlStatements {
    const run = async <Result extends RowDataPacket[] | ResultSetHeader | ResultSetHeader[]>(
      sql: string,
      values: readonly unknown[],
    ): Promise<Result> => {
      const startMs = performance.now();
      try {
        const [result] = await connection.query<Result>({
          sql,
          values: [...values],
          timeout: this.#statementTimeoutMs,
        });
        return result;
      } catch (error) {
        throw this.#failure(error);
      } finally {
        this.#metrics?.histogram('database_statement_duration_ms').record(performance.now() - startMs);
      }
    };
    return {
      query: (sql, values = []) => run<RowDataPacket[]>(sql, values),
      change: async (sql, values = []) => {
        const result = await run<ResultSetHeader | ResultSetHeader[]>(sql, values);
        return [result].flat().reduce((rows, { affectedRows }) => rows + affectedRows, 0);
      },
    };
  }
}

/** Connects on first use. Throws `DatabaseSetupError` for a URL it does not understand. */
export const openMysql = (options: MysqlOptions): MysqlPool => new PooledDatabase(options);
