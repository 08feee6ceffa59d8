import { describe, expect, it } from 'vitest';
import {
  databaseError,
  DatabaseRowError,
  DatabaseSetupError,
  DatabaseUnavailableError,
} from '../../../../connectors/mysql/errors.ts';

/** An error as the driver rejects with. */
const driverError = (fields: Readonly<Record<string, unknown>>, message = 'It failed'): Error =>
  Object.assign(new Error(message), fields);

describe('databaseError', () => {
  it.each([
    ['a refused connection', { code: 'ECONNREFUSED', errno: -111, fatal: true }],
    ['a lost connection', { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }],
    ['an unknown host, as a name service in trouble gives', { code: 'ENOTFOUND', errno: -3008, fatal: true }],
    ['an answer that does not come', { code: 'PROTOCOL_SEQUENCE_TIMEOUT' }],
    ['a connection that was closed before', { fatal: true }],
    ['a deadlock', { code: 'ER_LOCK_DEADLOCK', errno: 1213 }],
    ['a lock that was not given', { code: 'ER_LOCK_WAIT_TIMEOUT', errno: 1205 }],
    ['too many connections', { code: 'ER_CON_COUNT_ERROR', errno: 1040, fatal: true }],
    ['a full disk', { code: 'ER_RECORD_FILE_FULL', errno: 1114 }],
    ['a failover in progress', { code: 'ER_OPTION_PREVENTS_STATEMENT', errno: 1290 }],
  ])('waits out %s', (_name, fields) => {
    expect(databaseError(driverError(fields))).toBeInstanceOf(DatabaseUnavailableError);
  });

  it('waits when too much work waits for a connection', () => {
    expect(databaseError(new Error('Queue limit reached.'))).toBeInstanceOf(DatabaseUnavailableError);
  });

  it.each([
    ['too long', 'ER_DATA_TOO_LONG', 1406],
    ['not JSON, in MySQL', 'ER_INVALID_JSON_TEXT', 3140],
    ['not JSON, in MariaDB', 'ER_CONSTRAINT_FAILED', 4025],
    ['without a parent', 'ER_NO_REFERENCED_ROW_2', 1452],
    ['null', 'ER_BAD_NULL_ERROR', 1048],
    ['no time', 'ER_TRUNCATED_WRONG_VALUE', 1292],
  ])('blames the row for a value that is %s', (_name, code, errno) => {
    const error = databaseError(driverError({ code, errno }));
    expect(error).toBeInstanceOf(DatabaseRowError);
    expect(error.code).toBe(code);
  });

  it.each([
    ['wrong credentials', 1045, /user and password in MYSQL_URL/],
    ['an unknown database', 1049, /Create the database/],
    ['a missing table', 1146, /Run the migrations/],
    ['a missing column', 1054, /run the migrations/],
    ['anything unknown', 9999, /operator/],
  ])('stops for %s and says what to do', (_name, errno, advice) => {
    const error = databaseError(driverError({ errno }));
    expect(error).toBeInstanceOf(DatabaseSetupError);
    expect(error.message).toMatch(advice);
  });

  it('stops when the server cannot speak TLS', () => {
    const error = driverError({ code: 'HANDSHAKE_NO_SSL_SUPPORT', fatal: true });
    expect(databaseError(error)).toBeInstanceOf(DatabaseSetupError);
  });

  it('keeps no values of the statement', () => {
    const error = databaseError(driverError({ errno: 1406, sql: "INSERT INTO alerts VALUES ('secret')" }));
    expect(JSON.stringify([error, error.cause])).not.toContain('secret');
    expect(error.cause).not.toHaveProperty('sql');
  });

  it('leaves an error that has its class alone', () => {
    const error = new DatabaseRowError('X', 'x');
    expect(databaseError(error)).toBe(error);
  });
});
