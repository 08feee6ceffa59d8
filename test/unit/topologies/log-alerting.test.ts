import { describe, expect, it } from 'vitest';
import { changedRule } from '../../../processors/log-alerting/rule-draft.ts';
import type { LogEvent } from '../../../schemas/log-event.ts';
import { logOf, LogSystem, MINUTE_MS, ruleOf, START_MS } from '../../support/log-system.ts';

const errors = ruleOf({ type: 'ERROR_THRESHOLD', threshold: 100, severity: 'CRITICAL' }, 'errors');
const slow = ruleOf({ type: 'LATENCY', threshold: 50 }, 'slow');
const broken = ruleOf({ type: 'SERVER_ERROR', threshold: 20 }, 'broken');

const sendTheCase = async (system: LogSystem): Promise<void> => {
  await system.logs(120, { level: 'error' });
  await system.logs(60, { responseTime: 5_000 });
  await system.logs(30, { level: 'warn', statusCode: 503 });
};

describe('rules over tumbling windows', () => {
  it('[INV-LOG-ONE-ALERT] 120 errors, 60 slow requests and 30 server errors raise one alert each, and none again within the cooldown', async () => {
    const system = await LogSystem.start([errors, slow, broken]);
    await sendTheCase(system);
    expect(system.alerts.map(({ ruleId, count, value }) => [ruleId, count, value])).toEqual([
      ['errors', 101, 101],
      ['slow', 51, 51],
      ['broken', 21, 21],
    ]);
    await system.pass(6);
    await sendTheCase(system);
    expect(system.alerts).toHaveLength(3);
    expect(system.count('alerts_processed')).toBe(6);
    expect(system.count('alerts_deduplicated')).toBe(3);
    await system.pass(15);
    await sendTheCase(system);
    expect(system.alerts).toHaveLength(6);
  });

  it('an alert tells rule, service, window and what was compared', async () => {
    const system = await LogSystem.start([ruleOf({ type: 'ERROR_RATE', threshold: 40, name: 'Half of it fails' })]);
    for (let sent = 0; sent < 12; sent += 1) await system.log({ level: sent % 2 === 0 ? 'fatal' : 'debug' });
    expect(system.alerts).toEqual([
      {
        alertId: expect.stringMatching(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        ) as string,
        fingerprint: 'rule-1:HIGH:payment-service',
        ruleId: 'rule-1',
        ruleName: 'Half of it fails',
        ruleType: 'ERROR_RATE',
        service: 'payment-service',
        severity: 'HIGH',
        count: 5,
        value: 50,
        threshold: 40,
        windowMinutes: 5,
        cooldownMinutes: 15,
        windowStart: START_MS,
        windowEnd: START_MS + 5 * MINUTE_MS,
        triggeredAt: START_MS,
        message:
          'Half of it fails: 5 errors of payment-service in 5 min (rate > threshold and total >= 10: 50, threshold 40)',
      },
    ]);
  });

  it('each window counts from nothing, and services count apart', async () => {
    const system = await LogSystem.start([ruleOf({ type: 'ERROR_THRESHOLD', threshold: 2, cooldownMinutes: 0 })]);
    await system.logs(2, { level: 'error' });
    await system.logs(2, { level: 'error', service: 'other' });
    await system.pass(5);
    await system.logs(2, { level: 'error' });
    expect(system.alerts).toEqual([]);
    await system.log({ level: 'error' });
    expect(system.alerts.map(({ service }) => service)).toEqual(['payment-service']);
  });

  it('a rule for one service leaves the others alone', async () => {
    const system = await LogSystem.start([ruleOf({ type: 'ERROR_THRESHOLD', threshold: 0, service: 'auth' })]);
    await system.log({ level: 'error' });
    await system.log({ level: 'error', service: 'auth' });
    expect(system.alerts.map(({ service }) => service)).toEqual(['auth']);
  });

  it('a window that could not raise its alert in the cooldown raises it after that', async () => {
    const rule = ruleOf({ type: 'ERROR_THRESHOLD', threshold: 1, windowMinutes: 10, cooldownMinutes: 11 });
    const system = await LogSystem.start([rule]);
    await system.pass(5);
    await system.logs(2, { level: 'error' });
    await system.pass(6);
    await system.logs(5, { level: 'error' });
    expect([system.alerts.length, system.count('alerts_deduplicated')]).toEqual([1, 1]);
    await system.pass(6);
    await system.log({ level: 'error' });
    expect(system.alerts.map(({ count }) => count)).toEqual([2, 6]);
  });
});

