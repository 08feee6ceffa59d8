import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMysql } from '../../../connectors/mysql/database.ts';
import { serverUrl, urlOf } from '../sink/test-database.ts';
import { CliWorld, until } from './cli-harness.ts';

const SECOND_MINS = 1 / 60;

/** Some alerts close and are purged within seconds, others stay. */
const rules = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 2 * SECOND_MINS },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
  retention: { purge_after_mins: 2 * SECOND_MINS },
};
const SOURCES = ['overspeed', 'feedback_negative', 'no_rule', 'compliance'];
const ALERTS = 400;

describe('replays on real services', () => {
  let world: CliWorld;

  beforeAll(async () => {
    world = await CliWorld.start(rules);
    const lines = Array.from({ length: ALERTS }, (_, index) => ({
      driverId: `D-${index % 20}`,
      sourceType: SOURCES[index % SOURCES.length],
      severity: 'low',
      metadata: { index, document_valid: true },
      ...(index % 3 === 0 ? { alertId: `${world.prefix}${index}` } : {}),
    }));
    expect((await world.produce(...lines)).exitCode).toBe(0);
    await until(
      'the purge of what closes',
      () => world.database.image(),
      ({ alerts, archivedAlerts }) => alerts.length === ALERTS / 2 && archivedAlerts.length === ALERTS / 2,
    );
    await act(6, 'acknowledge', {});
    await act(9, 'resolve', {});
    await act(18, 'comments', { text: 'The driver was called.' });
    await world.caughtUp();
  });

  /** What a person does about an alert that stays open. */
  const act = async (index: number, what: string, body: object): Promise<void> => {
    const url = `${world.system.gatewayUrl}/v1/alerts/${world.prefix}${index}/${what}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(answer.ok, await answer.text()).toBe(true);
  };

  afterAll(() => world?.close());

  const positions = () => world.database.database.query('SELECT * FROM sink_offsets ORDER BY topic, partition_id');

  it('[INV-REPLAY-WIPED] gives emptied tables back everything they held, beside the live job and without touching it', async () => {
    const before = await world.checksum();
    const [offsets, lag, topics] = [await positions(), await world.json('lag'), await world.json('topics')];
    for (const table of ['alerts', 'alerts_archive']) await world.database.database.change(`DELETE FROM ${table}`);
    expect(await world.checksum()).toMatch(/^0\/0\/0\/0 /);

    const replayed = await world.json<object>('replay');
    const people = { ACKNOWLEDGED: 1, RESOLVED: 1, COMMENTED: 1 };
    const events = { CREATED: ALERTS, ...people };
    expect(replayed).toMatchObject({ read: ALERTS, written: { refused: 0, live: true }, actedOn: 3, events });
    expect(await world.checksum()).toBe(before);
    await world.json('replay');
    expect(await world.checksum()).toBe(before);
    expect(await positions()).toEqual(offsets);
    expect(await world.json('lag')).toEqual(lag);
    // Nothing was written to any topic, so nobody is notified of anything.
    expect(await world.json('topics')).toEqual(topics);
  });

  it('replays a stretch of time only, and into another database', async () => {
    const { archivedEvents } = await world.database.image();
    const times = archivedEvents.map(({ timestamp }) => timestamp).sort((one, other) => one - other);
    const cutMs = times[Math.floor(times.length / 2)] ?? 0;
    const cut = new Date(cutMs).toISOString();
    const name = `${world.database.name}_other`;
    const server = openMysql({ url: serverUrl(), connectionLimit: 1 });
    const other = openMysql({ url: urlOf(name) });
    try {
      await server.change(`CREATE DATABASE ${name}`);
      await world.json('replay', '--to', cut, '--into', name);
      for (const table of ['alert_events', 'alert_events_archive']) {
        expect(await other.query(`SELECT event_id FROM ${table} WHERE timestamp >= ?`, [new Date(cutMs)])).toEqual([]);
      }
      await world.json('replay', '--from', cut, '--into', name);
      for (const table of ['alerts', 'alert_events', 'alerts_archive', 'alert_events_archive']) {
        const rows = `SELECT * FROM ${table} ORDER BY alert_id, sequence`;
        expect(await other.query(rows)).toEqual(await world.database.database.query(rows));
      }
      expect(await other.query('SELECT * FROM sink_offsets')).toEqual([]);
    } finally {
      await other.close();
      await server.change(`DROP DATABASE IF EXISTS ${name}`);
      await server.close();
    }
  });

  it('tells what other rules would have changed, and writes nothing', async () => {
    const before = await world.checksum();
    const candidate = join(world.system.directory, 'candidate.json');
    const report = join(world.system.directory, 'report.jsonl');
    const noRule = { escalate_if_count: 5, window_mins: 10, escalate_to: 'critical' };
    writeFileSync(candidate, JSON.stringify({ ...rules, no_rule: noRule }));

    const whatIf = ['replay', '--dry-run', '--rules', candidate];
    // Five drivers have twenty alerts without a rule each; from the fifth on they would have escalated.
    const result = await world.json<{ written?: object }>(...whatIf, '--report', report);
    expect(result).toMatchObject({ comparison: { differing: 80, changes: { 'would escalate': 80 } } });
    expect(result.written).toBeUndefined();
    const lines = readFileSync(report, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(80);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ sourceType: 'no_rule', candidate: [{ severity: 'critical' }] });
    const { stdout } = await world.alerts(...whatIf);
    expect(stdout).toContain('80 alerts would have fared differently');
    expect(stdout).toContain('… and 60 more');
    expect((await world.json<{ comparison?: object }>('replay', '--dry-run')).comparison).toBeUndefined();
    expect(await world.checksum()).toBe(before);
  });

  it('[INV-REPLAY-RULES] refuses to write what would contradict the live job', async () => {
    const before = await world.checksum();
    const candidate = join(world.system.directory, 'other.json');
    writeFileSync(candidate, JSON.stringify(rules));
    const mixed = await world.alerts('replay', '--rules', candidate, '--into', world.database.name);
    expect(mixed.exitCode).toBe(4);
    expect(mixed.stderr).toContain('The live sink writes into this database');

    await world.json('rules', 'set', 'no_rule', '{"escalate_if_count": 2, "window_mins": 5}');
    const changed = await world.alerts('replay');
    expect(changed.exitCode).toBe(4);
    expect(changed.stderr).toContain('A rule was set or removed at');
    expect(await world.checksum()).toBe(before);
    expect((await world.alerts('replay', '--force')).exitCode).toBe(0);
    expect(await world.checksum()).not.toBe(before);
  });
});
