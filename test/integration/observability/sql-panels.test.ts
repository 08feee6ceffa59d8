import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SqlRow } from '../../../connectors/mysql/database.ts';
import { CASE_ALERTS, CASE_RULES } from '../../../infra/demo/case.ts';
import { applyBatch } from '../../../sink/apply-batch.ts';
import { planBatch } from '../../../sink/plan-batch.ts';
import { AlertSystem } from '../../support/alert-system.ts';
import { filledSql, provisionedDashboards, sqlQueries, type DashboardQuery } from '../../support/grafana-queries.ts';
import { TestDatabase } from '../sink/test-database.ts';

const MINUTE_MS = 60_000;
/** So long ago that the case is over, and recent enough for every panel that looks back a day. */
const startMs = Math.floor(Date.now() / 1000) * 1000 - 40 * MINUTE_MS;

/** The case as the processor decides it and the sink stores it, and the panels' queries on what is stored. */
class CaseInDatabase {
  readonly #database: TestDatabase;
  readonly #system: AlertSystem;
  #position = 0;

  private constructor(database: TestDatabase, system: AlertSystem) {
    this.#database = database;
    this.#system = system;
  }

  static async start(): Promise<CaseInDatabase> {
    const database = await TestDatabase.create();
    const system = await AlertSystem.start({ rules: CASE_RULES, driver: { startTimeMs: startMs } });
    const position = "INSERT INTO sink_offsets (topic, partition_id, next_offset) VALUES ('alert-events', 0, 0)";
    await database.database.change(position);
    return new CaseInDatabase(database, system);
  }

  async sendAll(): Promise<void> {
    for (const { atSeconds, driver, sourceType, severity, metadata } of CASE_ALERTS) {
      const timestamp = startMs + atSeconds * 1000;
      await this.#system.until(timestamp);
      const alert = { alertId: null, driverId: driver, sourceType, severity, timestamp };
      await this.#system.send({ ...alert, metadata: JSON.stringify(metadata) });
    }
    await this.#store();
  }

  async until(minutes: number): Promise<void> {
    await this.#system.until(startMs + minutes * MINUTE_MS);
    await this.#store();
  }

  /** The rows that Grafana gets; `selected`: what the variable says that chooses an alert. */
  rows({ query }: DashboardQuery, selected = ''): Promise<readonly SqlRow[]> {
    return this.#ask(query, selected);
  }

  variable(query: string): Promise<readonly SqlRow[]> {
    return this.#ask(query, '');
  }

  async close(): Promise<void> {
    await this.#system.close();
    await this.#database.drop();
  }

  async #store(): Promise<void> {
    const events = this.#system.events.slice(this.#position);
    const at = { topic: 'alert-events', partition: 0, expected: this.#position, next: this.#system.events.length };
    await applyBatch(this.#database.database, planBatch(events), at);
    this.#position = at.next;
  }

  #ask(query: string, selected: string): Promise<readonly SqlRow[]> {
    const filling = { fromMs: startMs - MINUTE_MS, toMs: Date.now(), intervalSeconds: 60 };
    const sources = ['overspeed', 'feedback_negative', 'compliance'];
    const sql = filledSql(query, { ...filling, variables: { source_type: sources, selected_alert: [selected] } });
    return this.#database.database.session(async (session) => {
      // What MySQL has by default, and MariaDB has not.
      await session.change("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')");
      return session.query(sql);
    });
  }
}

