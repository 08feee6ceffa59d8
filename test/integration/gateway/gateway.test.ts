/** The gateway on real Kafka, a real registry and a real database, with a stand-in for the processor. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readGatewayConfig } from '../../../gateway/config.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { GatewayHarness, type TestGateway } from './gateway-harness.ts';

interface Answer {
  readonly alertId: string;
  readonly status: string;
}

interface ErrorAnswer {
  readonly code: string;
  readonly request_id: string;
  readonly details: { readonly alertId?: string };
}

let harness: GatewayHarness;
let gateway: TestGateway;
let drivers = 0;
/** Alerts of one test are told from another's by their driver. */
let driverId = '';

const body = (fields: object = {}) => ({
  sourceType: 'overspeed',
  driverId,
  severity: 'medium',
  metadata: { speed: 121, nested: { list: [1, 2.5, 'x', null, true] } },
  ...fields,
});

const answerOf = async (response: Response): Promise<Answer> => (await response.json()) as Answer;
const errorOf = async (response: Response): Promise<ErrorAnswer> => (await response.json()) as ErrorAnswer;
const producedHere = async (): Promise<RawAlert[]> =>
  (await harness.produced()).filter((alert) => alert.driverId === driverId);

const eventually = async (isTrue: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error('It did not become true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const following = async (of: TestGateway): Promise<boolean> => {
  const { checks } = (await (await of.get('/ready')).json()) as { checks: Record<string, { status: string }> };
  return checks['decisions']?.status === 'UP';
};

const started = async (...overrides: Parameters<GatewayHarness['gateway']>): Promise<TestGateway> => {
  const one = await harness.gateway(...overrides);
  await eventually(() => following(one));
  return one;
};

beforeAll(async () => {
  harness = await GatewayHarness.start();
  gateway = await started({ produceTimeoutMs: 1_500, decisionTimeoutMs: 1_000 });
});
afterAll(async () => harness.close());
beforeEach(() => {
  driverId = `TEST-${(drivers += 1)}`;
  harness.decide = () => ['OPEN'];
});

describe('an alert', () => {
  it.each([
    ['OPEN', ['OPEN']],
    ['ESCALATED', ['OPEN', 'ESCALATED']],
    ['AUTO_CLOSED', ['OPEN', 'AUTO_CLOSED']],
  ] as const)('is answered 201 %s once that is committed', async (status, statuses) => {
    harness.decide = () => statuses;
    const response = await gateway.post(body({ timestamp: '2026-01-02 03:04:05' }));
    const answer = await answerOf(response);
    expect([response.status, answer.status]).toEqual([201, status]);
    expect(await producedHere()).toEqual([
      {
        alertId: answer.alertId,
        driverId,
        sourceType: 'overspeed',
        severity: 'medium',
        timestamp: Date.parse('2026-01-02T03:04:05Z'),
        metadata: '{"speed":121,"nested":{"list":[1,2.5,"x",null,true]}}',
      },
    ]);
  });

  it('is answered one by one when many come at once', async () => {
    harness.decide = ({ alertId }) => (alertId?.endsWith('7') === true ? ['OPEN', 'ESCALATED'] : ['OPEN']);
    const patient = await started({ decisionTimeoutMs: 20_000 });
    const ids = Array.from({ length: 100 }, (_, index) => `${driverId}-${index}`);
    const answers = await Promise.all(ids.map(async (alertId) => answerOf(await patient.post(body({ alertId })))));
    expect(answers).toEqual(ids.map((alertId) => ({ alertId, status: alertId.endsWith('7') ? 'ESCALATED' : 'OPEN' })));
    await patient.stop();
  });

  it('[INV-GATEWAY-ACCEPTED] is on the log when it is answered 202 PENDING', async () => {
    harness.decide = () => [];
    const response = await gateway.post(body());
    const { alertId, status } = await answerOf(response);
    expect([response.status, status]).toEqual([202, 'PENDING']);
    expect((await producedHere()).map((alert) => alert.alertId)).toEqual([alertId]);
  });

  it('with an id that is known is answered with its status from the read model', async () => {
    harness.decide = () => [];
    await insertAlert({ alertId: `${driverId}-known`, status: 'ACKNOWLEDGED' });
    const response = await gateway.post(body({ alertId: `${driverId}-known` }));
    expect([response.status, (await answerOf(response)).status]).toEqual([201, 'ACKNOWLEDGED']);
  });

  it('that is not valid is refused and not produced', async () => {
    const response = await gateway.post(body({ timestamp: '2026-02-30 10:00:00' }), { 'x-request-id': 'mine' });
    expect(response.status).toBe(400);
    expect(response.headers.get('x-request-id')).toBe('mine');
    expect(await errorOf(response)).toMatchObject({ code: 'VALIDATION_FAILED', request_id: 'mine' });
    expect(await producedHere()).toEqual([]);
  });
});

describe('without Kafka', () => {
  it.each(['cut', 'hang'] as const)(
    '[INV-GATEWAY-ACCEPTED] an alert is refused in time with 503, and what was answered is never lost (%s)',
    async (fault) => {
      const accepted = [await answerOf(await gateway.post(body()))];
      harness.kafkaProxy[fault]();
      const began = Date.now();
      const refused = await gateway.post(body());
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Date.now() - began).toBeLessThan(4_000);
      const { code, details } = await errorOf(refused);
      expect(code).toBe('ALERT_NOT_CONFIRMED');
      expect((await gateway.get('/ready')).status).toBe(503);
      expect((await gateway.get('/live')).status).toBe(200);
      harness.kafkaProxy.restore();
      let retried: Answer | undefined;
      await eventually(async () => {
        const response = await gateway.post(body({ alertId: details.alertId }));
        if (response.status !== 201) return false;
        retried = await answerOf(response);
        return true;
      });
      expect(retried).toEqual({ alertId: details.alertId, status: 'OPEN' });
      const produced = new Set((await producedHere()).map(({ alertId }) => alertId));
      for (const { alertId } of [...accepted, retried as Answer]) expect(produced).toContain(alertId);
      expect(produced.size).toBe(2);
    },
  );
});

