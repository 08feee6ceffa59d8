import { afterEach, describe, expect, test } from 'vitest';
import { quietPeriodMs } from '../../../processors/incidents/decide-signal.ts';
import { partitionOfIncident } from '../../../schemas/incident-id.ts';
import type { Incident } from '../../../schemas/incident.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import {
  HOUR,
  IncidentSystem,
  type IncidentSystemOptions,
  logAlert,
  MINUTE,
  newIncidentId,
  policy,
  START_MS,
} from '../../support/incident-system.ts';

const running: IncidentSystem[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((system) => system.close()));
});

const start = async (options: IncidentSystemOptions = {}): Promise<IncidentSystem> => {
  const system = await IncidentSystem.start(options);
  running.push(system);
  return system;
};

/** An alert at its own time. */
const live = async (system: IncidentSystem, service: string, ruleId: string, ms: number, rest = {}): Promise<void> => {
  await system.until(START_MS + ms);
  await system.alert(logAlert(service, ruleId, START_MS + ms, rest));
};

const only = (system: IncidentSystem): Incident => {
  const incidents = system.incidents();
  expect(incidents).toHaveLength(1);
  return incidents[0] as Incident;
};

describe('alerts', () => {
  test('the first one opens an incident with everything that is known of it', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0, { severity: 'CRITICAL' });
    const incident = only(system);
    expect(incident).toMatchObject({
      ...{ title: 'Rule r1 on auth', severity: 'P1', status: 'OPEN', source: 'log-alert', service: 'auth' },
      ...{ ruleId: 'r1', fingerprint: 'auth:r1', alertCount: 1, errorCount: 120, windowMinutes: 5, version: 1 },
      ...{ triggeredAtMs: START_MS, lastSeenAtMs: START_MS, acknowledgedAtMs: null, resolvedAtMs: null },
    });
    expect(system.events[0]).toMatchObject({ eventId: `${incident.id}:1`, eventType: 'CREATED', oldStatus: null });
  });

  test('more of them bring the active incident up to date and open no other', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    await live(system, 'auth', 'r1', 20 * MINUTE, { count: 300, severity: 'CRITICAL' });
    await system.setStatus(only(system).id, 'ACK');
    await live(system, 'auth', 'r1', 40 * MINUTE, { count: 200 });
    expect(only(system)).toMatchObject({
      ...{ status: 'ACK', severity: 'P1', alertCount: 3, errorCount: 200, version: 4 },
      ...{ triggeredAtMs: START_MS, lastSeenAtMs: START_MS + 40 * MINUTE },
    });
  });

  test.each([
    [5, 15],
    [10, 20],
    [0.1, 15],
    [null, 15],
  ])('with a window of %d minutes a resolved incident stays so for %d minutes', (windowMinutes, quietMinutes) => {
    expect(quietPeriodMs(windowMinutes)).toBe(quietMinutes * MINUTE);
  });

  test('[INV-INCIDENT-QUIET] a resolved incident reopens only after the quiet period', async () => {
    const system = await start();
    const rest = { windowMinutes: 10 };
    await live(system, 'auth', 'r1', 0, rest);
    await system.until(START_MS + 2 * MINUTE);
    await system.setStatus(only(system).id, 'RESOLVED', { actor: 'anna' });
    await live(system, 'auth', 'r1', 22 * MINUTE - 1, rest);
    expect(only(system)).toMatchObject({ status: 'RESOLVED', version: 2, resolvedBy: 'anna' });
    await live(system, 'auth', 'r1', 22 * MINUTE, rest);
    expect(only(system)).toMatchObject({
      ...{ status: 'OPEN', reopenCount: 1, resolvedAtMs: null, resolvedBy: null, version: 3 },
      triggeredAtMs: START_MS + 22 * MINUTE,
    });
    expect(system.steps()).toEqual(['CREATED alert', 'STATUS_CHANGED api', 'REOPENED quiet_period_over']);
    expect(system.metrics.of('incident_alerts')).toEqual([
      [{ source: 'log-alert', outcome: 'open' }, 1],
      [{ source: 'log-alert', outcome: 'quiet' }, 1],
      [{ source: 'log-alert', outcome: 'reopen' }, 1],
    ]);
  });

  test('of a resolved incident that was forgotten open another one', async () => {
    const system = await start({ topology: { keepResolvedMs: HOUR } });
    await live(system, 'auth', 'r1', 0);
    await system.setStatus(only(system).id, 'RESOLVED');
    await system.until(START_MS + HOUR);
    await live(system, 'auth', 'r1', HOUR);
    expect(system.incidents().map(({ status }) => status)).toEqual(['RESOLVED', 'OPEN']);
  });
});

