/** The gateway over HTTP, on memory. */
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RetriableLogError } from '../../../connectors/log.ts';
import { readGatewayConfig } from '../../../gateway/config.ts';
import { body, World } from './http-world.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let world = new World();
beforeEach(() => void (world = new World()));
afterEach(async () => world.close());

describe('POST /process-alert', () => {
  it('answers 201 with the alert id and the status of the decision', async () => {
    await world.start();
    const response = await world.post({ ...body, timestamp: '2026-11-20 09:33:24' });
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({ alertId: expect.stringMatching(UUID_V7) as unknown, status: 'ESCALATED' });
    expect(world.produced()).toEqual([
      {
        ...body,
        alertId: response.json<{ alertId: string }>().alertId,
        timestamp: Date.parse('2026-11-20T09:33:24Z'),
        metadata: '{"speed":121}',
      },
    ]);
  });

  it('reads times without a zone in the configured one', async () => {
    await world.start({ GATEWAY_TIME_ZONE: 'Asia/Kolkata' });
    await world.post({ ...body, timestamp: '2026-11-20 09:33:24' });
    expect(world.produced()[0]?.timestamp).toBe(Date.parse('2026-11-20T09:33:24+05:30'));
  });

  it('keeps the numbers of the metadata as they were written', async () => {
    await world.start();
    await world.post(
      '{"sourceType":"s","driverId":"d","severity":"HIGH","metadata":{"a":1.0,"b":[12345678901234567890]}}',
    );
    expect(world.produced()[0]).toMatchObject({ severity: 'high', metadata: '{"a":1.0,"b":[12345678901234567890]}' });
  });

  it('answers 202 PENDING when the decision takes too long', async () => {
    await world.start();
    const response = await world.post({ ...body, sourceType: 'silent' });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toEqual({ alertId: expect.stringMatching(UUID_V7) as unknown, status: 'PENDING' });
  });

  it.each<[string, unknown, readonly string[]]>([
    ['no fields', {}, ['sourceType', 'driverId', 'severity']],
    ['an unknown severity', { ...body, severity: 'dire' }, ['severity']],
    ['a number as driver', { ...body, driverId: 12 }, ['driverId']],
    ['an empty driver', { ...body, driverId: '' }, ['driverId']],
    ['a blank driver', { ...body, driverId: ' ' }, ['driverId']],
    ['a control character', { ...body, driverId: 'a\u0000b' }, ['driverId']],
    ['a name that is too long', { ...body, sourceType: 'x'.repeat(65) }, ['sourceType']],
    ['a name that is too long in UTF-16', { ...body, driverId: '🚚'.repeat(33) }, ['driverId']],
    ['metadata that is a list', { ...body, metadata: [1] }, ['metadata']],
    ['metadata that is null', { ...body, metadata: null }, ['metadata']],
    ['an unknown field', { ...body, speed: 3 }, ['speed']],
    ['a day that is not', { ...body, timestamp: '2026-02-30 10:00:00' }, ['timestamp']],
    ['a number as time', { ...body, timestamp: 1764000000000 }, ['timestamp']],
    ['a time in the future', { ...body, timestamp: '2999-01-01 00:00:00' }, ['timestamp']],
    ['an id with a colon', { ...body, alertId: 'a:1' }, ['alertId']],
  ])('refuses %s with 400, naming the field', async (_what, payload, fields) => {
    await world.start();
    const response = await world.post(payload, { 'x-request-id': 'mine' });
    expect(response.statusCode).toBe(400);
    const answer = response.json<{ details: { fields: { field: string; message: string }[] } }>();
    expect(answer).toMatchObject({ code: 'VALIDATION_FAILED', request_id: 'mine' });
    expect([...new Set(answer.details.fields.map(({ field }) => field))]).toEqual(fields);
    expect(world.produced()).toEqual([]);
  });

  it.each<[string, string | Buffer]>([
    ['text that is not JSON', '{"a":'],
    ['nothing', ''],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
    ['nesting without end', `{"metadata":${'['.repeat(30_000)}`],
    ['a number beyond a double', '{"metadata":{"a":1e999}}'],
  ])('refuses %s with 400', async (_what, payload) => {
    await world.start();
    const response = await world.post(payload);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'INVALID_JSON', details: {} });
  });

  it('refuses JSON that is no object', async () => {
    await world.start();
    for (const payload of ['[]', 'null', '"text"', '1']) expect((await world.post(payload)).statusCode).toBe(400);
  });

  it('refuses a body that is too large with 413 and one of another type with 415', async () => {
    await world.start();
    const large = await world.post({ ...body, metadata: { text: 'x'.repeat(70_000) } });
    expect([large.statusCode, large.json<{ code: string }>().code]).toEqual([413, 'BODY_TOO_LARGE']);
    const text = await world.post('a=1', { 'content-type': 'text/plain' });
    expect([text.statusCode, text.json<{ code: string }>().code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('works without the database as long as there is no Idempotency-Key', async () => {
    await world.start();
    world.readModel.fault = new RetriableLogError('DATABASE_AWAY', 'away');
    expect((await world.post(body)).statusCode).toBe(201);
    const keyed = await world.post(body, { 'idempotency-key': 'key' });
    expect(keyed.statusCode).toBe(503);
    expect(keyed.headers['retry-after']).toBe('2');
    expect(keyed.json()).toMatchObject({ code: 'IDEMPOTENCY_UNAVAILABLE' });
    expect(world.produced()).toHaveLength(1);
  });

  it('refuses an Idempotency-Key that is no plain text of 1 to 255 characters', async () => {
    await world.start();
    for (const key of ['', 'with blank', 'x'.repeat(256)]) {
      const response = await world.post(body, { 'idempotency-key': key });
      expect(response.statusCode).toBe(400);
      expect(JSON.stringify(response.json())).toContain('idempotency-key');
    }
  });
});

describe('reads', () => {
  it('list alerts with all filters, times as ISO 8601 and metadata as it was stored', async () => {
    await world.start();
    const query =
      'driverId=TEST-02&sourceType=overspeed&status=ESCALATED&severity=critical' +
      '&from=2026-11-24%2000:00:00&to=2026-11-25T00:00:00Z&cursor=abc&limit=7';
    const response = await world.get(`/v1/alerts?${query}`);
    expect(response.statusCode).toBe(200);
    expect(world.readModel.asked).toEqual([
      {
        filters: {
          driverId: 'TEST-02',
          sourceType: 'overspeed',
          status: 'ESCALATED',
          severity: 'critical',
          fromMs: Date.parse('2026-11-24T00:00:00Z'),
          toMs: Date.parse('2026-11-25T00:00:00Z'),
        },
        cursor: 'abc',
        limit: 7,
      },
    ]);
    expect(response.body).toContain('"metadata":{"speed":121.0,"nested":{"id":12345678901234567890}}');
    expect(response.json()).toMatchObject({
      items: [{ alertId: 'known', timestamp: '2026-11-24T09:33:24.500Z', createdAt: '2026-11-24T09:33:24.000Z' }],
      nextCursor: 'next',
    });
  });

  it('give 20 alerts where no limit is asked for', async () => {
    await world.start();
    await world.get('/v1/alerts');
    expect(world.readModel.asked[0]?.limit).toBe(20);
  });

  it.each(['limit=0', 'limit=101', 'limit=1.5', 'limit=x', 'status=NO', 'from=2026-02-30', 'cursor=bad', 'sort=x'])(
    'refuse %s with 400',
    async (query) => {
      await world.start();
      const response = await world.get(`/v1/alerts?${query}`);
      expect(response.statusCode).toBe(400);
      const { details } = response.json<{ details: { fields: { field: string }[] } }>();
      expect(details.fields[0]?.field).toBe(query.split('=')[0]);
    },
  );

  it('give one alert and its events, and 404 for an unknown one', async () => {
    await world.start();
    expect((await world.get('/v1/alerts/known')).json()).toMatchObject({ alertId: 'known', status: 'ESCALATED' });
    expect((await world.get('/v1/alerts/known/events')).json()).toEqual({
      items: [
        {
          eventId: 'known:1',
          alertId: 'known',
          sequence: 1,
          eventType: 'CREATED',
          reason: 'below_count',
          oldStatus: null,
          newStatus: 'OPEN',
          timestamp: '1970-01-01T00:00:00.000Z',
          metadata: { reason: 'below_count', src: 'overspeed' },
        },
      ],
    });
    for (const url of ['/v1/alerts/other', '/v1/alerts/other/events']) {
      const response = await world.get(url);
      expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([404, 'ALERT_NOT_FOUND']);
    }
  });

  it('say 503 while the database is away, and 500 without the inside for any other fault', async () => {
    await world.start();
    world.readModel.fault = new RetriableLogError('DATABASE_AWAY', 'at 10.0.0.1');
    const away = await world.get('/v1/alerts/known');
    expect([away.statusCode, away.headers['retry-after']]).toEqual([503, '2']);
    world.readModel.fault = new Error('secret column at 10.0.0.1');
    const broken = await world.get('/v1/alerts/known');
    expect(broken.statusCode).toBe(500);
    expect(broken.json()).toMatchObject({ code: 'INTERNAL_ERROR', details: {} });
    expect(broken.body + away.body).not.toMatch(/secret|10\.0|stack|\.ts/);
    expect(JSON.stringify(world.logger.lines)).toContain('request failed');
  });
});

describe('every response', () => {
  it('[INV-GATEWAY-REQUEST-ID] carries the id that the client sent, or one that was made', async () => {
    await world.start();
    const sane = await world.get('/live', { 'x-request-id': 'abc-123' });
    expect(sane.headers['x-request-id']).toBe('abc-123');
    for (const id of ['', 'a b', 'x'.repeat(129), '<script>', 'ü']) {
      expect((await world.get('/live', { 'x-request-id': id })).headers['x-request-id']).toMatch(UUID_V7);
    }
    for (const url of [
      '/nowhere',
      '/v1/alerts/%zz',
      `/v1/alerts/${'x'.repeat(200)}`,
      '/v1/alerts?limit=x',
      '/docs/json',
    ]) {
      const response = await world.get(url);
      expect(response.headers['x-request-id']).toMatch(UUID_V7);
      if (response.statusCode >= 400) {
        expect(Object.keys(response.json<object>())).toEqual(['code', 'message', 'request_id', 'details']);
        expect(response.json<{ request_id: string }>().request_id).toBe(response.headers['x-request-id']);
      }
    }
    const logged = world.logger.lines.filter(({ message }) => message === 'request');
    expect(logged.map(({ fields }) => fields['request_id'])).toContain('abc-123');
    expect(logged.every(({ fields }) => typeof fields['request_id'] === 'string')).toBe(true);
  });

  it('[INV-GATEWAY-REQUEST-ID] to what is not HTTP has the same form', async () => {
    await world.start();
    await world.gateway.server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = world.gateway.server.server.address() as { port: number };
    const ask = (text: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        socket.on('data', (chunk) => (answer += chunk.toString()));
        socket.on('close', () => resolve(answer));
        socket.on('error', reject);
      });
    expect(await ask('rubbish\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*X-Request-ID: [^]*"code":"MALFORMED_HTTP"/);
    const headers = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await ask(headers)).toMatch(/^HTTP\/1.1 431 [^]*"code":"HEADERS_TOO_LARGE"/);
  });
});

describe('API keys', () => {
  const key = 'a-key-of-16-chars';

  it('are asked for where they are configured, and only for alerts', async () => {
    await world.start({ GATEWAY_API_KEYS: `another-key-12345,${key}` });
    const refused = await world.post(body);
    expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([401, 'API_KEY_REQUIRED']);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect((await world.post(body, { 'x-api-key': 'a-key-of-16-charz' })).statusCode).toBe(401);
    expect((await world.post(body, { authorization: 'Bearer ' })).statusCode).toBe(401);
    expect((await world.get('/v1/alerts')).statusCode).toBe(401);
    expect((await world.post(body, { 'x-api-key': key })).statusCode).toBe(201);
    expect((await world.post(body, { authorization: `Bearer ${key}` })).statusCode).toBe(201);
    for (const url of ['/live', '/health', '/metrics', '/docs/json'])
      expect((await world.get(url)).statusCode).toBe(200);
  });

  it('are refused at the start when they are short', () => {
    expect(() => readGatewayConfig({ GATEWAY_API_KEYS: 'short' })).toThrow('GATEWAY_API_KEYS');
  });
});

describe('probes', () => {
  it('tell alive from ready, naming each check and nothing of the inside', async () => {
    const full = { disk: () => Promise.reject(new Error('the disk is full')), memory: () => undefined };
    await world.start({ PROCESSOR_URL: 'http://127.0.0.1:9', SINK_URL: 'http://127.0.0.1:9' }, { watched: full });
    const ready = await world.get('/ready');
    expect(ready.statusCode).toBe(503);
    const report = ready.json<{ status: string; checks: Record<string, { status: string }>; timestamp: string }>();
    expect(report.status).toBe('DOWN');
    expect(Object.fromEntries(Object.entries(report.checks).map(([name, { status }]) => [name, status]))).toEqual({
      kafka: 'UP',
      registry: 'UP',
      database: 'UP',
      decisions: 'UP',
      processor: 'DOWN',
      sink: 'DOWN',
    });
    expect(Date.parse(report.timestamp)).toBeGreaterThan(0);
    expect(ready.body).not.toContain('127.0.0.1');
    expect((await world.get('/live')).statusCode).toBe(200);
    for (const url of ['/health', '/api/v1/health']) {
      const health = await world.get(url);
      expect(health.statusCode).toBe(200);
      expect(health.json()).toMatchObject({
        status: 'DOWN',
        ready: false,
        checks: { kafka: { status: 'UP' }, sink: { status: 'DOWN' }, disk: { status: 'DOWN' } },
      });
    }
    expect((await world.get('/api/v1/health/ready')).statusCode).toBe(503);
    expect((await world.get('/api/v1/health/live')).statusCode).toBe(200);
    const failures = world.logger.lines.filter(({ message }) => message === 'a check fails');
    expect(failures.map(({ fields }) => fields['check']).toSorted()).toEqual(['disk', 'processor', 'sink']);
  });

  it('count requests by route and status, not by address', async () => {
    await world.start();
    await world.get('/v1/alerts/known');
    await world.get('/v1/alerts/other');
    await world.get('/nowhere');
    const { body: text, headers } = await world.get('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(/gateway_http_requests_total\{method="GET",route="\/v1\/alerts\/:id",status="200"\} 1/);
    expect(text).toMatch(/gateway_http_requests_total\{method="GET",route="\/v1\/alerts\/:id",status="404"\} 1/);
    expect(text).toMatch(/gateway_http_requests_total\{method="GET",route="unmatched",status="404"\} 1/);
    expect(text).toContain('gateway_http_request_duration_seconds_bucket');
  });

  it('describe the API as OpenAPI', async () => {
    await world.start();
    const document = (await world.get('/docs/json')).json<{ paths: Record<string, unknown> }>();
    expect(Object.keys(document.paths).toSorted()).toEqual([
      '/api/v1/health',
      '/api/v1/health/live',
      '/api/v1/health/ready',
      '/health',
      '/live',
      '/metrics',
      '/process-alert',
      '/ready',
      '/v1/alerts',
      '/v1/alerts/{id}',
      '/v1/alerts/{id}/events',
    ]);
    expect((await world.get('/docs/')).statusCode).toBe(200);
  });
});
