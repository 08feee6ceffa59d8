/**
 * The kinds of panels that the dashboards are made of.
 *
 * Invariant: a panel has a place of its own, one data source, and says what it shows. The types are those of the Grafana version
 * that the stack runs.
 */
import type { Dashboard, DataSourceRef, Panel, VariableModel } from '@grafana/schema';

export const PROMETHEUS: DataSourceRef = { type: 'prometheus', uid: 'prometheus' };
export const LOKI: DataSourceRef = { type: 'loki', uid: 'loki' };
export const MYSQL: DataSourceRef = { type: 'mysql', uid: 'alerts-mysql' };

/** A panel that has no place yet. */
export type PlacelessPanel = Omit<Panel, 'id' | 'gridPos'> & { readonly w: number; readonly h: number };

interface Shown {
  readonly title: string;
  readonly description?: string;
  /** Of 24 columns. */
  readonly w: number;
  readonly h?: number;
  /** In Grafana's words: `s`, `reqps`, `bytes`, `percentunit`. */
  readonly unit?: string;
}

interface Asked extends Shown {
  /** A query by its legend; `{{label}}` stands for a label's value. */
  readonly queries: Readonly<Record<string, string>>;
}

interface Stored extends Shown {
  readonly sql: string;
}

const HEIGHT = 8;

const shown = ({ title, description, w, h = HEIGHT, unit }: Shown) => ({
  title,
  ...(description === undefined ? {} : { description }),
  ...{ w, h },
  fieldConfig: { defaults: { ...(unit === undefined ? {} : { unit }) }, overrides: [] },
});

const promQueries = (queries: Readonly<Record<string, string>>, instant: boolean) =>
  Object.entries(queries).map(([legendFormat, expr], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource: PROMETHEUS,
    expr,
    legendFormat,
    ...(instant ? { instant: true, range: false } : { range: true }),
  }));

const sqlQuery = (rawSql: string, format: 'table' | 'time_series') => ({
  refId: 'A',
  datasource: MYSQL,
  format,
  rawQuery: true,
  editorMode: 'code',
  rawSql: rawSql.replace(/\s+/g, ' ').trim(),
});

/** Lines over time, from Prometheus. */
export const graph = ({ queries, ...rest }: Asked): PlacelessPanel => ({
  ...shown(rest),
  type: 'timeseries',
  datasource: PROMETHEUS,
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  targets: promQueries(queries, false),
});

/** Numbers as they are at the moment, from Prometheus. */
export const stat = ({ queries, ...rest }: Asked): PlacelessPanel => ({
  ...shown({ h: 4, ...rest }),
  type: 'stat',
  datasource: PROMETHEUS,
  options: { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value' },
  targets: promQueries(queries, true),
});

/** The rows of an instant query, from Prometheus. */
export const promTable = ({ queries, ...rest }: Asked): PlacelessPanel => ({
  ...shown(rest),
  type: 'table',
  datasource: PROMETHEUS,
  options: {},
  targets: promQueries(queries, true).map((target) => ({ ...target, format: 'table' })),
});

/** Counts of log lines over time, from Loki. */
export const logGraph = ({ queries, ...rest }: Asked): PlacelessPanel => ({
  ...shown(rest),
  type: 'timeseries',
  datasource: LOKI,
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
    ...{ refId: String.fromCharCode(65 + index), datasource: LOKI, expr, legendFormat, queryType: 'range' },
  })),
});

/** Log lines themselves, newest first. */
export const logLines = ({ query, ...rest }: Shown & { readonly query: string }): PlacelessPanel => ({
  ...shown(rest),
  type: 'logs',
  datasource: LOKI,
  options: {
    showTime: true,
    wrapLogMessage: true,
    sortOrder: 'Descending',
    enableLogDetails: true,
    dedupStrategy: 'none',
  },
  targets: [{ refId: 'A', datasource: LOKI, expr: query, queryType: 'range', maxLines: 200 }],
});