describe('correlation', () => {
  test('alerts of one service within the window join one incident', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    await live(system, 'auth', 'r2', MINUTE, { severity: 'CRITICAL' });
    await live(system, 'auth', 'r2', 20 * MINUTE);
    expect(only(system)).toMatchObject({
      ...{ fingerprint: 'auth:r1', fingerprints: ['auth:r1', 'auth:r2'], severity: 'P1', alertCount: 3 },
    });
    expect(system.steps()).toEqual(['CREATED alert', 'CORRELATED same_service', 'UPDATED active']);
  });

  test('later ones, or with no window at all, have incidents of their own', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    await live(system, 'auth', 'r2', 10 * MINUTE + 1);
    expect(system.incidents()).toHaveLength(2);
    const none = await start({ topology: { correlationWindowMs: 0 } });
    await live(none, 'auth', 'r1', 0);
    await live(none, 'auth', 'r2', 0);
    expect(none.incidents()).toHaveLength(2);
  });

  test('alerts of services that depend on each other join one incident, on whatever partition they arrive', async () => {
    const system = await start({ driver: { partitions: 4 } });
    await system.setDependencies('web', ['orders', 'search']);
    await system.setDependencies('orders', ['database']);
    await live(system, 'database', 'r1', 0);
    await live(system, 'web', 'r2', MINUTE);
    expect(only(system)).toMatchObject({ service: 'database', services: ['database', 'web'], alertCount: 2 });
    expect(JSON.parse(system.events[1]?.metadata ?? '')).toEqual({
      reason: 'dependency',
      fingerprint: 'web:r2',
      via: 'database',
    });
    await live(system, 'mail', 'r1', MINUTE);
    await live(system, 'search', 'r1', 2 * MINUTE);
    // Search depends on nothing that has failed, but web, which has joined, depends on search.
    expect(system.incidents().map(({ services }) => services)).toEqual([['database', 'web', 'search'], ['mail']]);
  });

  test('services that only share a dependency do not relate two alerts', async () => {
    const system = await start();
    await system.setDependencies('a', ['shared']);
    await system.setDependencies('b', ['shared']);
    await live(system, 'a', 'r1', 0);
    await live(system, 'b', 'r1', 0);
    expect(system.incidents()).toHaveLength(2);
  });

  test('a change of the dependencies leaves active incidents where they are and holds for the next ones', async () => {
    const system = await start({ driver: { partitions: 4 } });
    await live(system, 'web', 'r1', 0);
    await system.setDependencies('web', ['api']);
    await live(system, 'web', 'r1', MINUTE);
    const first = only(system);
    expect(first.alertCount).toBe(2);
    await system.setStatus(first.id, 'RESOLVED');
    await live(system, 'api', 'r1', HOUR);
    await live(system, 'web', 'r1', HOUR + MINUTE);
    expect(system.active().map(({ services }) => services)).toEqual([['api', 'web']]);
    expect(system.incidents()).toHaveLength(2);
  });

  test('bad records on the topics of dependencies and policies change nothing', async () => {
    const system = await start();
    await system.setPolicy('on-call', policy());
    await system.setPolicy('on-call', { ...policy(), tiers: [{ delayMinutes: -1, assignee: null }] });
    await system.setPolicy('on-call', policy({ id: 'another' }));
    await live(system, 'auth', 'r1', 0);
    expect(only(system).policyId).toBe('on-call');
    await system.setPolicy('on-call', null);
    await live(system, 'mail', 'r1', MINUTE);
    expect(system.incidents().map(({ policyId }) => policyId)).toEqual(['on-call', null]);
  });
});

