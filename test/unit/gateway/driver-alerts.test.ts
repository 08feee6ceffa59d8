import { describe, expect, it } from 'vitest';
import type { LogProducer } from '../../../connectors/log.ts';
import { QueryError, type ClientQuery, type QueryAnswer } from '../../../connectors/queries/queries.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { DriverAlerts } from '../../../gateway/drivers/driver-alerts.ts';
import { driverAlertsPart } from '../../../gateway/drivers/driver-routes.ts';
import { ProducedPlaces } from '../../../gateway/drivers/produced-places.ts';
import type { StoredAlert } from '../../../sink/read-model.ts';
import { RetriableLogError } from '../../../streams/errors.ts';
import { World } from './http-world.ts';
import { recordingLogger } from './support.ts';

const living = { kind: 'living', driverId: 'D-1', sourceType: 'overspeed', severity: 'high', status: 'ESCALATED' };
const answer = (value: unknown, source: QueryAnswer['source'] = 'active'): QueryAnswer => ({
  entries: value === undefined ? [] : [{ key: 'k', value }],
  ...{ next: undefined, taskId: '0_1', source, lagRecords: 0, stalenessMs: 0, position: {} },
});

type Ask = (query: ClientQuery) => Promise<QueryAnswer>;

const setUp = (ask: Ask, more: { readModel?: () => Promise<number> } = {}) => {
  const asked: ClientQuery[] = [];
  const sent: { offset: number; release: () => void }[] = [];
  const producer: LogProducer = {
    send: async (records) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const offset = sent.length * 10;
      sent.push({ offset, release: resolve });
      await promise;
      return records.map(({ topic }) => ({ topic, partition: 3, offset }));
    },
    close: async () => undefined,
  };
  const places = new ProducedPlaces(producer, 'raw-alerts');
  const logger = recordingLogger();
  const alerts = new DriverAlerts({
    ...{ store: 'alerts', places, clock: systemClock, logger },
    ask: (query) => {
      asked.push(query);
      return ask(query);
    },
    countOpen: more.readModel ?? (async () => 40),
    getAlert: async (alertId) => ({ alertId, driverId: 'D-1', createdAtMs: 0 }) as StoredAlert,
  });
  const send = () => places.send([{ topic: 'raw-alerts', key: Buffer.from('D-1'), value: null }]);
  return { alerts, asked, sent, send, logger };
};

const refused = (code: 'POSITION_NOT_REACHED' | 'OWNER_UNREACHABLE') => new QueryError({ code, message: code });

describe('a driver’s alerts at this moment', () => {
  it('come from the processor once it has seen what was sent before, records under way included [INV-QUERY-SOURCE]', async () => {
    const { alerts, asked, sent, send } = setUp(async () => answer(4));
    const sending = send();
    const counting = alerts.openCount('D-1');
    sent[0]?.release();
    await sending;
    expect(await counting).toEqual({ value: 4, source: 'processor', fresh: true });
    expect(asked[0]).toMatchObject({
      ...{ store: 'alerts', query: { kind: 'count', group: 'D-1' }, partitionKey: Buffer.from('D-1') },
      bounds: { minPositions: { 'raw-alerts-3': 1 } },
    });
    await alerts.openCount('D-2');
    expect(asked[1]?.bounds).toBeUndefined();
  });

  it('are marked where the processor has not seen it yet, or only a warm copy answers [INV-QUERY-SOURCE]', async () => {
    const late = setUp(async ({ bounds }) => {
      if (bounds?.stale !== true) throw refused('POSITION_NOT_REACHED');
      return answer(3);
    });
    expect(await late.alerts.openCount('D-1')).toEqual({ value: 3, source: 'processor', fresh: false });
    const standby = setUp(async ({ bounds }) => {
      if (bounds?.stale !== true) throw refused('OWNER_UNREACHABLE');
      return answer(2, 'standby');
    });
    expect(await standby.alerts.openCount('D-1')).toEqual({ value: 2, source: 'standby', fresh: false });
  });

  it('come from the read model while no processor answers, and say so; one line tells of the outage [INV-QUERY-SOURCE]', async () => {
    const { alerts, logger } = setUp(() => Promise.reject(refused('OWNER_UNREACHABLE')));
    for (let round = 0; round < 3; round += 1) {
      expect(await alerts.openCount('D-1')).toEqual({ value: 40, source: 'read-model', fresh: false });
    }
    expect(await alerts.alert('D-1', 'a')).toMatchObject({
      value: { alertId: 'a' },
      source: 'read-model',
      fresh: false,
    });
    expect((await alerts.alert('D-2', 'a')).value).toBeUndefined();
    expect(logger.lines.filter(({ message }) => message.includes('gives no answer'))).toHaveLength(1);
  });

  it('do not know alerts of other drivers, nor those that were purged', async () => {
    const { alerts } = setUp(async () => answer({ ...living, sequence: 2, timestampMs: 5 }));
    expect((await alerts.alert('D-1', 'a')).value).toMatchObject({ status: 'ESCALATED', createdAtMs: 5 });
    expect((await alerts.alert('D-2', 'a')).value).toBeUndefined();
    const purged = setUp(async () => answer({ kind: 'remembered', forgetAtMs: 1, dueAtMs: 1 }));
    expect((await purged.alerts.alert('D-1', 'a')).value).toBeUndefined();
  });

  it('are served with their source, described, and refused with a time when nobody can be asked [INV-QUERY-SOURCE]', async () => {
    const away = () => Promise.reject(refused('OWNER_UNREACHABLE'));
    const { alerts } = setUp(async () => answer(4));
    const dead = setUp(away, { readModel: () => Promise.reject(new RetriableLogError('AWAY', 'away')) });
    const world = await new World().start({}, { parts: [driverAlertsPart(alerts)] });
    const other = await new World().start({}, { parts: [driverAlertsPart(dead.alerts)] });
    try {
      const url = '/v1/drivers/D-1/alerts/open-count';
      const found = await world.gateway.server.inject({ url });
      expect(found.json()).toEqual({ driverId: 'D-1', openCount: 4, source: 'processor', fresh: true });
      const refusal = await other.gateway.server.inject({ url });
      expect([refusal.statusCode, refusal.headers['retry-after']]).toEqual([503, '2']);
      const document = (await world.gateway.server.inject({ url: '/docs/json' })).json<{ paths: object }>();
      expect(Object.keys(document.paths)).toContain('/v1/drivers/{driverId}/alerts/open-count');
    } finally {
      await world.close();
      await other.close();
    }
  });
});
