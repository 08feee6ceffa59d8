/** Requests with an Idempotency-Key. */
import { describe, expect, it } from 'vitest';
import { type AlertIntake, type IdentifiedAlert, PENDING } from '../../../gateway/alerts/alert-intake.ts';
import { unavailable } from '../../../gateway/http/api-error.ts';
import type {
  BeginResult,
  Claim,
  IdempotencyEntry,
  IdempotencyRequest,
  IdempotencyStore,
} from '../../../gateway/idempotency/idempotency.ts';
import { judge } from '../../../gateway/idempotency/idempotency.ts';
import { IdempotentIntake } from '../../../gateway/idempotency/idempotent-intake.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';

const LEASE_MS = 10_000;
const KEEP_MS = 86_400_000;

type Row = Omit<IdempotencyEntry, 'leaseLeftMs' | 'expired'> & { leasedUntilMs: number; expiresMs: number };

/** The store as a map; what the database does between two statements cannot happen here. */
class MapStore implements IdempotencyStore {
  readonly rows = new Map<string, Row>();
  readonly clock: VirtualClock;
  away = false;
  hangs = false;
  #attempts = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  async begin({ keyHash, bodyHash, alertId }: IdempotencyRequest): Promise<BeginResult> {
    await this.#reach();
    const now = this.clock.now();
    const key = Buffer.from(keyHash).toString('hex');
    const row = this.rows.get(key);
    const verdict =
      row && judge({ ...row, leaseLeftMs: row.leasedUntilMs - now, expired: row.expiresMs <= now }, bodyHash);
    if (verdict !== undefined && verdict.kind !== 'forget' && verdict.kind !== 'take-over') return verdict;
    const resumed = verdict?.kind === 'take-over';
    const attempt = String((this.#attempts += 1));
    const id = resumed ? verdict.alertId : alertId;
    const expiresMs = now + KEEP_MS;
    this.rows.set(key, { bodyHash, alertId: id, status: undefined, attempt, leasedUntilMs: now + LEASE_MS, expiresMs });
    return { kind: 'claimed', claim: { keyHash, alertId: id, attempt }, resumed };
  }

  async complete({ keyHash, attempt }: Claim, status: string): Promise<void> {
    await this.#change(keyHash, (row) => (row.attempt === attempt ? { ...row, status } : row));
  }

  async updateStatus(keyHash: Uint8Array, fromStatus: string, status: string): Promise<void> {
    await this.#change(keyHash, (row) => (row.status === fromStatus ? { ...row, status } : row));
  }

  async release({ keyHash, attempt }: Claim): Promise<void> {
    await this.#change(keyHash, (row) => (row.attempt === attempt ? { ...row, leasedUntilMs: this.clock.now() } : row));
  }

  async deleteExpired(): Promise<number> {
    return 0;
  }

  async #change(keyHash: Uint8Array, change: (row: Row) => Row): Promise<void> {
    await this.#reach();
    const key = Buffer.from(keyHash).toString('hex');
    const row = this.rows.get(key);
    if (row !== undefined) this.rows.set(key, change(row));
  }

  async #reach(): Promise<void> {
    if (this.away) throw new Error('database away');
    if (this.hangs) await new Promise(() => undefined);
  }
}

const alert = (alertId: string): IdentifiedAlert => ({
  alertId,
  driverId: 'TEST-01',
  sourceType: 'overspeed',
  severity: 'medium',
  timestamp: 0,
  metadata: '{}',
});

class World {
  readonly clock = new VirtualClock(1_000_000);
  readonly store = new MapStore(this.clock);
  readonly submitted: { alertId: string; mayBeKnown: boolean }[] = [];
  readonly readModel = new Map<string, string>();
  answer: () => Promise<string> = async () => 'OPEN';
  #ids = 0;

  /** Another gateway, or the same after a restart: only the store is shared. */
  gateway(): IdempotentIntake {
    const intake: Pick<AlertIntake, 'submit'> = {
      submit: async ({ alertId }, mayBeKnown) => {
        this.submitted.push({ alertId, mayBeKnown });
        return this.answer();
      },
    };
    return new IdempotentIntake({
      store: this.store,
      intake: intake as AlertIntake,
      lookUpStatus: async (alertId) => this.readModel.get(alertId),
      clock: this.clock,
      storeTimeoutMs: 2_000,
    });
  }

  post(key: string, body = '{}', { client = '', gateway = this.gateway() } = {}) {
    this.#ids += 1;
    return this.clock.runUntil(
      gateway.submit({ client, key, body: Buffer.from(body), logger: silentLogger }, alert(`id-${this.#ids}`), false),
    );
  }
}

