import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection, readRegistryConnection } from '../../../connectors/config/services.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import { alertRuleSchema, rawAlertSchema } from '../../../schemas/avro.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import { topicNames } from '../../../topologies/topics.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { TestDatabase } from '../sink/test-database.ts';

/** The rules of the case, with closing and purging scaled down to seconds. */
const CLOSE_AFTER_MS = 6_000;
const PURGE_AFTER_MS = 6_000;
const rules = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: CLOSE_AFTER_MS / 60_000 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
  crash_test: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 600 },
  retention: { purge_after_mins: PURGE_AFTER_MS / 60_000 },
};

describe('the alert system on real services', () => {
  const prefix = `pipeline-${randomUUID().slice(0, 8)}-`;
  const topics = topicNames(prefix);
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

  const post = async (sourceType: string, driverId: string, severity: string, metadata: object, more: object = {}) => {
    const body = { sourceType, driverId, severity, timestamp: new Date().toISOString(), metadata, ...more };
    const answer = await fetch(`${system.gatewayUrl}/process-alert`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { code: answer.status, ...((await answer.json()) as { alertId: string; status: string }) };
  };

  const until = async <T>(
    what: string,
    ask: () => Promise<T>,
    holds: (answer: T) => boolean,
    timeoutMs = 40_000,
  ): Promise<T> => {
    for (const deadline = Date.now() + timeoutMs; ; await sleep(100)) {
      const answer = await ask();
      if (holds(answer)) return answer;
      if (Date.now() > deadline) {
        const logs = await Promise.all((['processor', 'sink'] as const).map((name) => system.log(name)));
        throw new Error(
          `${what} did not come: ${JSON.stringify(answer).slice(0, 2_000)}\n${logs.join('\n').slice(-4_000)}`,
        );
      }
    }
  };

  const rowsOf = async (driverId: string) => (await database.image()).alerts.filter((row) => row.driverId === driverId);

  it('plays the case: counts escalate, flags close, timers close and purge, the archive keeps [INV-CASE]', async () => {
    expect(await post('overspeed', 'TEST-01', 'medium', { speed: 105 })).toMatchObject({ code: 201, status: 'OPEN' });
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push(await post('overspeed', 'TEST-02', 'medium', { speed: 121 }));
    expect(statuses.map(({ status }) => status)).toEqual(['OPEN', 'OPEN', 'ESCALATED']);
    const rude = { rating: 1, comment: 'Rude driver', trip: { id: 7, legs: [1.5, null, true] } };
    expect(await post('feedback_negative', 'TEST-03', 'low', rude)).toMatchObject({ status: 'OPEN' });
    expect(await post('feedback_negative', 'TEST-03', 'low', rude)).toMatchObject({ status: 'ESCALATED' });
    const licence = { docType: 'DL', document_valid: false };
    expect(await post('compliance', 'TEST-04', 'low', licence)).toMatchObject({ status: 'OPEN' });
    const renewed = await post('compliance', 'TEST-04', 'low', { ...licence, document_valid: true });
    expect(renewed).toMatchObject({ code: 201, status: 'AUTO_CLOSED' });

    const drivers = ['TEST-01', 'TEST-02', 'TEST-03', 'TEST-04'];
    const { alerts } = await until(
      'the rows',
      () => database.image(),
      (stored) => stored.alerts.length === 8,
    );
    const summary = (driverId: string) =>
      alerts
        .filter((row) => row.driverId === driverId)
        .map(({ severity, status }) => `${severity} ${status}`)
        .sort();
    expect(drivers.map(summary)).toEqual([
      ['medium OPEN'],
      ['critical ESCALATED', 'medium OPEN', 'medium OPEN'],
      ['high ESCALATED', 'low OPEN'],
      ['low AUTO_CLOSED', 'low OPEN'],
    ]);
    expect(JSON.parse(alerts.find(({ driverId }) => driverId === 'TEST-03')?.metadata ?? '')).toEqual(rude);

    const overspeed = alerts.filter(({ sourceType }) => sourceType === 'overspeed');
    const timeouts = await until(
      'the timeouts',
      async () => (await database.image()).events.filter(({ reason }) => reason === 'timeout'),
      (events) => events.length === 4,
    );
    for (const { alertId, oldStatus, newStatus, timestamp, metadata } of timeouts) {
      const alert = overspeed.find((row) => row.alertId === alertId);
      expect({ oldStatus, newStatus, timestamp }).toEqual({
        oldStatus: alert?.status,
        newStatus: 'AUTO_CLOSED',
        timestamp: (alert?.createdAtMs ?? 0) + CLOSE_AFTER_MS,
      });
      expect(JSON.parse(metadata)).toEqual({ reason: 'timeout', src: 'overspeed' });
    }

    const purged = await until(
      'the purge',
      () => database.image(),
      (stored) => stored.alerts.length === 3,
    );
    expect(purged.alerts.map(({ driverId, status }) => `${driverId} ${status}`).sort()).toEqual([
      'TEST-03 ESCALATED',
      'TEST-03 OPEN',
      'TEST-04 OPEN',
    ]);
    expect(purged.archivedAlerts).toHaveLength(5);
    const left = new Set(purged.alerts.map(({ alertId }) => alertId));
    expect(purged.events.every(({ alertId }) => left.has(alertId))).toBe(true);
    // CREATED and AUTO_CLOSED of five alerts, and one ESCALATED; the archive is taken before PURGED itself is written.
    expect(purged.archivedEvents.length).toBeGreaterThanOrEqual(11);
  });

  it('takes Avro straight from the topic: producer ids, repeats, sources without a rule', async () => {
    const serde = await registry.serdeFor(subjectOf(topics.rawAlerts), rawAlertSchema);
    const alert: RawAlert = {
      alertId: `mine-${prefix}1`,
      driverId: 'AVRO-01',
      sourceType: 'harsh_braking',
      severity: 'high',
      timestamp: Date.now(),
      metadata: '{"g":0.7}',
    };
    const bytes = Buffer.from(serde.serialize(topics.rawAlerts, alert) ?? []);
    const record = { topic: topics.rawAlerts, key: Buffer.from(alert.driverId), value: bytes };
    await kafka.plainProducer().send([record, record, record]);
    await until(
      'the row',
      () => rowsOf('AVRO-01'),
      (rows) => rows.length > 0,
    );
    const after = await post('overspeed', 'AVRO-01', 'low', {});
    expect(after.code).toBe(201);
    const rows = await until(
      'both rows',
      () => rowsOf('AVRO-01'),
      (found) => found.length >= 2,
    );
    expect(rows.map(({ alertId, status, metadata }) => [alertId, status, metadata])).toContainEqual([
      alert.alertId,
      'OPEN',
      '{"g":0.7}',
    ]);
    expect(rows).toHaveLength(2);
  });

  it('puts a rule that was changed on the topic into force without a restart', async () => {
    const serde = await registry.serdeFor(subjectOf(topics.alertRules), alertRuleSchema);
    const nothing = {
      windowMins: null,
      escalateTo: null,
      autoCloseAfterMins: null,
      autoCloseIf: null,
      purgeAfterMins: null,
      archive: null,
    };
    const rule = { ...nothing, sourceType: 'fatigue', escalateIfCount: 1, windowMins: 5, escalateTo: 'critical' };
    expect(await post('fatigue', 'RULE-01', 'low', {})).toMatchObject({ status: 'OPEN' });
    const value = Buffer.from(serde.serialize(topics.alertRules, rule) ?? []);
    await kafka.plainProducer().send([{ topic: topics.alertRules, key: Buffer.from('fatigue'), value }]);
    await until(
      'the new rule',
      () => post('fatigue', `RULE-${randomUUID().slice(0, 6)}`, 'low', {}),
      ({ status }) => status === 'ESCALATED',
    );
  });

  it('counts the open alerts of a driver right after each answer, and says when the database counts instead [INV-QUERY-SOURCE]', async () => {
    const get = async (path: string) => {
      const answer = await fetch(`${system.gatewayUrl}/v1/drivers/COUNT-01/alerts/${path}`);
      return (await answer.json()) as Record<string, unknown>;
    };
    let alertId = '';
    for (let openCount = 1; openCount <= 5; openCount += 1) {
      ({ alertId } = await post('harsh_braking', 'COUNT-01', 'low', {}));
      expect(await get('open-count')).toEqual({ driverId: 'COUNT-01', openCount, source: 'processor', fresh: true });
    }
    expect(await get(alertId)).toMatchObject({ alertId, status: 'OPEN', source: 'processor', fresh: true });
    await system.kill('processor');
    await until(
      'the database’s count',
      () => get('open-count'),
      ({ openCount, source, fresh }) => openCount === 5 && source === 'read-model' && fresh === false,
    );
    system.start('processor');
    await until(
      'the processor’s count',
      () => get('open-count'),
      ({ openCount, source, fresh }) => openCount === 5 && source === 'processor' && fresh === true,
    );
  });

  it('loses and repeats nothing when processor, sink and gateway are killed under load [INV-EXACTLY-ONCE] [INV-SINK-EXACTLY-ONCE]', async () => {
    const serde = await registry.serdeFor(subjectOf(topics.rawAlerts), rawAlertSchema);
    const producer = kafka.plainProducer();
    const startMs = Date.now();
    const drivers = 50;
    let sent = 0;
    const send = async (count: number): Promise<void> => {
      const records = Array.from({ length: count }, () => {
        const index = sent++;
        const driverId = `KILL-${index % drivers}`;
        const alert: RawAlert = {
          alertId: `kill-${prefix}${index}`,
          driverId,
          sourceType: 'crash_test',
          severity: 'low',
          timestamp: startMs + index,
          metadata: '{}',
        };
        return {
          topic: topics.rawAlerts,
          key: Buffer.from(driverId),
          value: Buffer.from(serde.serialize(topics.rawAlerts, alert) ?? []),
        };
      });
      await producer.send(records);
    };
    for (const victim of ['processor', 'sink', 'gateway', 'processor', 'sink'] as const) {
      for (let batch = 0; batch < 5; batch++) await send(100);
      await sleep(250);
      await system.kill(victim);
      await send(100);
      system.start(victim);
      await sleep(1_500);
    }
    await system.ready();
    const ours = (id: string) => id.startsWith(`kill-${prefix}`);
    const stored = await until(
      'all rows',
      async () => {
        const { alerts, events } = await database.image();
        return {
          alerts: alerts.filter(({ alertId }) => ours(alertId)),
          events: events.filter(({ alertId }) => ours(alertId)),
        };
      },
      ({ alerts }) => alerts.length >= sent,
      90_000,
    );
    expect(stored.alerts).toHaveLength(sent);
    for (const { alertId, status, sequence } of stored.alerts) {
      const index = Number(alertId.slice(`kill-${prefix}`.length));
      // The third and every later alert of a driver is at the count; all lie within the window.
      const expected = index < 2 * drivers ? { status: 'OPEN', sequence: 1 } : { status: 'ESCALATED', sequence: 2 };
      expect({ alertId, status, sequence }).toEqual({ alertId, ...expected });
    }
    expect(stored.events).toHaveLength(2 * drivers + 2 * (sent - 2 * drivers));
    expect(new Set(stored.events.map(({ eventId }) => eventId)).size).toBe(stored.events.length);
  });

  it('ends every process in order on SIGTERM', async () => {
    expect(await system.stop('gateway')).toBe(0);
    expect(await system.stop('sink')).toBe(0);
    expect(await system.stop('processor')).toBe(0);
  });
});
