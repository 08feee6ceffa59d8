/**
 * The processes: are they well, how the gateway answers, how the sink writes, what the database and the machines give.
 */
import { dashboard, graph, PROMETHEUS, promTable, stat, variable } from './panels.ts';

/** Probes are no requests of anybody. */
const ASKED = 'route!~"/live|/ready|/health|/metrics|/api/v1/health.*"';
const JOB = 'job=~"$job"';
const quantile = (share: number, metric: string, by = '', filter = ''): string =>
  `histogram_quantile(${share}, sum by (le${by}) (rate(${metric}_bucket{${filter}}[$__rate_interval])))`;
const quantiles = (metric: string, filter = ''): Record<string, string> => ({
  p50: quantile(0.5, metric, '', filter),
  p95: quantile(0.95, metric, '', filter),
  p99: quantile(0.99, metric, '', filter),
});
const REQUESTS = 'gateway_http_requests_total';
const LATENCY = 'gateway_http_request_duration_seconds';

export const operationsDashboard = dashboard({
  uid: 'operations',
  title: 'Operations',
  description: 'Health of the processes, requests, sink, database and machines.',
  refresh: '30s',
  from: 'now-1h',
  variables: [variable('job', 'Process', PROMETHEUS, 'label_values(up, job)', true)],
  panels: [
    stat({ title: 'Up', w: 8, queries: { '{{job}}': `min by (job) (up{${JOB}})` } }),
    stat({ title: 'Sink ready', w: 4, queries: { '{{group}}': 'min by (group) (sink_ready)' } }),
    stat({ title: 'Threads running', w: 4, queries: { threads: 'sum(stream_thread_running)' } }),
    stat({ title: 'Circuit breaker open', w: 4, queries: { open: 'max(sink_breaker_open)' } }),
    stat({ title: 'Dead letters', w: 4, queries: { waiting: 'max(dead_letters_waiting)' } }),
    promTable({
      title: 'Alerts that fire',
      w: 12,
      queries: { '': 'ALERTS{alertstate="firing"} or (0 * count by (job) (up))' },
    }),
    graph({
      title: 'Request rate',
      w: 12,
      unit: 'reqps',
      queries: { '{{method}} {{route}}': `sum by (method, route) (rate(${REQUESTS}{${ASKED}}[$__rate_interval]))` },
    }),
    graph({ title: 'Latency', w: 8, unit: 's', queries: quantiles(LATENCY, ASKED) }),
    graph({
      title: 'p95 by route',
      w: 8,
      unit: 's',
      queries: { '{{route}}': quantile(0.95, LATENCY, ', route', ASKED) },
    }),
    graph({
      title: 'Of an alert: until it is in the log, and from there to the decision',
      w: 8,
      unit: 's',
      queries: {
        'log p95': quantile(0.95, 'gateway_produce_duration_seconds'),
        'decision p95': quantile(0.95, 'gateway_decision_duration_seconds'),
      },
    }),
    graph({
      title: 'Error rate',
      w: 8,
      unit: 'percentunit',
      queries: {
        '5xx': `(sum(rate(${REQUESTS}{status=~"5..",${ASKED}}[$__rate_interval])) or vector(0)) / sum(rate(${REQUESTS}{${ASKED}}[$__rate_interval]))`,
        '4xx': `(sum(rate(${REQUESTS}{status=~"4..",${ASKED}}[$__rate_interval])) or vector(0)) / sum(rate(${REQUESTS}{${ASKED}}[$__rate_interval]))`,
      },
    }),
    graph({
      title: 'Errors by route and status',
      w: 8,
      unit: 'reqps',
      queries: {
        '{{route}} {{status}}': `sum by (route, status) (rate(${REQUESTS}{status=~"4..|5.."}[$__rate_interval]))`,
      },
    }),
    graph({
      title: 'Ingestion',
      description:
        'Share of the alerts that got in; refusals of the gateway and dead letters of the processor per second.',
      w: 8,
      queries: {
        'success (share)': 'alerts:ingestion_success:ratio5m',
        'refused {{status}}': `sum by (status) (rate(${REQUESTS}{route="/process-alert",status!~"2.."}[$__rate_interval]))`,
        'dead letters': 'sum(rate(stream_task_dropped_records_total[$__rate_interval]))',
      },
    }),
    graph({
      title: 'Requests waiting for a decision',
      w: 8,
      queries: { waiting: 'sum(gateway_requests_waiting)' },
    }),
    graph({
      title: 'Sink: events and rows per second',
      w: 8,
      queries: {
        events: 'sum(rate(sink_events_total[$__rate_interval]))',
        'rows of {{table}}': 'sum by (table) (rate(sink_rows_total[$__rate_interval]))',
      },
    }),
    graph({
      title: 'Sink: events in a batch',
      w: 8,
      queries: {
        'on average':
          'sum(rate(sink_events_total[$__rate_interval])) / (sum(rate(sink_batches_total[$__rate_interval])) > 0)',
        last: 'max(sink_batch_records)',
      },
    }),
    graph({
      title: 'Sink: lag in events',
      w: 8,
      queries: { '{{topic}}-{{partition}}': 'max by (topic, partition) (sink_lag_records)' },
    }),
    graph({
      title: 'Sink: lag in seconds',
      w: 8,
      unit: 's',
      queries: { '{{topic}}-{{partition}}': 'max by (topic, partition) (sink_lag_seconds)' },
    }),
    graph({
      title: 'Sink: batch time, retries, breaker',
      w: 8,
      queries: {
        'p95 (s)': quantile(0.95, 'sink_apply_duration_seconds'),
        'retries {{code}}': 'sum by (code) (rate(sink_retries_total[$__rate_interval]))',
        'breaker open': 'max(sink_breaker_open)',
      },
    }),
    graph({
      title: 'Database pool',
      w: 8,
      queries: {
        'used by {{job}}': 'sum by (job) (database_pool_connections_used)',
        'limit of {{job}}': 'sum by (job) (database_pool_connections_limit)',
        'waiting in {{job}}': 'sum by (job) (database_pool_waiting)',
      },
    }),
    graph({
      title: 'Database statements',
      w: 8,
      unit: 's',
      queries: {
        'p95 of {{job}}': quantile(0.95, 'database_statement_duration_seconds', ', job'),
        'p99 of {{job}}': quantile(0.99, 'database_statement_duration_seconds', ', job'),
      },
    }),
    graph({
      title: 'Database failures per minute',
      w: 8,
      queries: { '{{job}} {{kind}}': '60 * sum by (job, kind) (rate(database_failures_total[$__rate_interval]))' },
    }),
    graph({
      title: 'Memory',
      description: 'Share of what the process may have.',
      w: 8,
      unit: 'percentunit',
      queries: { '{{job}} {{instance}}': `process_resident_memory_bytes{${JOB}} / process_memory_limit_bytes{${JOB}}` },
    }),
    graph({
      title: 'CPU',
      description: 'Cores in use.',
      w: 8,
      queries: { '{{job}} {{instance}}': `rate(process_cpu_seconds_total{${JOB}}[$__rate_interval])` },
    }),
    graph({
      title: 'Event loop lag',
      w: 8,
      unit: 's',
      queries: { '{{job}} p99': `max by (job) (nodejs_eventloop_lag_p99_seconds{${JOB}})` },
    }),
    graph({
      title: 'Restarts in 15 minutes',
      w: 8,
      queries: { '{{job}} {{instance}}': `changes(process_start_time_seconds{${JOB}}[15m])` },
    }),
  ],
});
