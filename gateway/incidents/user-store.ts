/**
 * The people that incidents are made by and assigned to, in MySQL.
 *
 * Invariant: an email address belongs to one user; the database decides which of two that ask at once gets it.
 */
import type { SqlRow, SqlStatements } from '../../connectors/mysql/database.ts';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** UTC epoch milliseconds. */
  readonly createdAtMs: number;
}

/** Every call rejects with `DatabaseUnavailableError` in an outage. */
export interface UserStore {
  /** False when the address is taken. */
  create(user: User): Promise<boolean>;
  get(id: string): Promise<User | undefined>;
  /** By name, the first `limit`. */
  list(limit: number): Promise<readonly User[]>;
}

const COLUMNS = 'user_id, name, email, created_at';

const toUser = (row: SqlRow): User => ({
  id: row['user_id'] as string,
  name: row['name'] as string,
  email: row['email'] as string,
  createdAtMs: (row['created_at'] as Date).getTime(),
});

export const openUserStore = (sql: SqlStatements): UserStore => ({
  async create({ id, name, email, createdAtMs }) {
    const statement = `INSERT IGNORE INTO users (${COLUMNS}) VALUES (?, ?, ?, ?)`;
    return (await sql.change(statement, [id, name, email, new Date(createdAtMs)])) === 1;
  },
  async get(id) {
    const [row] = await sql.query(`SELECT ${COLUMNS} FROM users WHERE user_id = ?`, [id]);
    return row === undefined ? undefined : toUser(row);
  },
  async list(limit) {
    return (await sql.query(`SELECT ${COLUMNS} FROM users ORDER BY name, user_id LIMIT ?`, [limit])).map(toUser);
  },
});
