import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { applyBatch } from '../../../sink/apply-batch.ts';
import { planBatch } from '../../../sink/plan-batch.ts';
import { readPosition } from '../../../sink/positions.ts';
import { InvalidCursorError } from '../../../sink/read-model-cursor.ts';
import type { AlertFilters, ReadModel, StoredAlert } from '../../../sink/read-model.ts';
import { openReadModel } from '../../../sink/read-model.ts';
import { lifecycleEvent, lifeOf } from '../../support/sink-events.ts';
import { TestDatabase } from './test-database.ts';

const AT = { topic: 'alert-events', partition: 0 };
const BASE_MS = Date.UTC(2026, 10, 24, 9, 0, 0);

let tables: TestDatabase;
let readModel: ReadModel;

beforeAll(async () => {
  tables = await TestDatabase.create();
  readModel = openReadModel(tables.database);
});
afterAll(() => tables.drop());
beforeEach(() => tables.clear());

const store = async (events: readonly LifecycleEvent[]): Promise<void> => {
  const expected = await readPosition(tables.database, AT, 0);
  await applyBatch(tables.database, planBatch(events), { ...AT, expected, next: expected + events.length });
};

const created = (alertId: string, fields: Partial<LifecycleEvent> = {}): LifecycleEvent => {
  const alertTimestamp = fields.alertTimestamp ?? BASE_MS;
  return lifecycleEvent({ alertId, timestamp: alertTimestamp, ...fields, alertTimestamp });
};

const listAll = async (filters: AlertFilters, limit: number): Promise<readonly StoredAlert[]> => {
  const all: StoredAlert[] = [];
  let cursor: string | undefined;
  do {
    const page = await readModel.listAlerts(filters, cursor, limit);
    all.push(...page.alerts);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
};

describe('metadata', () => {
  it.each([
    ['a number', '{"speed":121}'],
    ['nested values', '{"trip":{"legs":[{"km":1.25},{"km":0}],"done":true,"note":null}}'],
    ['any Unicode', '{"comment":"Rüpel 🚗 \\"quoted\\" \\\\ back\\nslash’s","键":"值"}'],
    ['numbers beyond a double', '{"big":1234567890123456789,"negative":-9223372036854775807}'],
    ['an escaped zero character', '{"zero":"a\\u0000b"}'],
    ['nothing', '{}'],
  ])('[INV-SINK-METADATA] comes out of the tables as it went in: %s', async (_name, text) => {
    await store([created('a', { alertMetadata: text, metadata: text })]);
    const [stored] = (await tables.image()).alerts;
    expect(JSON.parse(stored?.metadata ?? '')).toEqual(JSON.parse(text));
    const alert = await readModel.getAlert('a');
    const [event] = await readModel.listEvents('a');
    for (const read of [alert?.metadata, event?.metadata]) {
      // Key order may be the database's own.
      expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(text));
      expect(JSON.stringify(read).match(/\d{10,}/g)).toEqual(text.match(/\d{10,}/g));
    }
  });

  it('keeps a number a number for SQL', async () => {
    await store([created('a', { alertMetadata: '{"speed":121}' })]);
    const [row] = await tables.database.query(
      `SELECT JSON_TYPE(JSON_EXTRACT(metadata, '$.speed')) AS type, JSON_EXTRACT(metadata, '$.speed') + 1 AS next FROM alerts`,
    );
    expect(row).toEqual({ type: 'INTEGER', next: 122 });
  });
});

describe('one alert', () => {
  it('has its own time, the time of the last status change and that of the last event', async () => {
    const life = lifeOf('a').slice(0, 3);
    await store(life);
    expect(await readModel.getAlert('a')).toEqual({
      alertId: 'a',
      driverId: 'TEST-01',
      sourceType: 'overspeed',
      severity: 'critical',
      status: 'ESCALATED',
      createdAtMs: life[0]?.timestamp,
      timestampMs: life[1]?.timestamp,
      updatedAtMs: life[2]?.timestamp,
      sequence: 3,
      metadata: { of: 'a', startMs: BASE_MS },
    });
  });

  it('lists its events in the order they happened', async () => {
    const life = lifeOf('a').slice(0, 4);
    await store([...life].reverse());
    await store([created('b')]);
    const events = await readModel.listEvents('a');
    expect(
      events.map(({ eventId, eventType, oldStatus, newStatus }) => [eventId, eventType, oldStatus, newStatus]),
    ).toEqual([
      ['a:1', 'CREATED', null, 'OPEN'],
      ['a:2', 'ESCALATED', 'OPEN', 'ESCALATED'],
      ['a:3', 'COMMENTED', 'ESCALATED', 'ESCALATED'],
      ['a:4', 'AUTO_CLOSED', 'ESCALATED', 'AUTO_CLOSED'],
    ]);
    expect(events.map(({ timestampMs }) => timestampMs)).toEqual(life.map(({ timestamp }) => timestamp));
  });

  it('is told from one whose id differs in case', async () => {
    await store([created('abc'), created('ABC', { driverId: 'other' })]);
    expect((await readModel.getAlert('ABC'))?.driverId).toBe('other');
    expect((await readModel.getAlert('abc'))?.driverId).toBe('TEST-01');
  });

  it('is undefined when it is unknown or purged', async () => {
    await store(lifeOf('a'));
    expect(await readModel.getAlert('a')).toBeUndefined();
    expect(await readModel.listEvents('a')).toEqual([]);
  });
});

