/** The notification API of a gateway on a real database, with a dispatcher beside it where something is to arrive. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addressPolicy } from '../../../connectors/notifications/address-policy.ts';
import { createSenders } from '../../../connectors/notifications/senders.ts';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { notificationsPart } from '../../../gateway/notifications/notifications-part.ts';
import { DEFAULT_GUARD } from '../../../notifications/channel-guard.ts';
import { ChannelStore } from '../../../notifications/channel-store.ts';
import { DEFAULT_RETRY } from '../../../notifications/delivery.ts';
import { Dispatcher } from '../../../notifications/dispatcher.ts';
import { NotificationStore } from '../../../notifications/notification-store.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { World } from '../../unit/gateway/http-world.ts';
import { TestDatabase } from '../sink/test-database.ts';

interface ChannelAnswer {
  readonly id: string;
  readonly target: string;
  readonly secret?: string;
  readonly [field: string]: unknown;
}

const UUID = /^[0-9a-f-]{36}$/;
const CHANNELS = '/api/alerts/channels';

let tables: TestDatabase;
let world: World;
let server: Server;
let url: string;
let status: number;

beforeAll(async () => {
  tables = await TestDatabase.create();
  const parts = [notificationsPart({ database: tables.database, clock: systemClock })];
  world = await new World().start({}, { parts });
  server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  world.stop.abort();
  await world.gateway.server.close();
  server.close();
  await tables.drop();
});
beforeEach(async () => {
  status = 200;
  for (const table of ['notifications', 'notification_channels']) await tables.database.change(`DELETE FROM ${table}`);
});

const call = async <T = ChannelAnswer>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await world.gateway.server.inject({ method, url: path, ...payload });
  return { code: answer.statusCode, body: (answer.body === '' ? undefined : answer.json()) as T };
};

/** While it runs, what is due is delivered, also to this machine. */
const dispatching = async <T>(work: () => Promise<T>): Promise<T> => {
  const mayReach = addressPolicy(['127.0.0.0/8']) ?? (() => false);
  const email = { smtpUrl: undefined, from: 'alerts@example.com', timeoutMs: 2_000 };
  const dispatcher = new Dispatcher(
    {
      ...{ channels: new ChannelStore(tables.database), queue: new NotificationStore(tables.database) },
      senders: createSenders({ mayReach, now: Date.now, pagerdutyUrl: url, ...email }),
      ...{ clock: systemClock, logger: silentLogger, metrics: new PrometheusMetrics() },
      ...{ random: () => 0, newClaim: randomUUID },
    },
    { guard: DEFAULT_GUARD, retry: DEFAULT_RETRY, pollIntervalMs: 20, maxInFlight: 8, keepMs: 3_600_000 },
  );
  const done = dispatcher.run();
  try {
    return await work();
  } finally {
    dispatcher.stop();
    await done;
  }
};

