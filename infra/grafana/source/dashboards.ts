/**
 * All dashboards. Each is a file of its own here and one of its name in `infra/grafana/dashboards`.
 */
import type { Dashboard } from '@grafana/schema';
import { format, resolveConfig } from 'prettier';
import { alertsDashboard } from './alerts.ts';
import { businessDashboard } from './business.ts';
import { logsDashboard } from './logs.ts';
import { operationsDashboard } from './operations.ts';
import { streamDashboard } from './stream.ts';

export const dashboards: readonly Dashboard[] = [
  alertsDashboard,
  streamDashboard,
  operationsDashboard,
  businessDashboard,
  logsDashboard,
];

/** As the formatter of the repository writes it. */
export const dashboardJson = async (dashboard: Dashboard, file: string): Promise<string> =>
  format(JSON.stringify(dashboard), { ...(await resolveConfig(file)), filepath: file });
