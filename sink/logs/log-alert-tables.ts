/**
 * Alerts about logs on their way into their table.
 *
 * Invariant: an alert is known by its id, so it is stored once however often it is read.
 */
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { SinkTables } from '../ports.ts';
import { claimPosition } from '../positions.ts';
import { chunkRows, type SqlValues, toDatetime } from '../sql-rows.ts';

const INSERT = `INSERT INTO log_alerts
  (alert_id, rule_id, rule_type, service, severity, log_count, triggered_at, alert) VALUES ?
  ON DUPLICATE KEY UPDATE alert_id = log_alerts.alert_id`;
const MAX_ID_LENGTH = 64;
const MAX_SERVICE_LENGTH = 100;

const rowOf = (alert: LogAlert): SqlValues => [
  alert.alertId,
  alert.ruleId,
  alert.ruleType,
  alert.service,
  alert.severity,
  alert.count,
  toDatetime(alert.triggeredAt),
  JSON.stringify(alert),
];

export const logAlertTables: SinkTables<LogAlert> = {
  nameOf: ({ alertId }) => alertId,
  problemWith: ({ alertId, ruleId, service }) => {
    if (alertId.length > MAX_ID_LENGTH || ruleId.length > MAX_ID_LENGTH) return 'an id is too long';
    return service.length > MAX_SERVICE_LENGTH ? `its service has ${service.length} characters` : undefined;
  },
  apply: async (database, alerts, position) => {
    await database.transaction(async (sql) => {
      await claimPosition(sql, position);
      for (const chunk of chunkRows(alerts.map(rowOf))) await sql.change(INSERT, [chunk]);
    });
    return { log_alerts: alerts.length };
  },
};
