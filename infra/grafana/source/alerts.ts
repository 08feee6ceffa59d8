/**
 * The alerts themselves, from the database: who has most, what happened last, what was closed and why, and one alert's story.
 */
import {
  dashboard,
  MYSQL,
  sourceTypes,
  sqlBars,
  sqlGraph,
  sqlStat,
  sqlTable,
  sqlTimeline,
  variable,
} from './panels.ts';

/** Alerts in force and archived ones, as one table. Those of some minutes ago may be in the archive already. */
export const everyAlert = (columns: string, where: string): string =>
  `SELECT ${columns} FROM alerts WHERE ${where} UNION ALL SELECT ${columns} FROM alerts_archive WHERE ${where}`;

const CREATED = '$__timeFilter(created_at) AND source_type IN (${source_type:sqlstring})';

const closedIn24Hours = (alerts: string, events: string): string => `
  SELECT e.timestamp, a.alert_id, a.driver_id, a.source_type, a.severity, e.reason, a.created_at
  FROM ${alerts} a JOIN ${events} e ON e.alert_id = a.alert_id AND e.event_type = 'AUTO_CLOSED'
  WHERE a.status = 'AUTO_CLOSED' AND a.timestamp >= UTC_TIMESTAMP(3) - INTERVAL 24 HOUR`;

const storyOf = (columns: string): string =>
  ['alert_events', 'alert_events_archive']
    .map((table) => `SELECT ${columns} FROM ${table} WHERE alert_id = \${selected_alert:sqlstring}`)
    .join(' UNION ALL ');

export const alertsDashboard = dashboard({
  uid: 'alerts',
  title: 'Alerts',
  description: 'Alerts as the database has them, and the lifecycle events that led there.',
  refresh: '10s',
  from: 'now-6h',
  variables: [
    sourceTypes,
    variable('selected_alert', 'Alert', MYSQL, 'SELECT alert_id FROM alerts ORDER BY created_at DESC LIMIT 100'),
  ],
  panels: [
    sqlStat({
      title: 'Open',
      w: 6,
      sql: "SELECT COUNT(*) AS open FROM alerts WHERE status = 'OPEN'",
    }),
    sqlStat({
      title: 'Escalated',
      w: 6,
      sql: "SELECT COUNT(*) AS escalated FROM alerts WHERE status = 'ESCALATED'",
    }),
    sqlStat({
      title: 'Critical and not settled',
      w: 6,
      sql: "SELECT COUNT(*) AS critical FROM alerts WHERE severity = 'critical' AND status IN ('OPEN', 'ESCALATED')",
    }),
    sqlStat({
      title: 'Auto-closed in the last 24 hours',
      w: 6,
      sql: `SELECT COUNT(*) AS auto_closed FROM (${everyAlert('alert_id', "status = 'AUTO_CLOSED' AND timestamp >= UTC_TIMESTAMP(3) - INTERVAL 24 HOUR")}) closed`,
    }),
    sqlTable({
      title: 'Top 5 Drivers with Most OPEN Alerts',
      w: 8,
      sql: `SELECT driver_id, COUNT(*) AS open_alerts FROM alerts WHERE status = 'OPEN'
            GROUP BY driver_id ORDER BY open_alerts DESC, driver_id LIMIT 5`,
    }),
    sqlTable({
      title: 'Recent Alert Lifecycle Events',
      w: 16,
      sql: `SELECT e.timestamp, e.event_type, e.alert_id, a.driver_id, a.source_type, e.old_status, e.new_status, e.reason
            FROM alert_events e JOIN alerts a ON a.alert_id = e.alert_id
            WHERE $__timeFilter(e.timestamp) ORDER BY e.timestamp DESC, e.alert_id, e.sequence DESC LIMIT 100`,
    }),
    sqlTable({
      title: 'Auto-Closed Alerts (Last 24h)',
      description: 'With the reason, whether they are still there or in the archive.',
      w: 16,
      sql: `SELECT * FROM (${closedIn24Hours('alerts', 'alert_events')}
            UNION ALL ${closedIn24Hours('alerts_archive', 'alert_events_archive')}) closed
            ORDER BY timestamp DESC, alert_id LIMIT 200`,
    }),
    sqlBars({
      title: 'Auto-closed by reason (Last 24h)',
      w: 8,
      sql: `SELECT reason, COUNT(*) AS alerts FROM (${closedIn24Hours('alerts', 'alert_events')}
            UNION ALL ${closedIn24Hours('alerts_archive', 'alert_events_archive')}) closed
            GROUP BY reason ORDER BY alerts DESC`,
    }),
    sqlBars({
      title: 'Alerts by Severity',
      w: 8,
      sql: `SELECT severity, COUNT(*) AS alerts FROM (${everyAlert('severity', CREATED)}) every
            GROUP BY severity ORDER BY FIELD(severity, 'critical', 'high', 'medium', 'low')`,
    }),
    sqlBars({
      title: 'Alerts by Status',
      w: 8,
      sql: `SELECT status, COUNT(*) AS alerts FROM (${everyAlert('status', CREATED)}) every GROUP BY status ORDER BY status`,
    }),
    sqlTable({
      title: 'Top Offenders',
      description: 'Drivers with the most alerts in the time range.',
      w: 8,
      sql: `SELECT driver_id, COUNT(*) AS alerts, SUM(severity IN ('high', 'critical')) AS grave, MAX(created_at) AS last_alert
            FROM (${everyAlert('driver_id, severity, created_at', CREATED)}) every
            GROUP BY driver_id ORDER BY alerts DESC, driver_id LIMIT 10`,
    }),
    sqlGraph({
      title: 'Trend Over Time',
      w: 24,
      sql: `SELECT $__timeGroupAlias(created_at, $__interval), source_type AS metric, COUNT(*) AS value
            FROM (${everyAlert('created_at, source_type', CREATED)}) every GROUP BY 1, 2 ORDER BY 1`,
    }),
    sqlTimeline({
      title: 'Status of the selected alert',
      description: 'Choose an alert above, or click its id in a table.',
      w: 24,
      h: 5,
      sql: `SELECT timestamp AS time, new_status AS status FROM (${storyOf('timestamp, new_status, sequence')}) story ORDER BY sequence`,
    }),
    sqlTable({
      title: 'Events of the selected alert',
      w: 24,
      sql: `SELECT sequence, timestamp, event_type, old_status, new_status, reason, metadata
            FROM (${storyOf('sequence, timestamp, event_type, old_status, new_status, reason, metadata')}) story ORDER BY sequence`,
    }),
  ],
});