describe('event time', () => {
  it('a late log counts in its own window up to the grace period, and not beyond', async () => {
    const system = await LogSystem.start([ruleOf({ type: 'ERROR_THRESHOLD', threshold: 2, windowMinutes: 1 })], {
      graceMs: 30_000,
    });
    await system.logs(2, { level: 'error' });
    await system.log({ timestamp: START_MS + MINUTE_MS + 29_999 });
    await system.log({ level: 'error', timestamp: START_MS + 59_999 });
    expect(system.alerts.map(({ windowStart }) => windowStart)).toEqual([START_MS]);
    await system.log({ timestamp: START_MS + 3 * MINUTE_MS });
    await system.logs(3, { level: 'error', timestamp: START_MS + MINUTE_MS });
    expect(system.alerts).toHaveLength(1);
    expect(system.count('log_evaluations_late')).toBe(3);
  });

  it('[INV-LOG-REPLAY] the same logs raise the same alerts, however they are cut by restarts', async () => {
    const rules = [ruleOf({ type: 'ERROR_THRESHOLD', threshold: 3, cooldownMinutes: 1, windowMinutes: 1 }), slow];
    const logs: LogEvent[] = Array.from({ length: 60 }, (_, index) =>
      logOf({ level: index % 3 === 0 ? 'info' : 'error', timestamp: START_MS + index * 5_000 }),
    );
    const alertsOf = async (restartEvery: number) => {
      const system = await LogSystem.start(rules);
      for (const [index, log] of logs.entries()) {
        if (index % restartEvery === restartEvery - 1) await system.driver.restart();
        await system.log(log);
      }
      return system.alerts;
    };
    const whole = await alertsOf(1_000);
    expect(whole.length).toBeGreaterThan(2);
    expect(await alertsOf(7)).toEqual(whole);
  });
});

describe('rules over sliding windows', () => {
  const rule = ruleOf({ type: 'ERROR_THRESHOLD', threshold: 3, windowType: 'SLIDING', windowMinutes: 1 });

  it('count across the boundary of tumbling ones', async () => {
    const system = await LogSystem.start([rule]);
    await system.logs(2, { level: 'error', timestamp: START_MS + 50_000 });
    await system.logs(2, { level: 'error', timestamp: START_MS + 70_000 });
    expect(system.alerts.map(({ count }) => count)).toEqual([4]);
  });

  it('forget what has left them', async () => {
    const system = await LogSystem.start([rule]);
    for (let sent = 0; sent < 10; sent += 1) await system.log({ level: 'error', timestamp: START_MS + sent * 25_000 });
    expect(system.alerts).toEqual([]);
  });

  it('raise one alert as long as they reach back to the last one', async () => {
    const system = await LogSystem.start([{ ...rule, cooldownMinutes: 0 }]);
    for (let sent = 0; sent < 90; sent += 1) await system.log({ level: 'error', timestamp: START_MS + sent * 1_000 });
    expect(system.alerts.map(({ triggeredAt }) => triggeredAt - START_MS)).toEqual([3_000, 63_000]);
  });
});

describe('rules about silence', () => {
  const silence = ruleOf({ type: 'ABSENCE', service: 'payment-service', windowMinutes: 2 });

  it('raise one alert when a service falls silent, at that time, and another after it was heard again', async () => {
    const system = await LogSystem.start([{ ...silence, cooldownMinutes: 0 }]);
    await system.log();
    await system.pass(1);
    await system.log();
    await system.pass(30);
    expect(system.alerts.map(({ triggeredAt }) => (triggeredAt - START_MS) / MINUTE_MS)).toEqual([3]);
    await system.log();
    await system.pass(30);
    expect(system.alerts.map(({ triggeredAt }) => (triggeredAt - START_MS) / MINUTE_MS)).toEqual([3, 33]);
  });

  it('[INV-LOG-SILENCE] see a service that never says anything, and one that restarts do not forget', async () => {
    const system = await LogSystem.start([silence], { partitions: 4 });
    await system.pass(1);
    await system.driver.restart();
    await system.pass(2);
    expect(system.alerts.map(({ service, count }) => [service, count])).toEqual([['payment-service', 0]]);
    await system.pass(60);
    expect(system.alerts).toHaveLength(1);
  });

  it('count the logs that are left in the window', async () => {
    const system = await LogSystem.start([{ ...silence, threshold: 3 }]);
    for (const seconds of [0, 50, 100, 110]) await system.log({ timestamp: START_MS + seconds * 1_000 });
    await system.pass(5);
    expect(system.alerts.map(({ count, triggeredAt }) => [count, triggeredAt - START_MS])).toEqual([[2, 170_000]]);
  });

  it('tell of every service when they name none, and forget those that are gone', async () => {
    const system = await LogSystem.start([{ ...silence, service: null }]);
    await system.log({ service: 'a' });
    await system.log({ service: 'b' });
    await system.pass(10);
    expect(system.alerts.map(({ service }) => service)).toEqual(['a', 'b']);
  });

  it('say nothing once they are removed', async () => {
    const system = await LogSystem.start([silence]);
    await system.log();
    await system.setRule(silence.id, null);
    await system.pass(10);
    expect(system.alerts).toEqual([]);
  });
});

