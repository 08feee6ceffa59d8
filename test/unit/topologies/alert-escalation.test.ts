import { afterEach, describe, expect, test } from 'vitest';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { partitionForKey } from '../../../streams/partitioner.ts';
import { describeTopology } from '../../../streams/describe.ts';
import { jsonSerde } from '../../../streams/serdes.ts';
import { alertEscalationTopology } from '../../../topologies/alert-escalation.ts';
import type { KeyValueStore } from '../../../streams/state-store.ts';
import { AlertSystem, type AlertSystemOptions } from '../../support/alert-system.ts';
import { alertAt, CASE_RULES, HOUR, MINUTE, ruleOf, SECOND, START_MS } from '../processors/support.ts';

type KeyStore = KeyValueStore<string, unknown>;

const running: AlertSystem[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((system) => system.close()));
});

const start = async (options: AlertSystemOptions = {}): Promise<AlertSystem> => {
  const system = await AlertSystem.start({
    rules: CASE_RULES,
    ...options,
    driver: { startTimeMs: START_MS, ...options.driver },
  });
  running.push(system);
  return system;
};

/** Sends an alert at its own time. */
const live = async (system: AlertSystem, alert: RawAlert): Promise<void> => {
  await system.until(alert.timestamp);
  await system.send(alert);
};

const at = (ms: number, rest: Partial<RawAlert> = {}): RawAlert => ({ ...alertAt(START_MS + ms), ...rest });
const steps = (system: AlertSystem) => system.events.map(({ eventType, reason }) => `${eventType} ${reason}`);

test('the topology, in words', () => {
  const serdes = { rawAlert: jsonSerde<never>(), lifecycleEvent: jsonSerde(), alertRule: jsonSerde<never>() };
  expect(describeTopology(alertEscalationTopology({ serdes }).build('alerts'))).toMatchInlineSnapshot(`
    "Topologies:
       Sub-topology: 0
        Source: raw-alerts-source (topics: [raw-alerts])
          --> escalation
        Processor: escalation (stores: [alerts, recent-times])
          --> alert-events-sink
          <-- raw-alerts-source
        Sink: alert-events-sink (topic: alert-events)
          <-- escalation
       Sub-topology: 1 for global store (will not generate tasks)
        Source: alert-rules-source (topics: [alert-rules])
          --> alert-rules-table
        Processor: alert-rules-table (stores: [alert-rules])
          --> none
          <-- alert-rules-source
    "
  `);
});

describe('rules', () => {
  test('[INV-RULES-LIVE] a change on the topic holds for the next alert, without a restart', async () => {
    const system = await start({ rules: {} });
    await live(system, at(0));
    await system.setRule('overspeed', ruleOf({ escalate_if_count: 1, window_mins: 1 }));
    await live(system, at(SECOND));
    await system.setRule('overspeed', ruleOf({ escalate_if_count: 3, window_mins: 1, escalate_to: 'high' }));
    await live(system, at(2 * SECOND));
    await live(system, at(3 * SECOND));
    await system.setRule('overspeed', null);
    await live(system, at(4 * SECOND));
    expect(system.events.map(({ eventType, reason, severity }) => [eventType, reason, severity])).toEqual([
      ['CREATED', 'no_rule', 'medium'],
      ['CREATED', 'count_reached', 'medium'],
      ['ESCALATED', 'count_reached', 'critical'],
      ['CREATED', 'below_count', 'medium'],
      ['CREATED', 'count_reached', 'medium'],
      ['ESCALATED', 'count_reached', 'high'],
      ['CREATED', 'no_rule', 'medium'],
    ]);
  });

  test('a bad rule is refused and counted, and the one that was there stays in force', async () => {
    const system = await start({ rules: { overspeed: { escalate_if_count: 1, window_mins: 1 } } });
    await system.setRule('overspeed', { ...ruleOf(CASE_RULES.overspeed), windowMins: -1 });
    await system.setRule('overspeed', { ...ruleOf(CASE_RULES.overspeed), sourceType: 'speeding' });
    await system.sendRaw('alert-rules', 'overspeed', 'no rule at all');
    await live(system, at(0));
    expect(steps(system)).toEqual(['CREATED count_reached', 'ESCALATED count_reached']);
    expect(system.metrics.of('alert_rules_refused')).toEqual([[{}, 2]]);
    expect(system.metrics.of('stream_global_dropped_records')).toEqual([[{ store: 'alert-rules' }, 3]]);
  });

  test('fractional minutes are exact to the millisecond', async () => {
    const system = await start({
      rules: {
        overspeed: { escalate_if_count: 2, window_mins: 0.05, auto_close_after_mins: 0.1 },
        retention: { purge_after_mins: 0.025, archive: false },
      },
    });
    await live(system, at(0));
    await live(system, at(2_999));
    await system.until(START_MS + 2_999 + 6_000 + 1_500);
    expect(system.events.map(({ eventType, timestamp }) => [eventType, timestamp - START_MS])).toEqual([
      ['CREATED', 0],
      ['CREATED', 2_999],
      ['ESCALATED', 2_999],
      ['AUTO_CLOSED', 6_000],
      ['PURGED', 7_500],
      ['AUTO_CLOSED', 8_999],
      ['PURGED', 10_499],
    ]);
    expect(system.events.at(-1)?.metadata).toBe('{"reason":"purged","src":"overspeed","archive":false}');
  });

  test('the time to close is the rule’s in force when the alert came', async () => {
    const system = await start();
    await live(system, at(0));
    await system.setRule('overspeed', ruleOf({ auto_close_after_mins: 1 }));
    await live(system, at(SECOND));
    await system.until(START_MS + 4 * MINUTE);
    const closings = system.events.filter(({ eventType }) => eventType === 'AUTO_CLOSED');
    expect(closings.map(({ timestamp }) => timestamp - START_MS)).toEqual([MINUTE + SECOND, 4 * MINUTE]);
  });
});

