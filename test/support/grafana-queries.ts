/**
 * The queries of the dashboards as Grafana sends them, with its macros and variables filled in.
 *
 * Invariant: a macro or a variable that is not known here fails, so that no query is tested in another form than it is sent.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard, Panel } from '@grafana/schema';
import { projectRoot } from '../../infra/local-stack/settings.ts';

export interface DashboardQuery {
  readonly dashboard: string;
  readonly panel: string;
  readonly type: string;
  readonly legend: string;
  readonly query: string;
}

export const DASHBOARD_FOLDER = join(projectRoot, 'infra/grafana/dashboards');

/** As they are provisioned. */
export const provisionedDashboards = (): Dashboard[] =>
  readdirSync(DASHBOARD_FOLDER).map(
    (file) => JSON.parse(readFileSync(join(DASHBOARD_FOLDER, file), 'utf8')) as Dashboard,
  );

const queriesOf = (source: string, property: string): DashboardQuery[] =>
  provisionedDashboards().flatMap(({ title: dashboard = '', panels = [] }) =>
    (panels as Panel[]).flatMap(({ title: panel = '', type, targets = [] }) =>
      targets
        .filter(({ datasource }) => (datasource as { type: string }).type === source)
        .map((target) => ({
          ...{ dashboard, panel, type },
          legend: target['legendFormat'] as string,
          query: target[property] as string,
        })),
    ),
  );

export const sqlQueries = (): DashboardQuery[] => queriesOf('mysql', 'rawSql');
export const promQueries = (): DashboardQuery[] => queriesOf('prometheus', 'expr');
export const lokiQueries = (): DashboardQuery[] => queriesOf('loki', 'expr');

const unknownPlace = (query: string): string | undefined => /\$(?:__)?\{?\w+/.exec(query)?.[0];

const requireFilled = (query: string): string => {
  const left = unknownPlace(query);
  if (left !== undefined) throw new Error(`"${left}" is neither a macro nor a variable that is known: ${query}`);
  return query;
};

export interface SqlFilling {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalSeconds: number;
  readonly variables: Readonly<Record<string, readonly string[]>>;
}

/** As Grafana's MySQL data source does it. */
export const filledSql = (query: string, { fromMs, toMs, intervalSeconds, variables }: SqlFilling): string => {
  const seconds = (timeMs: number): number => Math.floor(timeMs / 1000);
  const quoted = (values: readonly string[]): string =>
    values.map((value) => `'${value.replaceAll("'", "''")}'`).join(',');
  return requireFilled(
    query
      .replace(
        /\$__timeFilter\(([\w.]+)\)/g,
        `$1 BETWEEN FROM_UNIXTIME(${seconds(fromMs)}) AND FROM_UNIXTIME(${seconds(toMs)})`,
      )
      .replace(
        /\$__timeGroupAlias\(([\w.]+), ?\$__interval\)/g,
        `UNIX_TIMESTAMP($1) DIV ${intervalSeconds} * ${intervalSeconds} AS "time"`,
      )
      .replace(/\$\{(\w+):sqlstring\}/g, (place, name: string) => {
        const values = variables[name];
        return values === undefined ? place : quoted(values);
      }),
  );
};

/** As Grafana's Prometheus data source does it, with every value of every variable chosen. */
export const filledPromQl = (query: string, rateInterval: string, variables: readonly string[]): string =>
  requireFilled(
    variables.reduce(
      (filled, name) => filled.replaceAll(`$${name}`, '.*'),
      query.replaceAll('$__rate_interval', rateInterval).replaceAll('$__interval', rateInterval),
    ),
  );