describe('an Idempotency-Key', () => {
  it('replays the answer with 200, on every gateway and after a restart, and produces once', async () => {
    const headers = { 'idempotency-key': `${driverId}-key` };
    const first = await gateway.post(body(), headers);
    const answer = await answerOf(first);
    expect(first.status).toBe(201);
    const other = await started();
    for (const one of [gateway, other]) {
      const again = await one.post(body(), headers);
      expect([again.status, await answerOf(again)]).toEqual([200, answer]);
    }
    await other.stop();
    const restarted = await started();
    expect(await answerOf(await restarted.post(body(), headers))).toEqual(answer);
    await restarted.stop();
    expect(await producedHere()).toHaveLength(1);
  });

  it('is refused with 409 for another body', async () => {
    const headers = { 'idempotency-key': `${driverId}-key` };
    await gateway.post(body(), headers);
    const response = await gateway.post(body({ severity: 'high' }), headers);
    expect([response.status, (await errorOf(response)).code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('lets one of many requests at once through, on two gateways', async () => {
    const other = await started();
    const headers = { 'idempotency-key': `${driverId}-key` };
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? gateway : other).post(body(), headers)),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.every((status) => [200, 201, 409].includes(status))).toBe(true);
    for (const response of responses.filter(({ status }) => status === 409)) {
      expect(response.headers.get('retry-after')).toBe('1');
      expect((await errorOf(response)).code).toBe('IDEMPOTENCY_KEY_IN_PROGRESS');
    }
    expect(await producedHere()).toHaveLength(1);
    await other.stop();
  });

  it('[INV-GATEWAY-IDEMPOTENT] keeps the alert id over an outcome that nobody knows', async () => {
    const headers = { 'idempotency-key': `${driverId}-key` };
    harness.kafkaProxy.hang();
    const lost = await gateway.post(body(), headers);
    expect(lost.status).toBe(503);
    const { details } = await errorOf(lost);
    harness.kafkaProxy.restore();
    let answer: Answer | undefined;
    await eventually(async () => {
      const response = await gateway.post(body(), headers);
      if (response.status !== 201) return false;
      answer = await answerOf(response);
      return true;
    });
    expect(answer).toEqual({ alertId: details.alertId, status: 'OPEN' });
    expect(new Set((await producedHere()).map(({ alertId }) => alertId))).toEqual(new Set([details.alertId]));
  });

  it('is refused with 503 without the database, while alerts without one are taken', async () => {
    harness.mysqlProxy.cut();
    try {
      const keyed = await gateway.post(body(), { 'idempotency-key': `${driverId}-key` });
      expect([keyed.status, (await errorOf(keyed)).code]).toEqual([503, 'IDEMPOTENCY_UNAVAILABLE']);
      expect((await gateway.post(body())).status).toBe(201);
      expect((await gateway.get('/v1/alerts')).status).toBe(503);
      expect(await producedHere()).toHaveLength(1);
    } finally {
      harness.mysqlProxy.restore();
    }
  });
});

describe('the store of idempotency keys', () => {
  const request = (alertId: string, text = 'body') => ({
    keyHash: Buffer.alloc(32, driverId),
    bodyHash: Buffer.alloc(32, text),
    alertId,
  });
  const store = (leaseMs: number, keepMs = 86_400_000) =>
    harness.idempotencyStore(
      harness.database.database,
      { ...readGatewayConfig({}), produceTimeoutMs: leaseMs - 5_000, decisionTimeoutMs: 0 },
      keepMs,
    );
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('[INV-GATEWAY-IDEMPOTENT] gives a key to one attempt at a time, with the first alert id', async () => {
    const begun = await Promise.all(['a', 'b', 'c', 'd'].map((alertId) => store(60_000).begin(request(alertId))));
    const claims = begun.flatMap((each) => (each.kind === 'claimed' ? [each.claim] : []));
    expect(claims).toHaveLength(1);
    expect(begun.filter(({ kind }) => kind === 'in-progress')).toHaveLength(3);
    const [claim] = claims;
    if (claim === undefined) throw new Error('no claim');
    await store(60_000).release(claim);
    const taken = await Promise.all(['e', 'f', 'g'].map((alertId) => store(60_000).begin(request(alertId))));
    const resumed = taken.flatMap((each) => (each.kind === 'claimed' ? [each] : []));
    expect(resumed).toEqual([
      { kind: 'claimed', resumed: true, claim: { ...claim, attempt: resumed[0]?.claim.attempt } },
    ]);
    await store(60_000).complete(claim, 'OPEN');
    expect((await store(60_000).begin(request('h'))).kind).toBe('in-progress');
    await store(60_000).complete(resumed[0]?.claim ?? claim, 'ESCALATED');
    const answer = { alertId: claim.alertId, status: 'ESCALATED' };
    expect(await store(60_000).begin(request('i'))).toEqual({ kind: 'answered', answer });
    expect((await store(60_000).begin(request('j', 'other'))).kind).toBe('other-body');
    await store(60_000).updateStatus(claim.keyHash, 'PENDING', 'RESOLVED');
    expect(await store(60_000).begin(request('k'))).toEqual({ kind: 'answered', answer });
  });

  it('lets a key go on after the lease, and forgets it after its time', async () => {
    const first = await store(100, 1_000).begin(request('a'));
    expect(first.kind).toBe('claimed');
    expect((await store(100, 1_000).begin(request('b'))).kind).toBe('in-progress');
    await pause(200);
    expect(await store(60_000, 1_000).begin(request('c'))).toMatchObject({ resumed: true, claim: { alertId: 'a' } });
    await pause(1_000);
    expect(await store(100, 500).begin(request('d', 'other'))).toMatchObject({
      resumed: false,
      claim: { alertId: 'd' },
    });
    await pause(600);
    expect(await store(100).deleteExpired()).toBeGreaterThanOrEqual(1);
    const left = await harness.database.database.query('SELECT 1 FROM idempotency_keys WHERE alert_id = ?', ['d']);
    expect(left).toEqual([]);
  });
});

describe('reads', () => {
  it('page through the alerts of a driver, newest first, each once', async () => {
    const ids = Array.from({ length: 45 }, (_, index) => `${driverId}-${String(index).padStart(2, '0')}`);
    for (const [index, alertId] of ids.entries())
      await insertAlert({ alertId, createdAtMs: 1e12 + Math.floor(index / 3) });
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const response = await gateway.get(`/v1/alerts?driverId=${driverId}&limit=20${cursor && `&cursor=${cursor}`}`);
      const answer = (await response.json()) as { items: { alertId: string }[]; nextCursor: string | null };
      seen.push(...answer.items.map(({ alertId }) => alertId));
      if (answer.nextCursor === null) break;
      cursor = answer.nextCursor;
    }
    expect(seen).toEqual(ids.toReversed());
  });
});

describe('stopping', () => {
  it('finishes the requests under way', async () => {
    harness.decide = () => [];
    const own = await started({ decisionTimeoutMs: 1_500 });
    const pending = own.post(body());
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = Date.now();
    await own.stop();
    expect(Date.now() - began).toBeLessThan(5_000);
    expect((await pending).status).toBe(202);
    await expect(own.post(body())).rejects.toThrow();
  });
});

const insertAlert = async ({ alertId = '', status = 'OPEN', createdAtMs = 0 }): Promise<void> => {
  const at = new Date(createdAtMs);
  await harness.database.database.change(
    `INSERT INTO alerts (alert_id, driver_id, source_type, severity, status, timestamp, metadata, created_at, updated_at,
       sequence, status_sequence) VALUES (?, ?, 'overspeed', 'medium', ?, ?, '{}', ?, ?, 1, 1)`,
    [alertId, driverId, status, at, at, at],
  );
};
