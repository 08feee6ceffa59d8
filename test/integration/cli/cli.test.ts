import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Services } from '../../../cli/services.ts';
import { deadLetterHeaders } from '../../../streams/error-handlers.ts';
import { ProcessingError } from '../../../streams/errors.ts';
import type { LogRecord } from '../../../streams/ports.ts';
import { checksumOf, CliWorld, until, type Lag } from './cli-harness.ts';

const root = join(import.meta.dirname, '../../..');
const SECOND_MINS = 1 / 60;

const rules = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 2 * SECOND_MINS },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  retention: { purge_after_mins: 2 * SECOND_MINS },
};

describe('the alerts command on real services', () => {
  let world: CliWorld;

  beforeAll(async () => {
    world = await CliWorld.start(rules);
  });

  afterAll(() => world?.close());

  interface Found {
    readonly alerts: readonly { readonly alertId: string; readonly status: string; readonly severity: string }[];
  }

  /** The alerts of a driver, as soon as there are that many. */
  const alertsOf = async (driverId: string, number: number, ...options: string[]): Promise<Found['alerts']> => {
    const ask = () => world.json<Found>('query', driverId, ...options);
    return (await until(`${number} alerts of ${driverId}`, ask, ({ alerts }) => alerts.length === number)).alerts;
  };

  it('sees every part of the running system', async () => {
    const status = await world.json<{ status: string; checks: { name: string }[] }>('status');
    expect(status.status).toBe('UP');
    expect(status.checks.map(({ name }) => name)).toEqual([
      'kafka',
      'registry',
      'mysql',
      'processor',
      'sink',
      'gateway',
    ]);
    const topics = await world.json<{ topic: string; partitions: number }[]>('topics');
    const partitions = new Map(topics.map((row) => [row.topic, row.partitions]));
    for (const changelog of world.changelogs) expect(partitions.get(changelog)).toBe(4);
    expect([...partitions.values()].every((number) => number > 0)).toBe(true);
    const rows = await world.json<Lag[]>('lag');
    for (const reader of ['processor', 'sink']) expect(rows.filter((row) => row.reader === reader)).toHaveLength(4);
    expect(rows.every(({ member }) => member?.startsWith(world.prefix))).toBe(true);
    expect(rows.map(({ reader }) => reader)).toEqual(expect.arrayContaining(['incidents-sink', 'logs-sink']));
    expect((await world.alerts('lag')).stdout).toContain(`${world.prefix}alert-events`);
  });

  it('sends alerts and shows what became of them', async () => {
    const { prefix } = world;
    const closing = { driverId: 'D-1', sourceType: 'overspeed', severity: 'low', alertId: `${prefix}closing` };
    const { exitCode, stdout, stderr } = await world.produce(closing, { driverId: 'D-1' });
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([1, { sent: 1, refused: 1 }]);
    expect(stderr).toContain('line 2: sourceType is missing');

    const csv = join(world.system.directory, 'alerts.csv');
    const row = `D-CSV,feedback_negative,low,${prefix}csv,"{""a"":1}"`;
    writeFileSync(csv, `driverId,sourceType,severity,alertId,metadata\n${row}\n`);
    expect(await world.json('produce', csv)).toMatchObject({ sent: 1 });
    expect(await alertsOf('D-CSV', 1, '--status', 'OPEN')).toMatchObject([
      { alertId: `${prefix}csv`, metadata: { a: 1 } },
    ]);
    const living = await world.json('events', `${prefix}csv`);
    expect(living).toMatchObject({ archived: false, events: [{ eventType: 'CREATED', reason: 'below_count' }] });

    const story = () => world.alerts('events', closing.alertId);
    const archived = await until('the purge', story, (told) => told.stdout.includes('from the archive'));
    for (const step of ['CREATED', 'AUTO_CLOSED', 'timeout', 'PURGED']) expect(archived.stdout).toContain(step);
    expect((await world.alerts('events', 'no-such-alert')).exitCode).toBe(1);
  });

  it('puts a rule into force, which the rules file does not overrule, and takes it out again', async () => {
    const rule = { escalate_if_count: 1, window_mins: 5, escalate_to: 'critical' };
    const ofFile = { name: 'overspeed', origin: 'file', rule: rules.overspeed };
    expect(await world.json('rules', 'get', 'overspeed')).toEqual([ofFile]);
    expect((await world.alerts('rules', 'get', 'fatigue')).exitCode).toBe(1);
    await world.json('rules', 'set', 'fatigue', JSON.stringify(rule));
    expect(await world.json('rules', 'get', 'fatigue')).toEqual([{ name: 'fatigue', origin: 'operator', rule }]);
    const statusOfNext = async (): Promise<string | undefined> => {
      const driverId = `R-${randomUUID().slice(0, 6)}`;
      await world.produce({ driverId, sourceType: 'fatigue', severity: 'low' });
      return (await alertsOf(driverId, 1))[0]?.status;
    };
    await until('the rule in force', statusOfNext, (status) => status === 'ESCALATED');
    await promisify(execFile)(process.execPath, [join(root, 'bin/setup.ts')], { env: world.system.environment });
    expect(await world.json('rules', 'get', 'fatigue')).toMatchObject([{ origin: 'operator' }]);
    await world.json('rules', 'remove', 'fatigue');
    expect((await world.alerts('rules', 'remove', 'fatigue')).exitCode).toBe(1);
    await until('the rule out of force', statusOfNext, (status) => status === 'OPEN');
  });

  it('[INV-DLQ-REPLAY] lists, shows, sends back and drops dead letters', async () => {
    const { services } = world;
    const { topics } = services;
    const serde = await services.rawAlertSerde();
    const about = { alertId: null, driverId: 'DLQ-1', sourceType: 'no_rule', timestamp: Date.now(), metadata: '{}' };
    const key = Buffer.from('DLQ-1');
    const encode = (severity: string): Buffer =>
      Buffer.from(serde.serialize(topics.rawAlerts, { ...about, severity }) ?? []);
    const headers = [['traceparent', Buffer.from('00-abc')]] as const;
    const [sent] = await services.producer.send([{ topic: topics.rawAlerts, key, value: encode('urgent'), headers }]);
    const partition = sent?.partition ?? 0;

    interface Listed {
      readonly total: number;
      readonly reasons: object[];
      readonly letters: { readonly id: string }[];
    }
    const list = (...filter: string[]) => world.json<Listed>('dlq', 'list', ...filter);
    const listed = await until('the dead letter', list, ({ total }) => total === 1);
    const reason = { stage: 'processing', code: 'INVALID_ALERT', topic: topics.rawAlerts, letters: 1 };
    expect(listed.reasons).toEqual([reason]);
    const id = listed.letters[0]?.id ?? '';
    expect((await list('--code', 'OTHER')).total).toBe(0);
    expect(await world.json('dlq', 'show', id)).toMatchObject({
      source: sent,
      headers: [['traceparent', '00-abc']],
      decoded: { value: { ...about, severity: 'urgent' } },
    });

    // Nothing was corrected, so it comes back.
    expect(await world.json('dlq', 'replay', id)).toEqual({ sent: 1, withoutSource: 0 });
    await until('the letter again', list, ({ total }) => total === 2);
    expect(await lastRecord(services, partition)).toMatchObject({ headers, key, value: encode('urgent') });

    // One whose cause is gone is processed.
    const raw: LogRecord = { offset: 0, timestampMs: Date.now(), key, value: encode('low'), headers: undefined };
    const error = new ProcessingError('CURED', 'a fault that was mended');
    const source = { topic: topics.rawAlerts, partition, offset: 0 };
    const failed = deadLetterHeaders({ stage: 'processing', error, raw, source }, 'test', Date.now());
    await services.producer.send([{ topic: topics.deadLetters, key, value: raw.value, headers: failed }]);
    expect(await world.json('dlq', 'replay', '--all', '--code', 'CURED')).toMatchObject({ sent: 1 });
    expect(await alertsOf('DLQ-1', 1)).toMatchObject([{ severity: 'low' }]);

    const refused = await world.alerts('dlq', 'drop', id);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('1 dead letter up to and including');
    const newest = (await list()).letters[0]?.id ?? '';
    expect(await world.json('dlq', 'drop', newest, '--yes')).toMatchObject({ dropped: 3 });
    expect((await list()).total).toBe(0);
    expect((await world.alerts('dlq', 'show', id)).exitCode).toBe(1);
  });

  it('[INV-BACKUP] restores the database as it was backed up, and its position with it', async () => {
    const file = join(world.system.directory, 'backup.sql.gz');
    await alertsOf('DLQ-1', 1);
    await world.caughtUp();
    const before = await world.checksum();
    const { sqlBytes } = await world.json<{ sqlBytes: number }>('backup', file);
    expect(sqlBytes).toBeGreaterThan(1_000);

    await world.produce({ driverId: 'D-LATER', sourceType: 'feedback_negative', severity: 'low' });
    await alertsOf('D-LATER', 1);
    const later = await world.checksum();
    const running = await world.alerts('restore', file, '--yes');
    expect([running.exitCode, running.stderr.includes('A sink runs')]).toEqual([4, true]);
    await world.system.stop('sink');
    expect((await world.alerts('restore', file)).exitCode).toBe(4);
    expect(await world.checksum()).toBe(later);
    await world.json('restore', file, '--yes');
    expect(await world.checksum()).toBe(before);

    world.system.start('sink');
    await alertsOf('D-LATER', 1);
    expect(await world.checksum()).toBe(later);
  });

  it('[INV-RESET] makes the processor begin anew only when it is stopped', async () => {
    const { system, services, prefix } = world;
    const group = `${prefix}alerts-processor`;
    const state = join(system.environment['DATA_DIR'] ?? '', 'state', group, '0_0');
    const running = await world.alerts('reset', '--yes');
    expect([running.exitCode, running.stderr.includes('A processor runs')]).toEqual([4, true]);
    await system.stop('processor');
    const planned = await world.alerts('reset');
    expect([planned.exitCode, planned.stderr.includes('Add --yes')]).toEqual([4, true]);
    expect(existsSync(state)).toBe(true);
    const before = await world.database.image();

    await world.json('reset', '--yes');
    expect(existsSync(state)).toBe(false);
    expect((await services.admin.partitionCounts(world.changelogs)).size).toBe(0);
    expect((await services.admin.describeGroup(group)).state).toBe('Dead');
    const stopped = await world.alerts('status');
    expect(stopped.exitCode).toBe(1);
    expect(stopped.stdout).toMatch(/processor +DOWN/);

    system.start('processor');
    await system.ready();
    await world.caughtUp();
    const ids = async () => (await world.database.image()).alerts.map(({ alertId }) => alertId);
    expect(await ids()).toEqual(before.alerts.map(({ alertId }) => alertId));
    expect(checksumOf({ ...(await world.database.image()), events: [], alerts: [] })).toBe(
      checksumOf({ ...before, events: [], alerts: [] }),
    );
  });

  it('runs as `npx alerts` whatever Node the shell finds first', async () => {
    const own = join(root, 'node_modules/.bin');
    const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== own);
    const cache = { npm_config_cache: join(world.system.directory, 'npm'), npm_config_offline: 'true' };
    const env = { ...world.system.environment, ...cache, PATH: folders.join(delimiter) };
    const { stdout } = await promisify(execFile)('npx', ['alerts', 'topics', '--json'], { cwd: root, env });
    expect((JSON.parse(stdout) as { topic: string }[])[0]?.topic).toBe(`${world.prefix}raw-alerts`);
  });
});

async function lastRecord({ reader, topics }: Services, partition: number): Promise<LogRecord | undefined> {
  const at = { topic: topics.rawAlerts, partition };
  const { end } = await reader.range(at);
  let last: LogRecord | undefined;
  await reader.read(at, Math.max(0, end - 1), end, ({ records }) => {
    last = records.at(-1) ?? last;
  });
  return last;
}