describe('alerts', () => {
  test('of a source type without a rule are OPEN and stay so', async () => {
    const system = await start();
    await live(system, at(0, { sourceType: 'fuel_theft' }));
    await system.until(START_MS + 1000 * HOUR);
    expect(system.table().map(({ newStatus, reason }) => [newStatus, reason])).toEqual([['OPEN', 'no_rule']]);
  });

  test('of other drivers and source types are counted apart', async () => {
    const system = await start({
      rules: { a: { escalate_if_count: 2, window_mins: 1 }, b: { escalate_if_count: 2, window_mins: 1 } },
    });
    for (const driverId of ['x|', 'x']) {
      for (const sourceType of ['a', 'b']) await live(system, at(0, { driverId, sourceType }));
    }
    expect(steps(system)).toEqual(Array(4).fill('CREATED below_count'));
  });

  test('[INV-EVENT-PARTITION] events go to the partition their alert came from', async () => {
    const system = await start({ driver: { partitions: 4 } });
    const drivers = Array.from({ length: 12 }, (_, index) => `DRIVER-${index}`);
    for (const driverId of drivers) await live(system, at(0, { driverId }));
    // Keyed as its driver but produced by hand to another partition than the key's hash would choose.
    const astray = at(0, { driverId: 'ASTRAY' });
    const home = partitionForKey(Buffer.from('ASTRAY'), 4);
    await system.send(astray, { partition: (home + 1) % 4 });
    await system.until(START_MS + 10 * MINUTE);
    expect(new Set(system.eventPartitions.values()).size).toBe(4);
    for (const event of system.events) {
      const own = partitionForKey(Buffer.from(event.driverId), 4);
      const expected = event.driverId === 'ASTRAY' ? (home + 1) % 4 : own;
      expect(system.eventPartitions.get(event.eventId)).toBe(expected);
    }
  });

  test('within the grace period are decided exactly in any order; later ones are counted as late and decided all the same', async () => {
    const system = await start({ driver: { startTimeMs: START_MS + HOUR } });
    for (const seconds of [0, 100, 60, 45, 90, -3600]) await system.send(at(seconds * SECOND));
    const timeless = system.events.filter(({ eventType }) => eventType === 'CREATED' || eventType === 'ESCALATED');
    expect(timeless.map(({ eventType, reason }) => `${eventType} ${reason}`)).toEqual([
      'CREATED below_count',
      'CREATED below_count',
      'CREATED below_count',
      'CREATED below_count',
      'CREATED count_reached',
      'ESCALATED count_reached',
      'CREATED below_count',
    ]);
    expect(system.metrics.of('alerts_late')).toEqual([[{ source_type: 'overspeed' }, 1]]);
  });

  test('[INV-FUTURE] from the future beyond the skew go to the dead letters and do not move stream time', async () => {
    const system = await start();
    await live(system, at(0));
    await system.send(at(6 * MINUTE));
    await system.send(at(5 * MINUTE, { driverId: 'AHEAD' }));
    expect(system.events.map(({ driverId }) => driverId)).toEqual(['TEST-02', 'AHEAD']);
    const [letter, ...others] = await system.deadLetters();
    expect(others).toEqual([]);
    expect(JSON.parse(letter?.value ?? '')).toEqual(at(6 * MINUTE));
    expect(letter?.headers).toMatchObject({
      '__streams.errors.code': 'TIMESTAMP_IN_FUTURE',
      '__streams.errors.stage': 'deserialization',
      '__streams.errors.topic': 'raw-alerts',
      '__streams.errors.offset': '1',
    });
  });

  test.each([
    [{ severity: 'urgent' }, 'severity is "urgent"; allowed is one of low, medium, high, critical'],
    [{ metadata: '{"speed":}' }, 'metadata is'],
    [{ sourceType: '' }, 'sourceType is ""'],
  ])('with %j go to the dead letters with the reason, and nothing of them takes effect', async (bad, reason) => {
    const system = await start({ rules: { overspeed: { escalate_if_count: 2, window_mins: 1 } } });
    await live(system, at(0, bad));
    await live(system, at(1));
    expect(steps(system)).toEqual(['CREATED below_count']);
    const [letter] = await system.deadLetters();
    expect(letter?.headers['__streams.errors.message']).toContain(reason);
    expect(letter?.headers).toMatchObject({
      '__streams.errors.code': 'INVALID_ALERT',
      '__streams.errors.stage': 'processing',
    });
  });

  test('under a key that is not their driver go to the dead letters', async () => {
    const system = await start();
    await system.sendRaw('raw-alerts', 'TEST-01', JSON.stringify(at(0)));
    await system.sendRaw('raw-alerts', 'TEST-01', 'no alert at all');
    const letters = await system.deadLetters();
    expect(letters.map(({ headers }) => headers['__streams.errors.code'])).toEqual(['INVALID_ALERT', 'NOT_JSON']);
    expect(system.events).toEqual([]);
  });
});

