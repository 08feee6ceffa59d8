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
import { incidentTopicNames } from '../../../topologies/incident-topics.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { logAlert } from '../../support/incident-system.ts';
import { TestDatabase } from '../sink/test-database.ts';

interface Answer<T> {
  readonly code: number;
  readonly body: T;
}

interface IncidentBody {
  readonly id: string;
  readonly status: string;
  readonly version: number;
  readonly [field: string]: unknown;
}

interface ErrorAnswer {
  readonly code: string;
  readonly message: string;
  readonly request_id: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const rules = { overspeed: { escalate_if_count: 2, window_mins: 2, auto_close_after_mins: 0.05 } };

describe('incidents on real services', () => {
  const prefix = `incidents-${randomUUID().slice(0, 8)}-`;
  const topics = incidentTopicNames(prefix);
  const kafka = new KafkaLogClient({ ...readKafkaConnection(process.env), clientId: prefix, logger: silentLogger });
  const registry = new SchemaRegistryClient(readRegistryConnection(process.env));
  let database: TestDatabase;
  let system: AlertProcesses;

  beforeAll(async () => {
    database = await TestDatabase.create();
    system = await AlertProcesses.prepare(prefix, database.url, rules);
    system.start('processor', 'sink', 'gateway');
    await system.ready();
  });

  afterAll(async () => {
    await system?.close();
    await kafka.close();
    await database?.drop();
  });

  const call = async <T = IncidentBody>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> => {
    const answer = await fetch(`${system.gatewayUrl}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { code: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
  };

  const until = async <T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> => {
    for (const deadline = Date.now() + 40_000; ; await sleep(50)) {
      const answer = await ask();
      if (holds(answer)) return answer;
      if (Date.now() > deadline) {
        const logs = await Promise.all((['processor', 'sink'] as const).map((name) => system.log(name)));
        throw new Error(`${what} did not come: ${JSON.stringify(answer)}\n${logs.join('\n').slice(-4_000)}`);
      }
    }
  };

  const newUser = async (): Promise<string> => {
    const { code, body } = await call<{ id: string }>('POST', '/v1/users', {
      name: 'Anna',
      email: `anna-${randomUUID()}@example.org`,
    });
    expect(code).toBe(201);
    return body.id;
  };

  const raise = async (alert: LogAlert): Promise<void> => {
    const serde = await registry.serdeFor(subjectOf(topics.logAlerts), logAlertSchema);
    const value = Uint8Array.from(serde.serialize(topics.logAlerts, alert) ?? []);
    const producer = kafka.plainProducer();
    await producer.send([{ topic: topics.logAlerts, key: Buffer.from(alert.service), value }]);
    await producer.close();
  };

  it('an incident goes its way by the requests of the API, and each answer is what was committed', async () => {
    const createdBy = await newUser();
    const about = { title: 'Checkout is down', severity: 'P1', service: 'checkout', createdBy };
    const created = await call('POST', '/v1/incidents', about);
    expect([created.code, created.body]).toMatchObject([201, { ...about, status: 'OPEN', version: 1 }]);
    const { id } = created.body;
    expect((await call('GET', `/v1/incidents/${id}`)).body).toEqual(created.body);

    const acknowledged = await call('PATCH', `/v1/incidents/${id}/status`, { status: 'ACK', userId: createdBy });
    expect([acknowledged.code, acknowledged.body]).toMatchObject([200, { status: 'ACK', acknowledgedBy: createdBy }]);
    const again = await call('PATCH', `/v1/incidents/${id}/status`, { status: 'ACK' });
    expect([again.code, again.body]).toEqual([200, acknowledged.body]);
    const back = await call<ErrorAnswer>('PATCH', `/v1/incidents/${id}/status`, { status: 'OPEN' });
    expect([back.code, back.body]).toMatchObject([
      400,
      { code: 'INVALID_STATUS_TRANSITION', details: { from: 'ACK', to: 'OPEN', allowed: ['RESOLVED'] } },
    ]);
    expect(Object.keys(back.body)).toEqual(['code', 'message', 'request_id', 'details']);

    const comment = await call('POST', `/v1/incidents/${id}/comments`, { text: 'Rolled back', userId: createdBy });
    expect([comment.code, comment.body]).toMatchObject([201, { commentCount: 1, version: 3 }]);
    await call('PATCH', `/v1/incidents/${id}/status`, { status: 'RESOLVED' });
    expect((await call('GET', `/v1/incidents/${id}`)).body).toMatchObject({ status: 'RESOLVED', version: 4 });
    const events = await call<{ items: Record<string, unknown>[] }>('GET', `/v1/incidents/${id}/events`);
    expect(events.body.items.map(({ eventType, newStatus, actor }) => [eventType, newStatus, actor])).toEqual([
      ['CREATED', 'OPEN', createdBy],
      ['STATUS_CHANGED', 'ACK', createdBy],
      ['COMMENTED', 'ACK', createdBy],
      ['STATUS_CHANGED', 'RESOLVED', null],
    ]);
  });

  it('[INV-INCIDENT-IDEMPOTENT] the same key and body open one incident, another body is a conflict', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const about = { title: 'Mail is late', severity: 'P3' };
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/v1/incidents', about, key)));
    const again = await call('POST', '/v1/incidents', about, key);
    const opened = answers.filter(({ code }) => code === 201);
    expect(opened).toHaveLength(1);
    expect(answers.every(({ code }) => [200, 201, 409].includes(code))).toBe(true);
    expect([again.code, again.body.id]).toEqual([200, opened[0]?.body.id]);
    const other = await call<ErrorAnswer>('POST', '/v1/incidents', { ...about, severity: 'P1' }, key);
    expect([other.code, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_CONFLICT']);
    const page = await call<{ items: IncidentBody[] }>('GET', '/v1/incidents?severity=P3&limit=100');
    expect(page.body.items.filter(({ title }) => title === 'Mail is late')).toHaveLength(1);
  });

  it('[INV-INCIDENT-ONE-WINS] of two commands on one version at once, one wins and the other is told why not', async () => {
    const { id } = (await call('POST', '/v1/incidents', { title: 'Two at once', severity: 'P2' })).body;
    const path = `/v1/incidents/${id}/status`;
    const answers = await Promise.all(
      ['ACK', 'RESOLVED'].map((status) => call<ErrorAnswer>('PATCH', path, { status, expectedVersion: 1 })),
    );
    expect(answers.map(({ code }) => code).sort()).toEqual([200, 409]);
    expect(answers.find(({ code }) => code === 409)?.body).toMatchObject({
      code: 'VERSION_CONFLICT',
      details: { expected: 1, actual: 2 },
    });
  });

  it('says what is wrong with a request', async () => {
    const refusals = await Promise.all([
      call<ErrorAnswer>('POST', '/v1/incidents', { title: 'No severity' }),
      call<ErrorAnswer>('POST', '/v1/incidents', { title: 'x', severity: 'P1', createdBy: randomUUID() }),
      call<ErrorAnswer>('GET', `/v1/incidents/${randomUUID()}`),
      call<ErrorAnswer>('PATCH', `/v1/incidents/${randomUUID()}/status`, { status: 'ACK' }),
      call<ErrorAnswer>('GET', '/v1/incidents?cursor=nonsense'),
      call<ErrorAnswer>('PATCH', '/v1/incidents/x/status', { status: 'GONE' }),
    ]);
    expect(refusals.map(({ code, body }) => `${code} ${body.code}`)).toEqual([
      '400 VALIDATION_ERROR',
      '400 VALIDATION_ERROR',
      '404 INCIDENT_NOT_FOUND',
      '404 INCIDENT_NOT_FOUND',
      '400 VALIDATION_ERROR',
      '400 VALIDATION_ERROR',
    ]);
  });

  it('lists by filters, page by page', async () => {
    const ids: string[] = [];
    for (const title of ['one', 'two', 'three']) {
      ids.push((await call('POST', '/v1/incidents', { title, severity: 'P2', service: 'paging' })).body.id);
    }
    type Page = { items: IncidentBody[]; nextCursor: string | null };
    const page = (cursor: string) => call<Page>('GET', `/v1/incidents?service=paging&status=OPEN&limit=2${cursor}`);
    const first = await page('');
    const second = await page(`&cursor=${first.body.nextCursor}`);
    const listed = [...first.body.items, ...second.body.items].map(({ id }) => id);
    expect([listed, second.body.nextCursor]).toEqual([ids.reverse(), null]);
  });

  it('alerts about logs become incidents as the dashboard knows them, which are acknowledged and resolved there', async () => {
    const atMs = Date.now();
    await call('PUT', '/v1/services/web/dependencies', { dependsOn: ['auth-service'] });
    await raise(logAlert('auth-service', 'rule-1', atMs, { count: 25, windowMinutes: 10 }));
    await raise(logAlert('auth-service', 'rule-1', atMs + 1_000, { count: 30, windowMinutes: 10 }));
    await raise(logAlert('web', 'rule-2', atMs + 2_000));
    const mine = async () => {
      const { body } = await call<IncidentBody[]>('GET', '/api/alerts/incidents');
      return body.filter(({ service }) => service === 'auth-service' || service === 'web');
    };
    const isoAt = (ms: number): string => new Date(atMs + ms).toISOString();
    const [incident] = await until('the incident', mine, (rows) => rows[0]?.['lastSeenErrorAt'] === isoAt(2_000));
    expect(incident).toEqual({
      id: expect.any(String) as string,
      service: 'auth-service',
      fingerprint: 'auth-service:rule-1',
      errorCount: 120,
      windowMinutes: 5,
      triggeredAt: isoAt(0),
      lastSeenErrorAt: isoAt(2_000),
      status: 'open',
      acknowledgedAt: null,
      resolvedAt: null,
    });
    expect(await mine()).toHaveLength(1);
    const acknowledged = await call('POST', `/api/alerts/incidents/${incident?.id}/acknowledge`);
    expect([acknowledged.code, acknowledged.body.status]).toEqual([200, 'acknowledged']);
    expect(await mine()).toMatchObject([{ status: 'acknowledged', resolvedAt: null }]);
    const json = { 'content-type': 'application/json' };
    const resolved = await call('POST', `/api/alerts/incidents/${incident?.id}/resolve`, undefined, json);
    expect([resolved.code, resolved.body.status]).toEqual([200, 'resolved']);
    const late = await call<ErrorAnswer>('POST', `/api/alerts/incidents/${incident?.id}/acknowledge`);
    expect([late.code, late.body.code]).toEqual([400, 'INVALID_STATUS_TRANSITION']);
    await raise(logAlert('auth-service', 'rule-1', atMs + 60_000));
    await call('POST', '/v1/incidents', { title: 'after it', severity: 'P3', service: 'auth-service' });
    expect((await call('GET', `/v1/incidents/${incident?.id}`)).body).toMatchObject({
      status: 'RESOLVED',
      alertCount: 3,
    });
  });

  it('an incident that nobody acknowledges goes from tier to tier of its policy', async () => {
    const [first, second] = [await newUser(), await newUser()];
    const tiers = [first, second].map((assignee) => ({ delayMinutes: 0.005, assignee }));
    const policy = { id: 'search', name: 'Search', services: ['search'], tiers };
    expect((await call('POST', '/v1/escalation-policies', policy)).code).toBe(201);
    const open = async () => {
      const { body } = await call('POST', '/v1/incidents', { title: 'Slow', severity: 'P2', service: 'search' });
      return body;
    };
    const { id } = await until('the policy in force', open, ({ policyId }) => policyId === 'search');
    const climbed = await until(
      'the second tier',
      async () => (await call('GET', `/v1/incidents/${id}`)).body,
      ({ tier }) => tier === 2,
    );
    expect(climbed).toMatchObject({ assignee: second, status: 'OPEN' });
    expect((await call('DELETE', '/v1/escalation-policies/search')).code).toBe(204);
  });

  it('driver alerts are acknowledged, commented and resolved, which stops their timers; escalated ones open an incident', async () => {
    const policy = { id: 'drivers', name: 'Drivers', tiers: [], driverSourceTypes: ['overspeed'] };
    expect((await call('POST', '/v1/escalation-policies', policy)).code).toBe(201);
    const alert = { sourceType: 'overspeed', driverId: `D-${randomUUID()}`, severity: 'medium' };
    const posted = await call<{ alertId: string }>('POST', '/process-alert', alert);
    const path = `/v1/alerts/${posted.body.alertId}`;
    const acknowledged = await call('POST', `${path}/acknowledge`);
    expect([acknowledged.code, acknowledged.body]).toMatchObject([200, { status: 'ACKNOWLEDGED', sequence: 2 }]);
    expect((await call('POST', `${path}/comments`, { text: 'Called the driver' })).code).toBe(201);
    const escalated = await call<{ status: string }>('POST', '/process-alert', alert);
    expect(escalated.body.status).toBe('ESCALATED');
    const incidents = async () => {
      const { body } = await call<{ items: IncidentBody[] }>('GET', `/v1/incidents?service=driver:${alert.driverId}`);
      return body.items;
    };
    const [incident] = await until('the incident of the driver', incidents, (items) => items.length > 0);
    expect(incident).toMatchObject({ source: 'driver-alert', ruleId: 'overspeed', severity: 'P1' });
    // The second alert closes after three seconds; the first one, which somebody has in hand, would have closed before it.
    const states = async () => {
      const { body } = await call<{ items: IncidentBody[] }>('GET', `/v1/alerts?driverId=${alert.driverId}`);
      return body.items.map(({ status }) => status).sort();
    };
    await until('the timeout of the other alert', states, (all) => all.includes('AUTO_CLOSED'));
    expect(await states()).toEqual(['ACKNOWLEDGED', 'AUTO_CLOSED']);
    expect((await call('POST', `${path}/resolve`)).body).toMatchObject({ status: 'RESOLVED' });
    const late = await call<ErrorAnswer>('POST', `${path}/acknowledge`);
    expect([late.code, late.body.code]).toEqual([400, 'INVALID_STATUS_TRANSITION']);
  });

  it('[INV-INCIDENT-CRASH] whatever a crash of the processor cuts off, repeated requests open each incident once', async () => {
    const requests = Array.from({ length: 12 }, (_, index) => ({
      about: { title: `Crash ${index}`, severity: 'P2', service: `crash-${index}` },
      key: { 'idempotency-key': randomUUID() },
    }));
    const open = ({ about, key }: (typeof requests)[number]) => call('POST', '/v1/incidents', about, key);
    const first = requests.map(open);
    await Promise.any(first);
    await system.kill('processor');
    system.start('processor');
    const cutOff = await Promise.all(first);
    const ids = new Map(cutOff.flatMap(({ code, body }, index) => (code === 201 ? [[index, body.id]] : [])));
    expect(ids.size).toBeGreaterThan(0);
    const repeated = await Promise.all(
      requests.map((request) =>
        until(
          request.about.title,
          () => open(request),
          ({ code }) => code === 200 || code === 201,
        ),
      ),
    );
    for (const [index, id] of ids) expect([repeated[index]?.code, repeated[index]?.body.id]).toEqual([200, id]);
    const { body } = await call<{ items: IncidentBody[] }>('GET', '/v1/incidents?limit=100');
    const opened = body.items.filter(({ title }) => String(title).startsWith('Crash '));
    expect(opened.map(({ title }) => title).sort()).toEqual(requests.map(({ about }) => about.title).sort());
    const statuses = repeated.map(({ body: { id } }) => call('PATCH', `/v1/incidents/${id}/status`, { status: 'ACK' }));
    expect((await Promise.all(statuses)).map(({ code }) => code)).toEqual(requests.map(() => 200));
  });
});
