/**
 * What the alerts say about the fleet: how many, from where, how they end and how long they take.
 */
import { everyAlert } from './alerts.ts';
import { dashboard, graph, sourceTypes, sqlBars, sqlGraph, sqlStat, sqlTable } from './panels.ts';

const CREATED = '$__timeFilter(created_at) AND source_type IN (${source_type:sqlstring})';
const every = everyAlert('alert_id, driver_id, source_type, severity, status, timestamp, created_at', CREATED);

/** Alerts that were escalated at any time, also when they were closed since. */
const escalated = (alerts: string, events: string): string => `
  SELECT a.alert_id, a.driver_id, a.source_type, a.created_at FROM ${alerts} a
  WHERE $__timeFilter(a.created_at) AND a.source_type IN (\${source_type:sqlstring})
  AND EXISTS (SELECT 1 FROM ${events} e WHERE e.alert_id = a.alert_id AND e.event_type = 'ESCALATED')`;
const everyEscalated = `${escalated('alerts', 'alert_events')} UNION ALL ${escalated('alerts_archive', 'alert_events_archive')}`;

export const businessDashboard = dashboard({
  uid: 'business',
  title: 'Business',
  description: 'The fleet as its alerts show it.',
  refresh: '5m',
  from: 'now-24h',
  variables: [sourceTypes],
  panels: [
    sqlStat({ title: 'Alerts', w: 6, sql: `SELECT COUNT(*) AS alerts FROM (${every}) every` }),
    sqlStat({
      title: 'Share escalated',
      w: 6,
      unit: 'percentunit',
      sql: `SELECT (SELECT COUNT(*) FROM (${everyEscalated}) escalated) / NULLIF((SELECT COUNT(*) FROM (${every}) every), 0) AS escalated`,
    }),
    sqlStat({
      title: 'Share closed by itself',
      w: 6,
      unit: 'percentunit',
      sql: `SELECT AVG(status = 'AUTO_CLOSED') AS auto_closed FROM (${every}) every`,
    }),
    sqlStat({
      title: 'Drivers with alerts',
      w: 6,
      sql: `SELECT COUNT(DISTINCT driver_id) AS drivers FROM (${every}) every`,
    }),
    sqlGraph({
      title: 'Alerts by source',
      w: 24,
      sql: `SELECT $__timeGroupAlias(created_at, $__interval), source_type AS metric, COUNT(*) AS value
            FROM (${every}) every GROUP BY 1, 2 ORDER BY 1`,
    }),
    sqlTable({
      title: 'Sources',
      description: 'How many alerts each source gave, how many drivers it was about, and how many of them were grave.',
      w: 12,
      sql: `SELECT source_type, COUNT(*) AS alerts, COUNT(DISTINCT driver_id) AS drivers, SUM(severity IN ('high', 'critical')) AS grave,
            SUM(status = 'OPEN') AS open, SUM(status = 'AUTO_CLOSED') AS auto_closed
            FROM (${every}) every GROUP BY source_type ORDER BY alerts DESC`,
    }),
    sqlTable({
      title: 'Most escalated drivers',
      w: 12,
      sql: `SELECT driver_id, COUNT(*) AS escalations, MAX(created_at) AS last_escalation
            FROM (${everyEscalated}) escalated GROUP BY driver_id ORDER BY escalations DESC, driver_id LIMIT 10`,
    }),
    sqlBars({
      title: 'Minutes from alert to closing',
      description: 'On average, by source, of alerts that are closed or resolved.',
      w: 8,
      sql: `SELECT source_type, AVG(TIMESTAMPDIFF(SECOND, created_at, timestamp)) / 60 AS minutes
            FROM (${every}) every WHERE status IN ('AUTO_CLOSED', 'RESOLVED') GROUP BY source_type ORDER BY minutes DESC`,
    }),
    sqlBars({
      title: 'Age of open alerts',
      w: 8,
      sql: `SELECT CASE WHEN created_at >= UTC_TIMESTAMP(3) - INTERVAL 1 HOUR THEN 'up to an hour'
                        WHEN created_at >= UTC_TIMESTAMP(3) - INTERVAL 1 DAY THEN 'up to a day'
                        WHEN created_at >= UTC_TIMESTAMP(3) - INTERVAL 7 DAY THEN 'up to a week' ELSE 'longer' END AS age,
            COUNT(*) AS alerts FROM alerts WHERE status IN ('OPEN', 'ESCALATED') GROUP BY age ORDER BY MAX(created_at) DESC`,
    }),
    sqlBars({
      title: 'Drivers by number of alerts',
      w: 8,
      sql: `SELECT IF(alerts >= 10, '10 and more', CAST(alerts AS CHAR)) AS alerts_of_a_driver, COUNT(*) AS drivers
            FROM (SELECT driver_id, COUNT(*) AS alerts FROM (${every}) every GROUP BY driver_id) per_driver
            GROUP BY alerts_of_a_driver ORDER BY MIN(alerts)`,
    }),
    graph({
      title: 'Events by what happened',
      w: 8,
      queries: { '{{event_type}}': 'sum by (event_type) (rate(alerts_lifecycle_events_total[$__rate_interval]))' },
    }),
    graph({
      title: 'Alerts waiting to be decided',
      w: 8,
      queries: { '{{topic}}': 'sum by (topic) (stream_task_records_lag)' },
    }),
    graph({
      title: 'Unsettled alerts',
      w: 8,
      queries: { '{{source_type}} {{severity}}': 'sum by (source_type, severity) (alerts_open)' },
    }),
  ],
});