/** One number per column of the only row, from the database. */
export const sqlStat = ({ sql, ...rest }: Stored): PlacelessPanel => ({
  ...shown({ h: 4, ...rest }),
  type: 'stat',
  datasource: MYSQL,
  options: { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value' },
  targets: [sqlQuery(sql, 'table')],
});

/** The rows of a query. A column `alert_id` leads to that alert's story. */
export const sqlTable = ({ sql, ...rest }: Stored): PlacelessPanel => ({
  ...shown(rest),
  type: 'table',
  datasource: MYSQL,
  options: { showHeader: true },
  fieldConfig: { defaults: {}, overrides: [STORY_LINK] },
  targets: [sqlQuery(sql, 'table')],
});

const STORY_LINK = {
  matcher: { id: 'byName', options: 'alert_id' },
  properties: [
    {
      id: 'links',
      value: [{ title: 'Its story', url: '/d/alerts/alerts?var-selected_alert=${__value.raw}&${__url_time_range}' }],
    },
  ],
};

/** A bar for each row: the first column names it, the second is its length. */
export const sqlBars = ({ sql, ...rest }: Stored): PlacelessPanel => ({
  ...shown(rest),
  type: 'barchart',
  datasource: MYSQL,
  options: { orientation: 'horizontal', legend: { showLegend: false, displayMode: 'list', placement: 'bottom' } },
  targets: [sqlQuery(sql, 'table')],
});

/** Columns `time`, `metric`, `value`. */
export const sqlGraph = ({ sql, ...rest }: Stored): PlacelessPanel => ({
  ...shown(rest),
  type: 'timeseries',
  datasource: MYSQL,
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  fieldConfig: {
    defaults: { custom: { drawStyle: 'bars', fillOpacity: 60, stacking: { mode: 'normal' } } },
    overrides: [],
  },
  targets: [sqlQuery(sql, 'time_series')],
});

/** Columns `time` and the state from there on. */
export const sqlTimeline = ({ sql, ...rest }: Stored): PlacelessPanel => ({
  ...shown(rest),
  type: 'state-timeline',
  datasource: MYSQL,
  options: {
    showValue: 'always',
    mergeValues: false,
    legend: { showLegend: false, displayMode: 'list', placement: 'bottom' },
  },
  targets: [sqlQuery(sql, 'table')],
});

/** A variable whose values a query gives. */
export const variable = (
  name: string,
  label: string,
  datasource: DataSourceRef,
  query: string,
  several = false,
): VariableModel => ({
  ...{ name, label, datasource, type: 'query' as const, refresh: 2, sort: datasource === PROMETHEUS ? 1 : 0 },
  query: datasource === PROMETHEUS ? { query, refId: name } : query,
  ...(several
    ? { multi: true, includeAll: true, current: { selected: true, text: ['All'], value: ['$__all'] } }
    : { multi: false, includeAll: false, allowCustomValue: true }),
});

/** The sources that any alert ever had, several to choose. */
export const sourceTypes = variable(
  'source_type',
  'Source',
  MYSQL,
  'SELECT DISTINCT source_type FROM alerts UNION SELECT DISTINCT source_type FROM alerts_archive',
  true,
);

export interface DashboardContent {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly refresh: string;
  readonly from: string;
  readonly variables: readonly VariableModel[];
  /** From left to right and down; each row as high as its first panel. */
  readonly panels: readonly PlacelessPanel[];
}

const COLUMNS = 24;

const placed = (panels: readonly PlacelessPanel[]): Panel[] => {
  let [x, y, rowHeight] = [0, 0, 0];
  return panels.map(({ w, h, ...panel }, index) => {
    if (x + w > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const gridPos = { x, y, w, h };
    x += w;
    rowHeight = Math.max(rowHeight, h);
    return { id: index + 1, ...panel, gridPos };
  });
};

export const dashboard = ({
  uid,
  title,
  description,
  refresh,
  from,
  variables,
  panels,
}: DashboardContent): Dashboard => ({
  ...{ uid, title, description, refresh },
  tags: ['alerts'],
  schemaVersion: 41,
  timezone: 'utc',
  editable: false,
  graphTooltip: 1,
  time: { from, to: 'now' },
  links: [
    {
      ...{
        type: 'dashboards' as const,
        title: 'Dashboards',
        tags: ['alerts'],
        icon: 'dashboard',
        tooltip: '',
        url: '',
      },
      ...LINK,
    },
  ],
  templating: { list: [...variables] },
  annotations: { list: [] },
  panels: placed(panels),
});

const LINK = { asDropdown: true, targetBlank: false, includeVars: false, keepTime: true };
