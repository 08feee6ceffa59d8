/**
 * The logs in Loki: what goes wrong, what happened to one alert, who changed something.
 */
import { dashboard, logGraph, logLines, LOKI, MYSQL, variable } from './panels.ts';

const CHOSEN = 'service=~"$service"';

export const logsDashboard = dashboard({
  uid: 'logs',
  title: 'Logs',
  description: 'What the processes say. Needs Loki, which is started beside the stack.',
  refresh: '30s',
  from: 'now-1h',
  variables: [
    variable('service', 'Process', LOKI, 'label_values(service)', true),
    variable('alert_id', 'Alert', MYSQL, 'SELECT alert_id FROM alerts ORDER BY updated_at DESC LIMIT 100'),
  ],
  panels: [
    logGraph({
      title: 'Lines by level',
      w: 8,
      queries: { '{{level}}': `sum by (level) (count_over_time({${CHOSEN}}[$__auto]))` },
    }),
    logGraph({
      title: 'Lifecycle events',
      w: 8,
      queries: {
        '{{event_type}}': 'sum by (event_type) (count_over_time({service="sink", module="lifecycle"}[$__auto]))',
      },
    }),
    logGraph({
      title: 'Errors by type',
      w: 8,
      queries: {
        '{{type}}': `sum by (type) (count_over_time({${CHOSEN}, level="error"} | json type="error.type" | type != "" [$__auto]))`,
      },
    }),
    logLines({
      title: 'Story of the chosen alert',
      description: 'Its request and its lifecycle events, over all processes.',
      w: 12,
      query: `{service=~"gateway|processor|sink"} | alert_id = "$alert_id" | json`,
    }),
    logLines({ title: 'Warnings and errors', w: 12, query: `{${CHOSEN}, level=~"warn|error"} | json` }),
    logLines({
      title: 'Slow requests',
      w: 12,
      query: '{service="gateway"} |= `"message":"request"` | json | duration_ms > 1000',
    }),
    logLines({ title: 'Audit of changes', w: 12, query: '{service="gateway", module="audit"} | json' }),
  ],
});