describe('the rules', () => {
  it('are in force at once: changed, disabled, enabled and removed ones', async () => {
    const system = await LogSystem.start([errors]);
    const change = async (draft: Readonly<Record<string, unknown>>, from = errors) => {
      const outcome = changedRule(from, draft, START_MS);
      if (!outcome.ok) throw new Error('refused');
      await system.setRule(errors.id, outcome.rule);
      return outcome.rule;
    };
    await system.logs(3, { level: 'error' });
    const disabled = await change({ threshold: 1, enabled: false, cooldownMinutes: 0 });
    await system.logs(3, { level: 'error' });
    expect(system.alerts).toEqual([]);
    const enabled = await change({ enabled: true }, disabled);
    await system.logs(2, { level: 'error' });
    expect(system.alerts.map(({ count }) => count)).toEqual([2]);
    await system.setRule(enabled.id, null);
    await system.pass(5);
    await system.logs(9, { level: 'error' });
    expect(system.alerts).toHaveLength(1);
  });

  it('[INV-LOG-RULES-CHECKED] a bad one on the topic is refused, and the one before it stays', async () => {
    const system = await LogSystem.start([ruleOf({ type: 'ERROR_THRESHOLD', threshold: 0 })]);
    await system.setRule('rule-1', { ...ruleOf({ type: 'LATENCY', threshold: 1 }), condition: 'count >' });
    await system.log({ level: 'error' });
    expect(system.alerts.map(({ ruleType }) => ruleType)).toEqual(['ERROR_THRESHOLD']);
    expect(system.count('log_alert_rules_refused')).toBe(1);
  });
});

describe('what cannot be evaluated', () => {
  it.each([
    ['an unknown level', { level: 'loud' }, 'level is "loud"'],
    ['a service of another key', { service: ' padded' }, 'service is " padded"'],
    ['a time in the future', { timestamp: START_MS + 10 * MINUTE_MS }, 'ahead of the clock'],
    ['a negative time', { responseTime: -1 }, 'responseTime is -1'],
  ])('%s goes to the dead letters', async (_name, fields, why) => {
    const system = await LogSystem.start([ruleOf({ type: 'ERROR_THRESHOLD', threshold: 0 })]);
    const log = logOf({ level: 'error', ...fields });
    const json = { serialize: (_topic: string, value: unknown) => Buffer.from(JSON.stringify(value)) };
    const text = { serialize: (_topic: string, value: string) => Buffer.from(value) };
    await system.driver.inputTopic('log-events', text, json).pipe(log.service, log);
    const letters = await system.driver
      .outputTopic(
        'dead-letters',
        { deserialize: () => '' },
        { deserialize: (_t, data) => Buffer.from(data ?? []).toString() },
      )
      .read();
    const messages = letters.flatMap(({ headers }) =>
      (headers ?? []).map(([, value]) => Buffer.from(value).toString()),
    );
    expect(messages.join('\n')).toContain(why);
    expect(system.alerts).toEqual([]);
  });
});

describe('error counts', () => {
  it('[INV-LOG-ERROR-COUNTS] are kept by minute and rolled up into hours and days, each error once, whatever restarts in between', async () => {
    const system = await LogSystem.start([]);
    for (let sent = 0; sent < 130; sent += 1) {
      if (sent % 10 === 9) await system.driver.restart();
      await system.log({ level: sent % 2 === 0 ? 'error' : 'info', timestamp: START_MS + sent * 30_000 });
    }
    await system.pass(1);
    const of = (resolution: string) => [...system.errorCounts].filter(([key]) => key.includes(` ${resolution} `));
    expect(of('minute')).toHaveLength(65);
    expect(of('minute').every(([, count]) => count === 1)).toBe(true);
    expect(of('hour').map(([, count]) => count)).toEqual([60, 5]);
    expect(of('day').map(([, count]) => count)).toEqual([65]);
  });

  it('a flood of errors is a few records a second', async () => {
    const system = await LogSystem.start([]);
    await system.logs(300, { level: 'error' });
    await system.pass(1);
    expect(system.errorCounts.get('payment-service minute 2026-11-24T09:00:00.000Z')).toBe(300);
    expect(system.errorCountRecords).toBe(3);
  });
});