describe('the list', () => {
  const fleet = Array.from({ length: 60 }, (_, index) =>
    created(`alert-${String(index).padStart(2, '0')}`, {
      alertTimestamp: BASE_MS + Math.floor(index / 4) * 1_000,
      driverId: `driver-${index % 3}`,
      sourceType: index % 2 === 0 ? 'overspeed' : 'compliance',
      severity: index % 5 === 0 ? 'high' : 'low',
      newStatus: index % 7 === 0 ? 'ESCALATED' : 'OPEN',
    }),
  );
  const idsWhere = (matches: (event: LifecycleEvent) => boolean): readonly string[] =>
    fleet
      .filter(matches)
      .sort((a, b) => b.alertTimestamp - a.alertTimestamp || (a.alertId < b.alertId ? 1 : -1))
      .map(({ alertId }) => alertId);

  it.each([
    ['nothing', {}, () => true],
    ['a driver', { driverId: 'driver-1' }, ({ driverId }: LifecycleEvent) => driverId === 'driver-1'],
    ['a source type', { sourceType: 'compliance' }, ({ sourceType }: LifecycleEvent) => sourceType === 'compliance'],
    ['a status', { status: 'ESCALATED' }, ({ newStatus }: LifecycleEvent) => newStatus === 'ESCALATED'],
    ['a severity', { severity: 'high' }, ({ severity }: LifecycleEvent) => severity === 'high'],
    [
      'a time',
      { fromMs: BASE_MS + 2_000, toMs: BASE_MS + 5_000 },
      ({ alertTimestamp: ms }: LifecycleEvent) => ms >= BASE_MS + 2_000 && ms < BASE_MS + 5_000,
    ],
    [
      'all at once',
      { driverId: 'driver-0', sourceType: 'overspeed', severity: 'low', status: 'OPEN', fromMs: BASE_MS },
      (event: LifecycleEvent) =>
        event.driverId === 'driver-0' &&
        event.sourceType === 'overspeed' &&
        event.severity === 'low' &&
        event.newStatus === 'OPEN',
    ],
  ])('is newest first, page by page, filtered by %s', async (_name, filters, matches) => {
    await store(fleet);
    for (const limit of [1, 7, 1_000]) {
      expect((await listAll(filters, limit)).map(({ alertId }) => alertId)).toEqual(idsWhere(matches));
    }
  });

  it('neither skips nor repeats an alert while others come, change and go', async () => {
    await store(fleet);
    const first = await readModel.listAlerts({}, undefined, 20);
    await store([
      created('newest', { alertTimestamp: BASE_MS + 3_600_000 }),
      ...fleet.slice(0, 3).map((event) => ({
        ...event,
        eventId: `${event.alertId}:2`,
        sequence: 2,
        eventType: 'AUTO_CLOSED' as const,
        oldStatus: event.newStatus,
        newStatus: 'AUTO_CLOSED' as const,
        timestamp: BASE_MS + 7_200_000,
      })),
    ]);
    const rest = await readModel.listAlerts({}, first.nextCursor, 1_000);
    expect([...first.alerts, ...rest.alerts].map(({ alertId }) => alertId)).toEqual(idsWhere(() => true));
    expect(rest.nextCursor).toBeUndefined();
  });

  it('takes filters as values, never as SQL', async () => {
    await store(fleet);
    const filters = { driverId: "' OR '1'='1", status: 'OPEN' };
    expect((await readModel.listAlerts(filters, undefined, 10)).alerts).toEqual([]);
  });

  it('refuses a cursor that it did not give', async () => {
    await expect(readModel.listAlerts({}, 'made-up', 10)).rejects.toBeInstanceOf(InvalidCursorError);
  });

  it.each([
    ['the newest', '', 'alerts_newest'],
    ['those of a driver', "WHERE driver_id = 'driver-7'", 'alerts_driver'],
    ['those of a status', "WHERE status = 'ESCALATED'", 'alerts_status'],
  ])('finds %s by an index, in order', async (_name, where, index) => {
    const many = Array.from({ length: 3_000 }, (_, at) =>
      created(`many-${at}`, {
        alertTimestamp: BASE_MS + at,
        driverId: `driver-${at % 100}`,
        newStatus: at % 50 === 0 ? 'ESCALATED' : 'OPEN',
      }),
    );
    await store(many);
    await tables.database.query('ANALYZE TABLE alerts');
    const [plan] = await tables.database.query(
      `EXPLAIN SELECT * FROM alerts ${where} ORDER BY created_at DESC, alert_id DESC LIMIT 20`,
    );
    expect(plan?.['key']).toBe(index);
    expect(plan?.['Extra']).not.toMatch(/filesort/);
  });

  it('has an index that covers the drivers with the most open alerts', async () => {
    await store(fleet);
    const [plan] = await tables.database.query(
      `EXPLAIN SELECT driver_id, COUNT(*) AS open_alerts FROM alerts WHERE status = 'OPEN'
       GROUP BY driver_id ORDER BY open_alerts DESC LIMIT 5`,
    );
    expect(plan?.['key']).toBe('alerts_status');
    expect(plan?.['Extra']).toMatch(/Using index/);
  });

  it('answers a ping', async () => {
    await expect(readModel.ping()).resolves.toBeUndefined();
  });
});