describe('the SQL panels on the case', () => {
  const queries = sqlQueries();
  let stored: CaseInDatabase;

  beforeAll(async () => {
    stored = await CaseInDatabase.start();
    await stored.sendAll();
  });

  afterAll(() => stored?.close());

  const rowsOf = (panel: string, selected?: string): Promise<readonly SqlRow[]> => {
    const query = queries.find((candidate) => candidate.panel === panel);
    if (query === undefined) throw new Error(`There is no panel "${panel}".`);
    return stored.rows(query, selected);
  };

  it('show what is open before anything is closed by a timeout', async () => {
    expect(await rowsOf('Top 5 Drivers with Most OPEN Alerts')).toEqual([
      { driver_id: 'TEST-02', open_alerts: 2 },
      { driver_id: 'TEST-01', open_alerts: 1 },
      { driver_id: 'TEST-03', open_alerts: 1 },
      { driver_id: 'TEST-04', open_alerts: 1 },
    ]);
    const recent = await rowsOf('Recent Alert Lifecycle Events');
    expect(recent).toHaveLength(11);
    expect(Object.keys(recent[0] ?? {})).toEqual(
      expect.arrayContaining([
        'timestamp',
        'event_type',
        'alert_id',
        'driver_id',
        'source_type',
        'new_status',
        'reason',
      ]),
    );
    expect(await rowsOf('Auto-Closed Alerts (Last 24h)')).toMatchObject([
      { driver_id: 'TEST-04', reason: 'document_valid' },
    ]);
    expect(await rowsOf('Alerts by Severity')).toEqual([
      { severity: 'critical', alerts: 1 },
      { severity: 'high', alerts: 1 },
      { severity: 'medium', alerts: 3 },
      { severity: 'low', alerts: 3 },
    ]);
    expect(await rowsOf('Open')).toEqual([{ open: 5 }]);
    expect(await rowsOf('Escalated')).toEqual([{ escalated: 2 }]);
    expect((await rowsOf('Top Offenders')).slice(0, 1)).toMatchObject([{ driver_id: 'TEST-02', alerts: 3 }]);
  });

  it('show what timeouts close, with the reason, and go on showing it from the archive', async () => {
    await stored.until(6);
    const closed = await rowsOf('Auto-Closed Alerts (Last 24h)');
    const reasons = closed.map((row) => `${String(row['driver_id'])} ${String(row['reason'])}`).sort();
    expect(reasons).toEqual(['TEST-01 timeout', ...Array<string>(3).fill('TEST-02 timeout'), 'TEST-04 document_valid']);
    expect(await rowsOf('Auto-closed by reason (Last 24h)')).toEqual([
      { reason: 'timeout', alerts: 4 },
      { reason: 'document_valid', alerts: 1 },
    ]);
    const alertId = String(closed.find(({ driver_id: driver }) => driver === 'TEST-01')?.['alert_id']);

    await stored.until(20);
    expect(await rowsOf('Auto-Closed Alerts (Last 24h)')).toEqual(closed);
    expect(await rowsOf('Auto-closed in the last 24 hours')).toEqual([{ auto_closed: 5 }]);
    expect(await rowsOf('Top 5 Drivers with Most OPEN Alerts')).toHaveLength(2);
    const story = await rowsOf('Status of the selected alert', alertId);
    expect(story.map(({ status }) => status)).toEqual(expect.arrayContaining(['OPEN', 'AUTO_CLOSED']));
    expect(story.every(({ time }) => time instanceof Date)).toBe(true);
    const events = await rowsOf('Events of the selected alert', alertId);
    expect(events.slice(0, 2)).toMatchObject([
      { event_type: 'CREATED' },
      { event_type: 'AUTO_CLOSED', reason: 'timeout' },
    ]);
  });

  it.each(queries)('$dashboard: $panel has rows in the form that the panel takes', async (query) => {
    const [newest] = await stored.variable('SELECT alert_id FROM alerts ORDER BY created_at DESC LIMIT 1');
    const rows = await stored.rows(query, String(newest?.['alert_id']));
    expect(rows.length).toBeGreaterThan(0);
    const columns = Object.keys(rows[0] ?? {});
    switch (query.type) {
      case 'stat':
        expect(rows).toHaveLength(1);
        expect(Number(Object.values(rows[0] ?? {})[0])).toBeGreaterThanOrEqual(0);
        break;
      case 'barchart':
        expect(columns).toHaveLength(2);
        expect(rows.every((row) => Number(row[columns[1] ?? '']) >= 0)).toBe(true);
        break;
      case 'timeseries':
        expect(columns).toEqual(['time', 'metric', 'value']);
        expect(rows.map(({ time }) => Number(time))).toEqual(
          rows.map(({ time }) => Number(time)).sort((a, b) => a - b),
        );
        break;
      case 'state-timeline':
        expect(columns).toEqual(['time', 'status']);
        break;
      default:
        expect(query.type).toBe('table');
    }
  });

  it('have variables with values', async () => {
    const variables = provisionedDashboards()
      .flatMap(({ templating }) => templating?.list ?? [])
      .filter(({ datasource }) => datasource?.type === 'mysql');
    expect(variables.map(({ name }) => name)).toContain('selected_alert');
    for (const { query } of variables) expect((await stored.variable(query as string)).length).toBeGreaterThan(0);
  });
});
