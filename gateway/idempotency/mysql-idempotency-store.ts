/**
 * Idempotency keys in MySQL, so that they outlive a gateway and are shared by all of them.
 *
 * Invariant: of several requests with one key, at most one holds its claim at a time. The primary key decides who is first, and a
 * claim changes hands only by an update that names the attempt it takes the key from. All times are the database's own.
 */
import type { SqlRow, SqlStatements } from '../../connectors/mysql/database.ts';
import {
  type BeginResult,
  type Claim,
  type IdempotencyEntry,
  type IdempotencyRequest,
  type IdempotencyStore,
  judge,
} from './idempotency.ts';

export interface MysqlIdempotencyOptions {
  readonly sql: SqlStatements;
  /** How long an attempt may run before another may take its key over, in milliseconds. */
  readonly leaseMs: number;
  /** How long a key is kept, in milliseconds. */
  readonly keepMs: number;
  /** A unique name for an attempt, 36 characters at most. */
  readonly newAttempt: () => string;
}

const INSERT = `INSERT IGNORE INTO idempotency_keys
  (key_hash, body_hash, alert_id, attempt, leased_until, expires_at)
  VALUES (?, ?, ?, ?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)`;
const SELECT = `SELECT body_hash, alert_id, status, attempt, expires_at <= UTC_TIMESTAMP(3) AS expired,
  TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), leased_until) / 1000 AS lease_left_ms
  FROM idempotency_keys WHERE key_hash = ?`;
const FORGET = 'DELETE FROM idempotency_keys WHERE key_hash = ? AND expires_at <= UTC_TIMESTAMP(3)';
const TAKE_OVER = `UPDATE idempotency_keys
  SET attempt = ?, leased_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
  WHERE key_hash = ? AND attempt = ? AND status IS NULL`;
const COMPLETE = 'UPDATE idempotency_keys SET status = ? WHERE key_hash = ? AND attempt = ?';
const UPDATE_STATUS = 'UPDATE idempotency_keys SET status = ? WHERE key_hash = ? AND status = ?';
const RELEASE = `UPDATE idempotency_keys SET leased_until = UTC_TIMESTAMP(3)
  WHERE key_hash = ? AND attempt = ? AND status IS NULL`;
const DELETE_EXPIRED =
  'DELETE FROM idempotency_keys WHERE expires_at <= UTC_TIMESTAMP(3) ORDER BY expires_at LIMIT 1000';

/** Rounds in which another gateway got in between; after these the key counts as in use. */
const MAX_ROUNDS = 3;

const toEntry = (row: SqlRow): IdempotencyEntry => ({
  bodyHash: row['body_hash'] as Uint8Array,
  alertId: row['alert_id'] as string,
  status: (row['status'] as string | null) ?? undefined,
  attempt: row['attempt'] as string,
  leaseLeftMs: Number(row['lease_left_ms']),
  expired: Number(row['expired']) === 1,
});

export class MysqlIdempotencyStore implements IdempotencyStore {
  readonly #options: MysqlIdempotencyOptions;

  constructor(options: MysqlIdempotencyOptions) {
    this.#options = options;
  }

  async begin(request: IdempotencyRequest): Promise<BeginResult> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const result = await this.#tryBegin(request);
      if (result !== undefined) return result;
    }
    return { kind: 'in-progress' };
  }

  async complete(claim: Claim, status: string): Promise<void> {
    await this.#options.sql.change(COMPLETE, [status, claim.keyHash, claim.attempt]);
  }

  async updateStatus(keyHash: Uint8Array, fromStatus: string, status: string): Promise<void> {
    await this.#options.sql.change(UPDATE_STATUS, [status, keyHash, fromStatus]);
  }

  async release(claim: Claim): Promise<void> {
    await this.#options.sql.change(RELEASE, [claim.keyHash, claim.attempt]);
  }

  async deleteExpired(): Promise<number> {
    return await this.#options.sql.change(DELETE_EXPIRED, []);
  }

  /** Undefined: another request changed the key in between; look again. */
  async #tryBegin({ keyHash, bodyHash, alertId }: IdempotencyRequest): Promise<BeginResult | undefined> {
    const { sql, leaseMs, keepMs, newAttempt } = this.#options;
    const attempt = newAttempt();
    const claim = (id: string, resumed: boolean): BeginResult => ({
      kind: 'claimed',
      claim: { keyHash, alertId: id, attempt },
      resumed,
    });
    const values = [keyHash, bodyHash, alertId, attempt, leaseMs * 1000, keepMs * 1000];
    if ((await sql.change(INSERT, values)) === 1) return claim(alertId, false);
    const [row] = await sql.query(SELECT, [keyHash]);
    if (row === undefined) return undefined;
    const verdict = judge(toEntry(row), bodyHash);
    switch (verdict.kind) {
      case 'forget':
        await sql.change(FORGET, [keyHash]);
        return undefined;
      case 'take-over': {
        const taken = await sql.change(TAKE_OVER, [attempt, leaseMs * 1000, keyHash, verdict.fromAttempt]);
        return taken === 1 ? claim(verdict.alertId, true) : undefined;
      }
      case 'answered':
      case 'in-progress':
      case 'other-body':
        return verdict;
    }
  }
}