describe('[INV-INCIDENT-ESCALATION] escalation', () => {
  const escalations = (system: IncidentSystem) =>
    system.events
      .filter(({ eventType }) => eventType === 'ESCALATED')
      .map(({ tier, assignee, timestamp }) => [tier, assignee, (timestamp - START_MS) / MINUTE]);

  test('calls tier after tier while nobody acknowledges, and as often as the policy repeats', async () => {
    const system = await start();
    await system.setPolicy('on-call', policy({ repeat: 1 }));
    await live(system, 'auth', 'r1', 0);
    await system.until(START_MS + HOUR);
    expect(escalations(system)).toEqual([
      [1, 'anna', 5],
      [2, 'ben', 15],
      [1, 'anna', 20],
      [2, 'ben', 30],
    ]);
    expect(only(system)).toMatchObject({ status: 'OPEN', tier: 2, assignee: 'ben', policyId: 'on-call' });
  });

  test.each(['ACK', 'RESOLVED'])('is stopped by %s', async (status) => {
    const system = await start();
    await system.setPolicy('on-call', policy({ repeat: 5 }));
    await live(system, 'auth', 'r1', 0);
    await system.until(START_MS + 6 * MINUTE);
    await system.setStatus(only(system).id, status);
    await system.until(START_MS + 10 * HOUR);
    expect(escalations(system)).toEqual([[1, 'anna', 5]]);
  });

  test('goes on after a restart and keeps the tiers it began with', async () => {
    const system = await start();
    await system.setPolicy('on-call', policy());
    await live(system, 'auth', 'r1', 0);
    await system.setPolicy('on-call', policy({ tiers: [{ delayMinutes: 1, assignee: 'carl' }] }));
    await system.restart();
    await system.until(START_MS + HOUR);
    expect(escalations(system)).toEqual([
      [1, 'anna', 5],
      [2, 'ben', 15],
    ]);
  });

  test('starts over when the incident is reopened', async () => {
    const system = await start();
    await system.setPolicy('on-call', policy({ tiers: [{ delayMinutes: 5, assignee: null }] }));
    await live(system, 'auth', 'r1', 0);
    await system.until(START_MS + 6 * MINUTE);
    await system.setStatus(only(system).id, 'RESOLVED');
    await live(system, 'auth', 'r1', HOUR);
    await system.until(START_MS + 2 * HOUR);
    expect(escalations(system)).toEqual([
      [1, null, 5],
      [1, null, 65],
    ]);
  });

  test('goes by the policy that is made most closely for the incident', async () => {
    const system = await start();
    const tiers = [{ delayMinutes: 5, assignee: null }];
    await system.setPolicy('all', policy({ id: 'all', tiers }));
    await system.setPolicy('grave', policy({ id: 'grave', tiers, severities: ['P1'] }));
    await system.setPolicy('auth', policy({ id: 'auth', tiers, services: ['auth'] }));
    await system.setPolicy('off', policy({ id: 'off', tiers, services: ['auth'], severities: ['P1'], enabled: false }));
    await live(system, 'mail', 'r1', 0);
    await live(system, 'search', 'r1', 0, { severity: 'CRITICAL' });
    await live(system, 'auth', 'r1', 0, { severity: 'CRITICAL' });
    expect(new Map(system.incidents().map(({ service, policyId }) => [service, policyId]))).toEqual(
      new Map([
        ['mail', 'all'],
        ['search', 'grave'],
        ['auth', 'auth'],
      ]),
    );
  });
});