describe('idempotent requests', () => {
  it('are answered the same again, without producing again, for 24 hours', async () => {
    const world = new World();
    expect(await world.post('key')).toEqual({ alertId: 'id-1', status: 'OPEN', replayed: false });
    expect(await world.post('key')).toEqual({ alertId: 'id-1', status: 'OPEN', replayed: true });
    await world.clock.advance(KEEP_MS - 1);
    expect((await world.post('key')).replayed).toBe(true);
    expect(world.submitted).toHaveLength(1);
    await world.clock.advance(1);
    expect(await world.post('key')).toEqual({ alertId: 'id-4', status: 'OPEN', replayed: false });
  });

  it('with another body are refused with 409, but not those of another client', async () => {
    const world = new World();
    await world.post('key', '{"a":1}');
    await expect(world.post('key', '{"a":2}')).rejects.toMatchObject({
      statusCode: 409,
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect((await world.post('key', '{"a":2}', { client: 'other' })).replayed).toBe(false);
  });

  it('are refused with 409 while the first one is running', async () => {
    const world = new World();
    const { promise, resolve } = Promise.withResolvers<string>();
    world.answer = () => promise;
    const first = world
      .gateway()
      .submit({ client: '', key: 'key', body: Buffer.from('{}'), logger: silentLogger }, alert('first'), false);
    await world.clock.settle();
    const refused = { statusCode: 409, code: 'IDEMPOTENCY_KEY_IN_PROGRESS', retryAfterSeconds: 1 };
    await expect(world.post('key')).rejects.toMatchObject(refused);
    resolve('ESCALATED');
    expect(await first).toEqual({ alertId: 'first', status: 'ESCALATED', replayed: false });
    expect(await world.post('key')).toEqual({ alertId: 'first', status: 'ESCALATED', replayed: true });
  });

  it('[INV-GATEWAY-IDEMPOTENT] keep their alert id after a failed attempt, and go on at once', async () => {
    const world = new World();
    world.answer = async () => {
      throw unavailable('ALERT_NOT_CONFIRMED', 'unknown', 2);
    };
    await expect(world.post('key')).rejects.toMatchObject({ statusCode: 503 });
    world.answer = async () => 'OPEN';
    expect(await world.post('key')).toEqual({ alertId: 'id-1', status: 'OPEN', replayed: false });
    expect(world.submitted).toEqual([
      { alertId: 'id-1', mayBeKnown: false },
      { alertId: 'id-1', mayBeKnown: true },
    ]);
  });

  it('[INV-GATEWAY-IDEMPOTENT] keep their alert id after a crash, once the lease is over', async () => {
    const world = new World();
    world.answer = () => new Promise(() => undefined);
    void world
      .gateway()
      .submit({ client: '', key: 'key', body: Buffer.from('{}'), logger: silentLogger }, alert('before-crash'), false);
    await world.clock.settle();
    world.answer = async () => 'OPEN';
    await world.clock.advance(LEASE_MS - 1);
    await expect(world.post('key')).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_PROGRESS' });
    await world.clock.advance(1);
    expect((await world.post('key')).alertId).toBe('before-crash');
  });

  it('[INV-GATEWAY-IDEMPOTENT] keep their alert id when the answer could not be stored', async () => {
    const world = new World();
    world.answer = async () => {
      world.store.away = true;
      return 'OPEN';
    };
    expect((await world.post('key')).status).toBe('OPEN');
    world.store.away = false;
    await world.clock.advance(LEASE_MS);
    expect((await world.post('key')).alertId).toBe('id-1');
  });

  it('answered PENDING are answered with the decision once the read model has it', async () => {
    const world = new World();
    world.answer = async () => PENDING;
    expect((await world.post('key')).status).toBe(PENDING);
    expect(await world.post('key')).toEqual({ alertId: 'id-1', status: PENDING, replayed: true });
    world.readModel.set('id-1', 'ESCALATED');
    expect(await world.post('key')).toEqual({ alertId: 'id-1', status: 'ESCALATED', replayed: true });
    world.readModel.clear();
    expect((await world.post('key')).status).toBe('ESCALATED');
  });

  it('are refused with 503 and nothing is produced while the store is away or hangs', async () => {
    const world = new World();
    const refused = { statusCode: 503, code: 'IDEMPOTENCY_UNAVAILABLE' };
    world.store.away = true;
    await expect(world.post('key')).rejects.toMatchObject(refused);
    Object.assign(world.store, { away: false, hangs: true });
    await expect(world.post('key')).rejects.toMatchObject(refused);
    expect(world.submitted).toEqual([]);
  });
});
