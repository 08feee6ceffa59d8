/**
 * The applications that a processor process can run, by the names that its setting uses.
 */
import type { ApplicationName } from '../../connectors/config/processes.ts';
import { alertsApplication } from './alerts.ts';
import type { Application } from './application.ts';
import { incidentsApplication } from './incidents.ts';
import { logAlertingApplication } from './log-alerting.ts';

export const applications: Readonly<Record<ApplicationName, Application>> = {
  alerts: alertsApplication,
  'log-alerting': logAlertingApplication,
  incidents: incidentsApplication,
};