describe('/api/alerts/channels', () => {
  it('takes a webhook as it is documented, lists it, and disables it', async () => {
    const request = { type: 'webhook', target: 'https://example.com/webhook' };
    const { code, body: made } = await call('POST', CHANNELS, request);
    expect(code).toBe(201);
    expect(made).toMatchObject({ ...request, name: 'webhook', enabled: true, fallbackId: null });
    expect(made.id).toMatch(UUID);
    expect(made.secret).toMatch(/^[0-9a-f]{64}$/);
    const { secret: _secret, ...shown } = made;
    expect(await call('GET', CHANNELS)).toEqual({ code: 200, body: [shown] });
    const disabled = await call('PATCH', `${CHANNELS}/${made.id}`, { enabled: false });
    expect(disabled).toEqual({ code: 200, body: { ...shown, enabled: false } });
    // Once more is not another channel.
    expect((await call('PATCH', `${CHANNELS}/${made.id}`, { enabled: false })).code).toBe(200);
    expect(await call('POST', `${CHANNELS}/${made.id}/test`)).toMatchObject({ code: 409 });
    expect(await call('DELETE', `${CHANNELS}/${made.id}`)).toEqual({ code: 204, body: undefined });
    expect(await call('GET', CHANNELS)).toEqual({ code: 200, body: [] });
  });

  it('[INV-NOTIFY-SECRETS] shows no secret of a channel once it is there', async () => {
    const secrets = {
      webhook: { target: 'https://example.com/a', secret: 'sign-with-this-please' },
      slack: { target: 'https://hooks.slack.example/services/T0/B0/sekrit' },
      pagerduty: { target: 'R0UT1NGKEYR0UT1NGKEYR0UT1NGK1234' },
    };
    for (const [type, fields] of Object.entries(secrets))
      expect((await call('POST', CHANNELS, { type, ...fields })).code).toBe(201);
    const { body } = await call<readonly ChannelAnswer[]>('GET', CHANNELS);
    expect(body.map(({ target }) => target)).toEqual([
      'https://example.com/a',
      'https://hooks.slack.example/…',
      '…1234',
    ]);
    expect(JSON.stringify(body)).not.toMatch(/sign-with-this|sekrit|R0UT1NG/);
  });

  it.each([
    ['type', { type: 'pigeon', target: 'x' }],
    ['target', { type: 'webhook' }],
    ['target', { type: 'webhook', target: 'ftp://example.com/' }],
    ['target', { type: 'webhook', target: 'https://user:password@example.com/' }],
    ['target', { type: 'email', target: 'a@example.com, b@example.com' }],
    ['target', { type: 'email', target: 'a@example.com\nBcc: b@example.com' }],
    ['target', { type: 'pagerduty', target: 'short' }],
    ['secret', { type: 'slack', target: 'https://example.com/', secret: 'sign-with-this-please' }],
    ['fallbackId', { type: 'email', target: 'a@example.com', fallbackId: randomUUID() }],
  ])('names %s when it is wrong: %j', async (field, request) => {
    const { code, body } = await call('POST', CHANNELS, request);
    expect(code).toBe(400);
    expect(body).toMatchObject({ code: 'VALIDATION_ERROR', details: { fields: [{ field }] } });
  });

  it('does not know channels that are not there', async () => {
    const path = `${CHANNELS}/${randomUUID()}`;
    const answers = [
      await call('PATCH', path, { enabled: true }),
      await call('DELETE', path),
      await call('POST', `${path}/test`),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ code: 404, body: { code: 'CHANNEL_NOT_FOUND' } });
  });

  it('tests a channel and says what became of it', async () => {
    const { body: hook } = await call('POST', CHANNELS, { type: 'webhook', target: `${url}/hook` });
    await dispatching(async () => {
      const works = await call('POST', `${CHANNELS}/${hook.id}/test`);
      expect(works).toMatchObject({ code: 202, body: { type: 'test', status: 'DELIVERED', deliveredBy: hook.id } });
      status = 503;
      const fails = await call('POST', `${CHANNELS}/${hook.id}/test`);
      const lastError = 'webhook: The receiver answered 503.';
      expect(fails).toMatchObject({ code: 202, body: { status: 'PENDING', attempts: 1, lastError } });
    });
  });
});

describe('/api/notifications', () => {
  it('lists what failed, sends it again, and not what was delivered', async () => {
    const { body: hook } = await call('POST', CHANNELS, { type: 'webhook', target: `${url}/hook` });
    status = 404;
    await dispatching(async () => {
      const { body: dead } = await call('POST', `${CHANNELS}/${hook.id}/test`);
      expect(dead).toMatchObject({ status: 'DEAD', nextAttemptAt: null });
      expect(await call('GET', '/api/notifications/failed?status=DEAD&limit=5')).toMatchObject({
        code: 200,
        body: { items: [{ id: dead.id, channelId: hook.id, status: 'DEAD', attempts: 1 }] },
      });
      status = 200;
      const path = `/api/notifications/failed/${dead.id}/resend`;
      expect(await call('POST', path)).toMatchObject({ code: 202, body: { id: dead.id } });
      await expect
        .poll(async () => (await call('GET', '/api/notifications/failed?status=DELIVERED')).body, { timeout: 30_000 })
        .toMatchObject({ items: [{ id: dead.id }] });
      expect(await call('POST', path)).toMatchObject({ code: 409, body: { code: 'ALREADY_DELIVERED' } });
    });
    const unknown = await call('POST', `/api/notifications/failed/${'0'.repeat(32)}/resend`);
    expect(unknown).toMatchObject({ code: 404, body: { code: 'NOTIFICATION_NOT_FOUND' } });
    expect((await call('GET', '/api/notifications/failed?limit=101')).code).toBe(400);
  });

  it('shows the circuit of each channel', async () => {
    const { body: hook } = await call('POST', CHANNELS, { type: 'webhook', target: url, name: 'ops' });
    const closed = { channelId: hook.id, name: 'ops', type: 'webhook', state: 'closed' };
    const path = '/api/notifications/circuit-breakers';
    expect(await call('GET', path)).toEqual({ code: 200, body: [{ ...closed, since: null }] });
    await new ChannelStore(tables.database).setBreaker(hook.id, 'open', Date.UTC(2026, 0, 1));
    const open = { ...closed, state: 'open', since: '2026-01-01T00:00:00.000Z' };
    expect(await call('GET', path)).toEqual({ code: 200, body: [open] });
  });
});
