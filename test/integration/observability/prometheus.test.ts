/**
 * A real Prometheus on the running system: every query of every dashboard, and what the processes expose.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Services } from '../../../cli/services.ts';
import { METRICS } from '../../../connectors/observability/metric-catalogue.ts';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { AlertProcesses } from '../../support/alert-processes.ts';
import { filledPromQl, promQueries, provisionedDashboards } from '../../support/grafana-queries.ts';
import { RunningPrometheus } from '../../support/running-prometheus.ts';
import { TestDatabase } from '../sink/test-database.ts';

const rules = {
  overspeed: { escalate_if_count: 2, window_mins: 2, auto_close_after_mins: 1 / 60 },
  compliance: { auto_close_if: 'document_valid' },
  retention: { purge_after_mins: 1 / 60 },
};
const DRIVER = 'DRIVER-OF-NO-LABEL';
const LATE_MS = 10 * 60_000;
/** Long enough for the sink to have read what is committed and to wait for the lock. */
const LOCKED_MS = 400;
/** Of applications that have nothing to do here. */
const APART = ['Logs', 'Incidents', 'Notifications (notifier)'];
/** What takes an accident or an operator to happen. */
const RARE =
  /^(stream_(processor|state|global)_dropped|stream_task_(restore|lost_offsets)|sink_(dead_letters|lost_records)|alert_(rules_refused|commands)|gateway_events_unreadable)/;

