/**
 * What Grafana is given: the dashboards' types are checked where they are written, the rest here.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Panel } from '@grafana/schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../../../connectors/observability/metric-catalogue.ts';
import { dashboardJson, dashboards } from '../../../../infra/grafana/source/dashboards.ts';
import { projectRoot } from '../../../../infra/local-stack/settings.ts';
import { composeImage } from '../../../support/compose-file.ts';
import {
  DASHBOARD_FOLDER,
  filledPromQl,
  filledSql,
  promQueries,
  provisionedDashboards,
} from '../../../support/grafana-queries.ts';

const text = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const titlesOf = (uid: string): (string | undefined)[] =>
  (dashboards.find((dashboard) => dashboard.uid === uid)?.panels ?? []).map(({ title }) => title);

describe('the dashboards', () => {
  it.each(dashboards)(
    'are provisioned as they are written: $title; `vitest run -u` writes them anew',
    async (dashboard) => {
      const file = join(DASHBOARD_FOLDER, `${dashboard.uid}.json`);
      await expect(await dashboardJson(dashboard, file)).toMatchFileSnapshot(file);
    },
  );

  it('are all of those that are provisioned, with the types of the Grafana that runs', () => {
    expect(readdirSync(DASHBOARD_FOLDER).sort()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).sort());
    const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: Record<string, string> };
    expect(composeImage('grafana')).toBe(`grafana/grafana:${devDependencies['@grafana/schema']}`);
  });

  it('show what an operator looks for', () => {
    expect(titlesOf('alerts')).toEqual(
      expect.arrayContaining([
        ...['Top 5 Drivers with Most OPEN Alerts', 'Recent Alert Lifecycle Events', 'Auto-Closed Alerts (Last 24h)'],
        ...['Alerts by Severity', 'Trend Over Time', 'Top Offenders', 'Status of the selected alert'],
      ]),
    );
    expect(titlesOf('stream')).toEqual(
      expect.arrayContaining([
        ...['Lag per partition', 'Throughput', 'Commit latency', 'Restore remaining', 'Rebalances', 'State on disk'],
        'Dead letters and dropped records',
      ]),
    );
    expect(titlesOf('operations')).toEqual(
      expect.arrayContaining([
        ...['Up', 'Request rate', 'Latency', 'Error rate', 'Sink: lag in seconds', 'Database pool', 'Memory'],
      ]),
    );
    expect(titlesOf('business').length).toBeGreaterThan(5);
  });

  it('give every panel a place and a number of its own', () => {
    for (const { panels = [], title } of dashboards) {
      const placed = panels as Panel[];
      expect(new Set(placed.map(({ id }) => id)).size, title).toBe(placed.length);
      for (const [index, { gridPos: a }] of placed.entries()) {
        for (const { gridPos: b } of placed.slice(index + 1)) {
          if (a === undefined || b === undefined) throw new Error('A panel has no place.');
          expect(a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y, title).toBe(true);
          expect(b.x + b.w).toBeLessThanOrEqual(24);
        }
      }
    }
  });

  it('ask only the data sources that are provisioned', () => {
    const { datasources } = parse(text('infra/grafana/provisioning/datasources/datasources.yml')) as {
      datasources: { uid: string; type: string }[];
    };
    const known = datasources.map(({ uid, type }) => ({ uid, type }));
    for (const { panels = [], templating } of provisionedDashboards()) {
      for (const { datasource, targets = [] } of panels as Panel[]) {
        expect(known).toContainEqual(datasource);
        for (const target of targets) expect(target['datasource']).toEqual(datasource);
      }
      for (const variable of templating?.list ?? []) expect(known).toContainEqual(variable.datasource);
    }
  });

  it('ask only for metrics that there are', () => {
    const names = new Set(METRICS.flatMap(({ metrics }) => metrics.map(({ name }) => name)));
    const asked = promQueries().flatMap(
      ({ query }) => query.match(/\b(?:stream|sink|gateway|alerts?|dead|database|incident)_\w+/g) ?? [],
    );
    expect(asked.length).toBeGreaterThan(50);
    const isKnown = (name: string): boolean => names.has(name) || names.has(name.replace(/_(bucket|count|sum)$/, ''));
    expect(asked.filter((name) => !isKnown(name))).toEqual([]);
  });
});

describe('filling in what Grafana fills in', () => {
  const filling = { fromMs: 1_000_500, toMs: 2_000_000, intervalSeconds: 60 };

  it('expands macros and quotes values', () => {
    const query =
      'SELECT $__timeGroupAlias(at, $__interval) FROM t WHERE $__timeFilter(t.at) AND s IN (${s:sqlstring})';
    expect(filledSql(query, { ...filling, variables: { s: ["it's", 'b'] } })).toBe(
      `SELECT UNIX_TIMESTAMP(at) DIV 60 * 60 AS "time" FROM t WHERE t.at BETWEEN FROM_UNIXTIME(1000) AND FROM_UNIXTIME(2000) AND s IN ('it''s','b')`,
    );
    expect(filledPromQl('rate(x{a=~"$a"}[$__rate_interval])', '1m', ['a'])).toBe('rate(x{a=~".*"}[1m])');
  });

  it('refuses what it does not know', () => {
    expect(() => filledSql('SELECT ${nobody:sqlstring}', { ...filling, variables: {} })).toThrow('nobody');
    expect(() => filledSql('SELECT $__timeEpoch(x)', { ...filling, variables: {} })).toThrow('$__timeEpoch');
    expect(() => filledPromQl('up{job="$job"}', '1m', [])).toThrow('$job');
  });
});