describe('commands', () => {
  test('create an incident once, however often they come', async () => {
    const system = await start();
    const id = newIncidentId();
    const about = { title: 'Checkout is down', severity: 'P1', service: 'web' };
    const first = await system.command(id, 'CREATE', { ...about, actor: 'anna' });
    const again = await system.command(id, 'CREATE', { ...about, actor: 'anna' });
    expect([first.outcome, again.outcome, again.code]).toEqual(['APPLIED', 'UNCHANGED', 'exists']);
    expect(JSON.parse(again.subject ?? '')).toEqual(only(system));
    expect(only(system)).toMatchObject({ ...about, createdBy: 'anna', fingerprint: `api:${id}` });
  });

  test('alerts of its service join an incident that somebody opened', async () => {
    const system = await start();
    await system.command(newIncidentId(), 'CREATE', { title: 'Login fails', severity: 'P3', service: 'auth' });
    await live(system, 'auth', 'r1', MINUTE);
    expect(only(system)).toMatchObject({ severity: 'P2', alertCount: 1, fingerprints: ['auth:r1'] });
  });

  test('the same status again is fine and changes nothing', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    const { id } = only(system);
    for (const status of ['OPEN', 'ACK', 'ACK', 'RESOLVED', 'RESOLVED']) await system.setStatus(id, status);
    expect(system.results.map(({ outcome }) => outcome)).toEqual([
      'UNCHANGED',
      'APPLIED',
      'UNCHANGED',
      'APPLIED',
      'UNCHANGED',
    ]);
    expect(only(system).version).toBe(3);
  });

  test('what is not allowed is refused with the statuses that are', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    const { id } = only(system);
    await system.setStatus(id, 'ACK');
    const back = await system.setStatus(id, 'OPEN');
    await system.setStatus(id, 'RESOLVED');
    const after = await system.setStatus(id, 'ACK');
    expect([back, after].map(({ outcome, code, details }) => [outcome, code, JSON.parse(details) as unknown])).toEqual([
      ['REFUSED', 'INVALID_STATUS_TRANSITION', { from: 'ACK', to: 'OPEN', allowed: ['RESOLVED'] }],
      ['REFUSED', 'INVALID_STATUS_TRANSITION', { from: 'RESOLVED', to: 'ACK', allowed: [] }],
    ]);
    expect(back.message).toBe('An incident in status ACK cannot change to OPEN; allowed: RESOLVED.');
  });

  test('of two for the same version one wins and the other is told', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    const { id } = only(system);
    const won = await system.setStatus(id, 'ACK', { expectedVersion: 1 });
    const lost = await system.setStatus(id, 'RESOLVED', { expectedVersion: 1 });
    expect([won.outcome, lost.outcome, lost.code]).toEqual(['APPLIED', 'REFUSED', 'VERSION_CONFLICT']);
    expect(JSON.parse(lost.details)).toEqual({ expected: 1, actual: 2 });
  });

  test('comments are counted and stand in the events', async () => {
    const system = await start();
    await live(system, 'auth', 'r1', 0);
    const result = await system.command(only(system).id, 'COMMENT', { text: 'Looking into it', actor: 'anna' });
    expect(result.outcome).toBe('APPLIED');
    expect(only(system)).toMatchObject({ commentCount: 1, status: 'OPEN', version: 2 });
    expect(system.events[1]).toMatchObject({ eventType: 'COMMENTED', actor: 'anna' });
    expect(JSON.parse(system.events[1]?.metadata ?? '')).toMatchObject({ text: 'Looking into it' });
  });

  test('on an incident that is not there are answered', async () => {
    const system = await start();
    const results = [
      await system.setStatus(newIncidentId(), 'ACK'),
      await system.command(newIncidentId(), 'COMMENT', { text: 'Hello?' }),
    ];
    expect(results.map(({ code, subject }) => [code, subject])).toEqual([
      ['INCIDENT_NOT_FOUND', null],
      ['INCIDENT_NOT_FOUND', null],
    ]);
  });

  test('events and results stay in the partition that the id names', async () => {
    const system = await start({ driver: { partitions: 3 } });
    for (const service of ['a', 'b', 'c', 'd', 'e']) await live(system, service, 'r1', 0);
    for (const { id } of system.incidents()) expect((await system.setStatus(id, 'ACK')).outcome).toBe('APPLIED');
    for (const { value, partition, key } of system.eventRecords) {
      expect([partitionOfIncident(value.incidentId), key]).toEqual([partition, value.incidentId]);
    }
    expect(new Set(system.eventRecords.map(({ partition }) => partition)).size).toBeGreaterThan(1);
  });
});

test('a driver alert that escalated opens an incident of its driver and source type', async () => {
  const system = await start({ driver: { partitions: 2 } });
  const escalated: LifecycleEvent = {
    ...{ eventId: 'a1:2', alertId: 'a1', sequence: 2, eventType: 'ESCALATED', reason: 'count_reached' },
    ...{ oldStatus: 'OPEN', newStatus: 'ESCALATED', driverId: 'D-7', sourceType: 'overspeed', severity: 'critical' },
    ...{ timestamp: START_MS, alertTimestamp: START_MS, alertMetadata: '{}' },
    metadata: '{"reason":"count_reached","src":"overspeed","count":3,"windowMins":2}',
  };
  await system.escalated(escalated);
  await system.escalated({ ...escalated, alertId: 'a2', eventId: 'a2:2', timestamp: START_MS + MINUTE });
  expect(only(system)).toMatchObject({
    ...{ source: 'driver-alert', service: 'driver:D-7', ruleId: 'overspeed', fingerprint: 'driver:D-7:overspeed' },
    ...{ severity: 'P1', alertId: 'a2', alertCount: 2, errorCount: 3, windowMinutes: 2 },
  });
});
