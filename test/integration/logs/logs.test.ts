import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection, readRegistryConnection } from '../../../connectors/config/services.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import { logAlertSchema } from '../../../schemas/avro.ts';
import type { LogAlert } from '../../../schemas/log-alert.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { logTopicNames } from '../../../topologies/log-topics.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { TestDatabase } from '../sink/test-database.ts';

const MINUTE_MS = 60_000;

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

describe('logs on real services', () => {
  const prefix = `logs-${randomUUID().slice(0, 8)}-`;
  const topics = logTopicNames(prefix);
  const kafka = new KafkaLogClient({ ...readKafkaConnection(process.env), clientId: prefix, logger: silentLogger });
  const registry = new SchemaRegistryClient(readRegistryConnection(process.env));
  let database: TestDatabase;
  let system: AlertProcesses;

  beforeAll(async () => {
    database = await TestDatabase.create();
    system = await AlertProcesses.prepare(prefix, database.url, {});
    // A grace period of two windows, so that the case can be played twice without waiting for a window to pass.
    Object.assign(system.environment, { STREAMS_APPLICATIONS: 'log-alerting', LOG_GRACE_MS: String(10 * MINUTE_MS) });
    system.start('processor', 'sink', 'gateway');
    await system.ready();
  });

  afterAll(async () => {
    await system?.close();
    await kafka.close();
    await database?.drop();
  });

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(`${system.gatewayUrl}${path}`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { code: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };

  const until = async <T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> => {
    for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
      const answer = await ask();
      if (holds(answer)) return answer;
      if (Date.now() > deadline) {
        const logs = await Promise.all((['processor', 'sink'] as const).map((name) => system.log(name)));
        throw new Error(`${what} did not come: ${JSON.stringify(answer)}\n${logs.join('\n').slice(-4_000)}`);
      }
    }
  };

  const alerts = async (): Promise<LogAlert[]> => {
    const serde = await registry.serdeFor(subjectOf(topics.logAlerts), logAlertSchema);
    const reader = kafka.reader();
    const admin = kafka.admin();
    const found: LogAlert[] = [];
    const partitions = (await admin.partitionCounts([topics.logAlerts])).get(topics.logAlerts) ?? 0;
    for (let partition = 0; partition < partitions; partition += 1) {
      const at = { topic: topics.logAlerts, partition };
      const { beginning, end } = await reader.range(at);
      await reader.read(at, beginning, end, async ({ records }) => {
        await serde.prepare?.(topics.logAlerts, records);
        for (const { value } of records) found.push(serde.deserialize(topics.logAlerts, value));
      });
    }
    await Promise.all([reader.close(), admin.close()]);
    return found.sort((a, b) => (a.ruleName < b.ruleName ? -1 : 1));
  };

  const deduplicated = async (): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${system.environment['PROCESSOR_PORT']}/metrics`)).text();
    const counts = [...text.matchAll(/^alerts_deduplicated_total\{[^}]*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };

  const batch = (count: number, fields: object, timestampMs: number): Promise<Answer> => {
    const timestamp = new Date(timestampMs).toISOString();
    const log = { service: 'case-service', level: 'INFO', message: 'Case', timestamp, ...fields };
    return call(
      'POST',
      '/api/logs/batch',
      Array.from({ length: count }, () => log),
    );
  };

  it('takes the requests of a first day with it: logs, rules, searches', async () => {
    const single = {
      service: 'payment-service',
      level: 'ERROR',
      message: 'Database connection failed',
      statusCode: 500,
      responseTime: 5000,
    };
    expect(await call('POST', '/api/logs', single)).toEqual({ code: 202, body: { status: 'queued' } });
    const meta = { userId: '123', ip: '192.168.1.1', order: 12345678901234567000, price: 1.5 };
    const login = { service: 'auth-service', level: 'error', message: 'Failed to authenticate user', meta };
    expect(await call('POST', '/api/logs', login)).toEqual({ code: 202, body: { status: 'queued' } });
    const timeout = { service: 'api-service', level: 'ERROR', message: 'Timeout', statusCode: 504 };
    expect(await call('POST', '/api/logs/batch', [timeout, timeout])).toEqual({
      code: 202,
      body: { status: 'queued', count: 2, refused: [] },
    });
    expect(await call('POST', '/api/logs/batch', [timeout, { ...timeout, level: 'loud' }])).toMatchObject({
      code: 202,
      body: { count: 1, refused: [{ index: 1, problems: [{ field: 'level' }] }] },
    });
    expect(await call('POST', '/api/logs', { service: 'x' })).toMatchObject({
      code: 400,
      body: { code: 'VALIDATION_FAILED', details: { fields: [{ field: 'level' }, { field: 'message' }] } },
    });

    const search = async (query: string) =>
      (await call('GET', `/api/logs?${query}`)).body as { total: number; logs: object[] };
    await until(
      'the logs',
      () => search(''),
      ({ total }) => total === 5,
    );
    expect(await search('service=payment-service')).toMatchObject({
      total: 1,
      logs: [{ ...single, level: 'error', meta: {} }],
    });
    expect(await search('q=authenticate+user&level=ERROR')).toMatchObject({ total: 1, logs: [{ ...login }] });
    expect(await search('q=connection+of+nobody')).toEqual({ total: 0, logs: [] });
    expect((await search('service=api-service&limit=2&page=2')).logs).toHaveLength(1);
    expect(await search('to=2020-01-01T00:00:00Z')).toEqual({ total: 0, logs: [] });
    expect((await call('GET', '/api/logs?limit=101')).code).toBe(400);

    const trend = () => call('GET', '/api/metrics/errors?service=api-service&range=1h');
    const points = ({ body }: Answer) => body as { time: string; count: number }[];
    const sum = (answer: Answer) => points(answer).reduce((all, { count }) => all + count, 0);
    const answer = await until('the trend', trend, (known) => sum(known) === 3);
    expect(points(answer)).toHaveLength(60);
    for (const range of ['24h', '7d', '30d', '3m', '6m', '1y']) {
      expect(sum(await call('GET', `/api/metrics/errors?service=api-service&range=${range}`))).toBe(3);
    }
  });

  it('[INV-LOG-CASE] 120 errors, 60 slow requests and 30 server errors raise one alert each, through a crash, and none again within the cooldown', async () => {
    const rule = {
      name: 'High Error Rate',
      description: 'Triggers when error count exceeds threshold',
      type: 'ERROR_THRESHOLD',
      condition: 'count > threshold',
      threshold: 100,
      windowMinutes: 5,
      severity: 'CRITICAL',
      enabled: true,
    };
    const made = await call('POST', '/api/alert-rules', rule);
    expect(made).toMatchObject({ code: 201, body: rule });
    await call('POST', '/api/alert-rules', { name: 'Slow', type: 'LATENCY', threshold: 50, windowMinutes: 5 });
    await call('POST', '/api/alert-rules', { name: 'Broken', type: 'SERVER_ERROR', threshold: 20, windowMinutes: 5 });
    // Rules are in force within a second.
    await sleep(1_000);
    const playMs = Math.floor(Date.now() / (5 * MINUTE_MS)) * 5 * MINUTE_MS;
    expect(await batch(60, { level: 'ERROR' }, playMs)).toMatchObject({ code: 202, body: { count: 60 } });
    await system.kill('processor');
    await system.kill('sink');
    system.start('processor', 'sink');
    await batch(60, { level: 'ERROR' }, playMs);
    await batch(60, { responseTime: 2_500 }, playMs);
    await batch(30, { statusCode: 503 }, playMs);
    const raised = await until('the alerts', alerts, (found) => found.length === 3);
    expect(raised.map(({ ruleName, service, count }) => [ruleName, service, count])).toEqual([
      ['Broken', 'case-service', 21],
      ['High Error Rate', 'case-service', 101],
      ['Slow', 'case-service', 51],
    ]);

    await batch(120, { level: 'ERROR' }, playMs + 5 * MINUTE_MS);
    await batch(60, { responseTime: 2_500 }, playMs + 5 * MINUTE_MS);
    await batch(30, { statusCode: 503 }, playMs + 5 * MINUTE_MS);
    await until('what was held back', deduplicated, (count) => count === 3);
    expect(await alerts()).toHaveLength(3);
    const rules = () => call('GET', '/api/alert-rules');
    const told = (answer: Answer) =>
      (answer.body as { lastTriggeredAt: string | null }[]).map((r) => r.lastTriggeredAt);
    const played = new Date(playMs).toISOString();
    expect(told(await until('the times', rules, (answer) => !told(answer).includes(null)))).toEqual([
      played,
      played,
      played,
    ]);
    const search = () => call('GET', '/api/logs?service=case-service');
    await until('every log, once', search, ({ body }) => (body as { total: number }).total === 420);
  });

  it('rules can be looked at, changed and removed in both forms, and a bad one is refused by its field', async () => {
    const short = { service: 'auth-service', threshold: 2, windowMinutes: 5, cooldownMinutes: 15 };
    const made = await call('POST', '/api/alerts/rules', short);
    expect(made).toMatchObject({ code: 201, body: { ...short, enabled: true } });
    const { id } = made.body as { id: string };
    expect(await call('GET', `/api/alert-rules/${id}`)).toMatchObject({
      code: 200,
      body: { ...short, type: 'ERROR_THRESHOLD', condition: 'count >= threshold' },
    });
    expect(await call('PATCH', `/api/alerts/rules/${id}`, { enabled: false })).toMatchObject({
      body: { enabled: false },
    });
    expect(await call('POST', `/api/alert-rules/${id}/enable`)).toMatchObject({ body: { enabled: true, revision: 3 } });
    expect(await call('GET', '/api/alerts/services')).toEqual({ code: 200, body: ['auth-service'] });
    expect(await call('POST', `/api/alert-rules/${id}/disable`)).toMatchObject({ body: { enabled: false } });
    const whole = (await call('GET', `/api/alert-rules/${id}`)).body as object;
    expect(await call('PUT', `/api/alert-rules/${id}`, { ...whole, threshold: 7 })).toMatchObject({
      body: { threshold: 7 },
    });
    expect(await call('PUT', `/api/alert-rules/${id}`, { ...whole, condition: 'count >' })).toMatchObject({
      code: 400,
      body: { details: { fields: [{ field: 'condition' }] } },
    });
    expect(await call('POST', '/api/alerts/rules', { threshold: 2, windowMinutes: 5 })).toMatchObject({
      code: 400,
      body: { details: { fields: [{ field: 'service' }] } },
    });
    expect((await call('DELETE', `/api/alerts/rules/${id}`)).code).toBe(204);
    expect((await call('DELETE', `/api/alert-rules/${id}`)).code).toBe(404);
  });
});
