/**
 * The stream processor: how far behind, how fast, how its commits, restores and rebalances go, how large its state is.
 */
import { dashboard, graph, PROMETHEUS, stat, variable } from './panels.ts';

const APP = 'application=~"$application"';
const rate = (metric: string, more = ''): string => `rate(${metric}{${APP}${more}}[$__rate_interval])`;
const quantile = (share: number, metric: string): string =>
  `histogram_quantile(${share}, sum by (le) (${rate(`${metric}_bucket`)}))`;
const quantiles = (metric: string): Record<string, string> => ({
  p50: quantile(0.5, metric),
  p95: quantile(0.95, metric),
  p99: quantile(0.99, metric),
});
const state = (name: string): string => `sum by (task) (stream_state_${name}{${APP}})`;

export const streamDashboard = dashboard({
  uid: 'stream',
  title: 'Stream',
  description: 'The stream processor: lag, throughput, commits, restores, rebalances, state.',
  refresh: '10s',
  from: 'now-1h',
  variables: [
    variable('application', 'Application', PROMETHEUS, 'label_values(stream_thread_running, application)', true),
  ],
  panels: [
    stat({ title: 'Lag', w: 4, queries: { records: `sum(stream_task_records_lag{${APP}})` } }),
    stat({ title: 'Records per second', w: 4, queries: { records: `sum(${rate('stream_task_process_total')})` } }),
    stat({ title: 'Running tasks', w: 4, queries: { tasks: `sum(stream_thread_active_running_tasks{${APP}})` } }),
    stat({ title: 'Restoring tasks', w: 4, queries: { tasks: `sum(stream_thread_active_restoring_tasks{${APP}})` } }),
    stat({
      title: 'Stream threads',
      w: 4,
      queries: {
        alive: `sum(stream_client_alive_stream_threads{${APP}})`,
        failed: `sum(stream_client_failed_stream_threads{${APP}})`,
      },
    }),
    stat({ title: 'Dead letters', w: 4, queries: { waiting: 'max(dead_letters_waiting)' } }),
    graph({
      title: 'Lag per partition',
      description: 'Offsets between the end of the partition and what the task has processed.',
      w: 12,
      queries: { '{{topic}}-{{partition}}': `sum by (topic, partition) (stream_task_records_lag{${APP}})` },
    }),
    graph({
      title: 'Throughput',
      w: 12,
      unit: 'cps',
      queries: { 'task {{task}}': `sum by (task) (${rate('stream_task_process_total')})` },
    }),
    graph({
      title: 'Commit latency',
      w: 8,
      unit: 's',
      queries: quantiles('stream_task_commit_latency_seconds'),
    }),
    graph({
      title: 'Commits per second',
      w: 8,
      queries: { 'task {{task}}': `sum by (task) (${rate('stream_task_commit_latency_seconds_count')})` },
    }),
    graph({
      title: 'Where the time goes',
      description: 'Share of each thread’s time. What is missing to one is commits and restores beside the loop.',
      w: 8,
      unit: 'percentunit',
      queries: {
        'process {{thread}}': `sum by (thread) (${rate('stream_thread_process_latency_seconds_sum')})`,
        'poll {{thread}}': `sum by (thread) (${rate('stream_thread_poll_latency_seconds_sum')})`,
        'punctuate {{thread}}': `sum by (thread) (${rate('stream_thread_punctuate_latency_seconds_sum')})`,
      },
    }),
    graph({
      title: 'Restore remaining',
      w: 8,
      queries: { 'task {{task}}': `sum by (task) (stream_task_restore_remaining_records{${APP}})` },
    }),
    graph({
      title: 'Restored records per second',
      w: 8,
      unit: 'cps',
      queries: { 'task {{task}}': `sum by (task) (${rate('stream_task_restore_total')})` },
    }),
    graph({
      title: 'Rebalances',
      description: 'How many, and how long they took on average.',
      w: 8,
      queries: {
        'rebalances of thread {{thread}}': `sum by (thread) (increase(stream_thread_rebalance_latency_seconds_count{${APP}}[$__rate_interval]))`,
        'seconds of thread {{thread}}': `sum by (thread) (${rate('stream_thread_rebalance_latency_seconds_sum')})`,
      },
    }),
    graph({
      title: 'State on disk',
      w: 8,
      unit: 'bytes',
      queries: { 'task {{task}}': state('total_sst_files_size') },
    }),
    graph({
      title: 'State in memory',
      w: 8,
      unit: 'bytes',
      queries: {
        'block cache': `sum(stream_state_block_cache_usage{${APP}})`,
        'block cache, at most': `sum(stream_state_block_cache_capacity{${APP}})`,
        memtables: `sum(stream_state_cur_size_all_mem_tables{${APP}})`,
        'table readers': `sum(stream_state_estimate_table_readers_mem{${APP}})`,
      },
    }),
    graph({
      title: 'Estimated keys',
      w: 8,
      queries: { 'task {{task}}': state('estimate_num_keys') },
    }),
    graph({
      title: 'Compactions and flushes',
      w: 8,
      queries: {
        compactions: `sum(stream_state_num_running_compactions{${APP}})`,
        flushes: `sum(stream_state_num_running_flushes{${APP}})`,
        'waiting memtables': `sum(stream_state_num_immutable_mem_table{${APP}})`,
        errors: `sum(stream_state_background_errors{${APP}})`,
      },
    }),
    graph({
      title: 'Waiting in the task',
      w: 8,
      queries: {
        'records of task {{task}}': `sum by (task) (stream_task_active_buffer_count{${APP}})`,
        'dirty entries of {{store}}': `sum by (store) (stream_state_dirty_entries{${APP}})`,
      },
    }),
    graph({
      title: 'Timers and punctuations per second',
      w: 8,
      queries: {
        timers: `sum(${rate('stream_task_timers_fired_total')})`,
        punctuations: `sum(${rate('stream_task_punctuate_total')})`,
      },
    }),
    graph({
      title: 'Dead letters and dropped records',
      w: 8,
      queries: {
        'waiting in the dead letters': 'max(dead_letters_waiting)',
        '{{stage}}: {{response}} per second': `sum by (stage, response) (${rate('stream_task_dropped_records_total')})`,
      },
    }),
    graph({
      title: 'Late and repeated alerts per second',
      w: 8,
      queries: {
        'late {{source_type}}': `sum by (source_type) (${rate('alerts_late_total')})`,
        'repeated {{source_type}}': `sum by (source_type) (${rate('alerts_duplicates_total')})`,
      },
    }),
    graph({
      title: 'Task failures and moves',
      w: 8,
      queries: {
        'failures ({{recovery}})': `sum by (recovery) (increase(stream_task_failures_total{${APP}}[$__rate_interval]))`,
        'tasks given': `sum(increase(stream_thread_task_created_total{${APP}}[$__rate_interval]))`,
        'tasks given away': `sum(increase(stream_thread_task_closed_total{${APP}}[$__rate_interval]))`,
      },
    }),
    graph({
      title: 'Lifecycle events per second by reason',
      w: 24,
      queries: {
        '{{event_type}} {{reason}}': `sum by (event_type, reason) (${rate('alerts_lifecycle_events_total')})`,
      },
    }),
  ],
});
