/**
 * Writes the dashboards as the JSON that Grafana provisions: `node infra/grafana/source/write.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboards, dashboardJson } from './dashboards.ts';

for (const dashboard of dashboards) {
  const file = join(import.meta.dirname, '../dashboards', `${dashboard.uid}.json`);
  writeFileSync(file, await dashboardJson(dashboard, file));
}