describe('the metrics on a real Prometheus', () => {
  const prefix = `metrics-${randomUUID().slice(0, 8)}-`;
  const variables = provisionedDashboards().flatMap(({ templating }) =>
    (templating?.list ?? []).map(({ name }) => name),
  );
  const queries = promQueries().map((query) => ({ ...query, expr: filledPromQl(query.query, '1m', variables) }));
  let database: TestDatabase;
  let system: AlertProcesses;
  let services: Services;
  let prometheus: RunningPrometheus;

  beforeAll(async () => {
    database = await TestDatabase.create();
    system = await AlertProcesses.prepare(prefix, database.url, rules);
    system.start('processor', 'sink', 'gateway');
    services = new Services(system.environment, process.stderr);
    const at = (variable: string): string => `127.0.0.1:${system.environment[variable]}`;
    prometheus = await RunningPrometheus.start({
      processor: at('PROCESSOR_PORT'),
      sink: at('SINK_PORT'),
      gateway: at('GATEWAY_PORT'),
    });
    await system.ready();
    await everySeriesAppears();
  });

  afterAll(async () => {
    await prometheus?.stop();
    await system?.close();
    await services?.close();
    await database?.drop();
  });

  const post = (body: object): Promise<Response> =>
    fetch(`${system.gatewayUrl}/process-alert`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  /** One round of everything that has a panel: alerts of all kinds, repetitions, refusals, dead letters, reads, a lost connection. */
  const traffic = async (round: number): Promise<void> => {
    const alertId = `${prefix}alert-${round}`;
    const common = { driverId: DRIVER, severity: 'low', metadata: { document_valid: true } };
    await post({ ...common, alertId, sourceType: 'overspeed' });
    await post({ ...common, alertId: `${alertId}-c`, sourceType: 'compliance' });
    await post({ ...common, sourceType: `unknown-${round}` });
    await post({ driverId: DRIVER });
    const { topics, producer } = services;
    const serde = await services.rawAlertSerde();
    const send = async (more: object): Promise<void> => {
      const raw = { alertId: null, driverId: DRIVER, sourceType: 'overspeed', severity: 'low', metadata: '{}' };
      const value = serde.serialize(topics.rawAlerts, { ...raw, timestamp: Date.now(), ...more });
      await producer.send([{ topic: topics.rawAlerts, key: Buffer.from(DRIVER), value: Buffer.from(value ?? []) }]);
    };
    await send({ alertId });
    await send({ timestamp: Date.now() - LATE_MS });
    await send({ severity: 'urgent' });
    await fetch(`${system.gatewayUrl}/alerts?driverId=${DRIVER}`);
    await fetch(`${system.gatewayUrl}/nowhere`);
  };

  /**
   * Ends the sink's connections while it writes, as a database that restarts does. A lock holds its statement until then: a pool
   * notices by itself when an idle connection is gone.
   */
  const loseConnections = (during: () => Promise<void>): Promise<void> =>
    database.database.session(async (sql) => {
      await sql.change('LOCK TABLES alert_events WRITE');
      try {
        await during();
        await sleep(LOCKED_MS);
        const others = await sql.query(
          'SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()',
          [database.name],
        );
        for (const { id } of others) await sql.change(`KILL ${Number(id)}`).catch(() => undefined);
      } finally {
        await sql.change('UNLOCK TABLES');
      }
    });

  const silentQueries = async (): Promise<string[]> => {
    const answers = await Promise.all(
      queries.map(async ({ expr }) => ((await prometheus.query(expr)).length > 0 ? [] : [expr])),
    );
    return answers.flat();
  };

  const everySeriesAppears = async (): Promise<void> => {
    for (let round = 0; round < 40; round += 1) {
      await loseConnections(() => traffic(round));
      await sleep(500);
      if (round >= 2 && (await silentQueries()).length === 0) return;
    }
  };

  it('shows every process up', async () => {
    const up = await prometheus.query('up == 1');
    expect(up.map(({ metric }) => metric['job']).sort()).toEqual(['gateway', 'processor', 'sink']);
  });

  it.each(queries)(
    '$dashboard: $panel ($legend) has series, with the labels of its legend',
    async ({ expr, legend }) => {
      const series = await prometheus.query(expr);
      expect(series.length).toBeGreaterThan(0);
      for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(
          series.some(({ metric }) => (metric[label] ?? '') !== ''),
          label,
        ).toBe(true);
      }
    },
  );

  it('has values for the variables of the dashboards', async () => {
    const asked = provisionedDashboards()
      .flatMap(({ templating }) => templating?.list ?? [])
      .filter(({ datasource }) => datasource?.type === 'prometheus');
    expect(asked.length).toBeGreaterThan(0);
    for (const { query } of asked) {
      const [, metric = '', label = ''] =
        /^label_values\((\w+), (\w+)\)$/.exec((query as { query: string }).query) ?? [];
      expect(
        (await prometheus.query(`count by (${label}) (${metric})`)).every(({ metric: found }) => found[label]),
      ).toBe(true);
    }
  });

  it('[INV-METRIC-CATALOGUE] exposes what the catalogue says, and nothing else but what prom-client has', async () => {
    const known = new Map(METRICS.flatMap(({ metrics }) => metrics.map((metric) => [metric.name, metric] as const)));
    const standard = new Set(
      (await new PrometheusMetrics({ processMetrics: true }).snapshot()).map(
        (metric) => (metric as { name: string }).name,
      ),
    );
    const series = await prometheus.query('{job=~"processor|sink|gateway"}');
    for (const { metric } of series) {
      const { __name__: name = '', job: _job, instance: _instance, le: _le, ...labels } = metric;
      const entry = known.get(name) ?? known.get(name.replace(/_(bucket|count|sum)$/, ''));
      const isOther = standard.has(name.replace(/_(bucket|count|sum)$/, '')) || /^(up|scrape_|ALERTS)/.test(name);
      if (!isOther) expect(Object.keys(labels).sort(), name).toEqual(entry?.labels.toSorted());
    }
    const baseOf = (name: string): string => name.replace(/_(bucket|count|sum)$/, '');
    const seen = new Set(series.flatMap(({ metric: { __name__: name = '' } }) => [name, baseOf(name)]));
    const expected = METRICS.filter(({ title }) => !APART.includes(title)).flatMap(({ metrics }) => metrics);
    expect(expected.map(({ name }) => name).filter((name) => !seen.has(name) && !RARE.test(name))).toEqual([]);
  });

  it('[INV-METRIC-LABELS] has no driver, no alert and no unknown source in any label', async () => {
    const series = await prometheus.query('{job=~"processor|sink|gateway",__name__!="alerts_open"}');
    const values = series.flatMap(({ metric }) => Object.values(metric));
    expect(values.filter((value) => /DRIVER-OF-NO-LABEL|alert-\d|unknown-\d|nowhere/.test(value))).toEqual([]);
    expect(values.filter((value) => value.length > 100)).toEqual([]);
  });

  it('sees a process that is gone, and will tell', async () => {
    await system.kill('sink');
    for (const deadline = Date.now() + 30_000; ; await sleep(200)) {
      const [pending] = await prometheus.query('ALERTS{alertname="ServiceDown"}');
      if (pending !== undefined) {
        expect(pending.metric).toMatchObject({ job: 'sink', severity: 'critical', alertstate: 'pending' });
        return;
      }
      expect(Date.now()).toBeLessThan(deadline);
    }
  });
});
