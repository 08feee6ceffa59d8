/**
 * What can go wrong with the database, one class per recovery.
 *
 * Invariant: an outage, a refused row and a wrong set-up are always told apart: the first is waited out, only the second sends
 * a record to the dead letters, the third stops. What is not known stops, so that nothing is dropped on a guess.
 */
import { StreamsError } from '../../streams/errors.ts';

/** The database is away, overloaded or asked for another try (deadlock). The same transaction may succeed later. */
export class DatabaseUnavailableError extends StreamsError {
  readonly recovery = 'retry';
}

/** The database refuses a value for good: too long, not JSON, a violated constraint. */
export class DatabaseRowError extends StreamsError {
  readonly recovery = 'skip-record';
}

/** The database cannot be used as configured: credentials, missing database or table, a statement it does not understand. */
export class DatabaseSetupError extends StreamsError {
  readonly recovery = 'stop';
}

/** The fields of an error that mysql2 rejects with. Server errors have a positive `errno`, faults of the connection none. */
interface DriverError extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly fatal?: boolean;
}

const TRANSIENT_ERRNOS: ReadonlySet<number> = new Set([
  1021, // disk full
  1030, // storage engine fault
  1037, // out of memory
  1040, // too many connections
  1041, // out of resources
  1047, // cluster node not ready
  1053, // server shutdown
  1079, // shutdown complete
  1080, // forced close
  1114, // table full
  1152, // aborted connection
  1158, // packet read error
  1159, // packet read timeout
  1160, // packet write error
  1161, // packet write timeout
  1180, // error during commit
  1184, // aborted connection
  1203, // too many connections of this user
  1205, // lock wait timeout
  1206, // lock table full
  1213, // deadlock
  1226, // user's resource limit reached
  1290, // read-only during a failover
  1317, // query interrupted
  1792, // read-only transaction
  1836, // read-only mode
  1927, // connection killed
  1969, // statement timeout (MariaDB)
  3024, // statement timeout (MySQL)
  4031, // closed by the server after inactivity
]);

const ROW_ERRNOS: ReadonlySet<number> = new Set([
  1048, // column cannot be null
  1062, // duplicate key
  1153, // packet too large
  1264, // number out of range
  1265, // data truncated
  1292, // wrong date, time or number
  1300, // wrong character string
  1366, // wrong value for the column
  1367, // illegal value while parsing
  1406, // data too long
  1411, // wrong value for a function
  1452, // foreign key has no parent
  1690, // number out of range
  3140, // not JSON
  3141, // not JSON in a function
  3143, // wrong JSON path
  3144, // JSON with a wrong character set
  3150, // JSON key too long
  3156, // JSON value for a cast
  3157, // JSON too deep
  3819, // check constraint (MySQL)
  4025, // check constraint (MariaDB)
  4037, // JSON depth (MariaDB)
]);

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

const ADVICE: ReadonlyMap<number, string> = new Map([
  [1044, 'Grant the user of MYSQL_URL all rights on the database.'],
  [1045, 'Check user and password in MYSQL_URL.'],
  [1698, 'Check user and password in MYSQL_URL.'],
  [1049, 'Create the database, or correct its name in MYSQL_URL.'],
  [1129, 'Unblock this host on the server (FLUSH HOSTS).'],
  [1130, 'Allow this host to connect, or correct the user in MYSQL_URL.'],
  [1142, 'Grant the user of MYSQL_URL this right.'],
  [1143, 'Grant the user of MYSQL_URL this right.'],
  [1227, 'Grant the user of MYSQL_URL this right.'],
  [1146, 'Run the migrations against this database, or correct its name in MYSQL_URL.'],
  [1054, 'The tables are of another version: run the migrations against this database.'],
]);

/** How the driver's pool says that too much work waits for a connection. */
const QUEUE_FULL = 'Queue limit reached.';

const isConnectionFault = ({ code, errno, fatal, message }: DriverError): boolean => {
  if (message === QUEUE_FULL) return true;
  if (code !== undefined && TRANSIENT_CODES.has(code)) return true;
  const fromServer = errno !== undefined && errno > 0;
  return fatal === true && !fromServer && !(code ?? '').startsWith('HANDSHAKE_');
};

/** The driver keeps the whole statement, values included, on its errors; that must reach neither logs nor dead letters. */
const withoutStatement = (error: DriverError): DriverError => {
  Reflect.deleteProperty(error, 'sql');
  Reflect.deleteProperty(error, 'parameters');
  return error;
};

/** The classed error for whatever the driver rejected with; errors that already have a class pass through. */
export const databaseError = (rejected: unknown): StreamsError => {
  if (rejected instanceof StreamsError) return rejected;
  const error = rejected instanceof Error ? withoutStatement(rejected) : new Error(String(rejected));
  const { code, errno = 0, message } = error as DriverError;
  const stableCode = code ?? 'DATABASE_ERROR';
  const options = { cause: error };
  if (isConnectionFault(error) || TRANSIENT_ERRNOS.has(errno)) {
    return new DatabaseUnavailableError(stableCode, `The database cannot do this at the moment: ${message}`, options);
  }
  if (ROW_ERRNOS.has(errno)) {
    return new DatabaseRowError(stableCode, `The database refuses a value: ${message}`, options);
  }
  const advice = ADVICE.get(errno) ?? 'This needs an operator; nothing was written.';
  return new DatabaseSetupError(stableCode, `The database cannot be used: ${message}. ${advice}`, options);
};