describe('ids that producers choose', () => {
  const alertId = '69292914-67a6-41bc-b675-267bd7e6b018';

  test('[INV-DUPLICATE] are used as they are, and a repeat changes neither the alert nor the count', async () => {
    const system = await start({ rules: { overspeed: { escalate_if_count: 2, window_mins: 1 } } });
    await live(system, at(0, { alertId }));
    await live(system, at(1, { alertId }));
    await live(system, at(2, { alertId, severity: 'critical' }));
    expect(system.events.map(({ eventId }) => eventId)).toEqual([`${alertId}:1`]);
    expect(system.metrics.of('alerts_duplicates')).toEqual([[{ source_type: 'overspeed' }, 2]]);
    await live(system, at(3));
    expect(steps(system)).toEqual(['CREATED below_count', 'CREATED count_reached', 'ESCALATED count_reached']);
  });

  test('are known through closing and purging, for a day more, and also after a restart', async () => {
    const system = await start();
    const purged = 9 * MINUTE;
    await live(system, at(0, { alertId }));
    for (const ms of [5 * MINUTE, purged + 1, purged + 23 * HOUR]) {
      await system.restart();
      await live(system, at(ms, { alertId }));
    }
    expect(steps(system)).toEqual(['CREATED below_count', 'AUTO_CLOSED timeout', 'PURGED purged']);
    await live(system, at(purged + 24 * HOUR, { alertId }));
    expect(steps(system).at(-1)).toBe('CREATED below_count');
  });

  test('leave nothing behind in the end', async () => {
    const system = await start({ rules: { overspeed: { auto_close_after_mins: 1 } } });
    await live(system, at(0, { alertId }));
    await live(system, at(1));
    await live(system, at(48 * HOUR, { driverId: 'OTHER' }));
    await system.until(START_MS + 72 * HOUR);
    const keys = [...system.driver.store<KeyStore>('alerts').all()].map(({ key }) => key);
    expect(keys).toEqual([]);
  });
});

describe('what is kept', () => {
  test('of a quiet key goes once stream time has left it behind, not by the wall clock alone', async () => {
    const system = await start();
    await live(system, at(0));
    await system.until(START_MS + 500 * HOUR);
    const store = system.driver.store<KeyStore>('recent-times');
    expect([...store.all()].map(({ key }) => key)).toEqual(['TEST-02|overspeed']);
    await live(system, at(500 * HOUR, { driverId: 'OTHER' }));
    await system.until(START_MS + 540 * HOUR);
    expect([...store.all()].map(({ key }) => key)).toEqual(['OTHER|overspeed']);
  });

  test('survives a restart at any point: the events are the same', async () => {
    const moments = [0, 4 * SECOND, 7 * SECOND, 9 * SECOND, 5 * MINUTE];
    const [calm, restless] = [await start(), await start()];
    for (const ms of moments) {
      await live(calm, at(ms));
      await live(restless, at(ms));
      await restless.restart();
    }
    for (const system of [calm, restless]) await system.until(START_MS + 20 * MINUTE);
    expect(restless.events).toEqual(calm.events);
    expect(calm.events.length).toBe(5 + 2 + 5 + 5);
  });
});

test('metrics count every event, with source types of rules as labels and no others', async () => {
  const system = await start();
  for (const ms of [0, 1, 2]) await live(system, at(ms));
  for (const sourceType of ['made up 1', 'made up 2']) await live(system, at(3, { sourceType }));
  await system.until(START_MS + 4 * MINUTE);
  expect(system.metrics.of('alerts_lifecycle_events')).toEqual([
    [{ event_type: 'CREATED', source_type: 'overspeed', reason: 'below_count' }, 2],
    [{ event_type: 'CREATED', source_type: 'overspeed', reason: 'count_reached' }, 1],
    [{ event_type: 'ESCALATED', source_type: 'overspeed', reason: 'count_reached' }, 1],
    [{ event_type: 'CREATED', source_type: 'other', reason: 'no_rule' }, 2],
    [{ event_type: 'AUTO_CLOSED', source_type: 'overspeed', reason: 'timeout' }, 1],
  ]);
});
