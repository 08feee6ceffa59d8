/**
 * Every metric of ours: its kind, its labels and what it means; and, where Kafka Streams has it, its name there.
 *
 * Invariant: a metric that is not in here is not exposed by any process, and its labels are these. None of them takes a value that
 * a producer chooses freely: no driver, no alert, no request.
 */

export interface MetricEntry {
  /** As Prometheus sees it. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** The name in Kafka Streams' own metrics, with its group. */
  readonly kafka?: string;
}

export interface MetricGroup {
  readonly title: string;
  readonly metrics: readonly MetricEntry[];
}

const entry =
  (kind: MetricEntry['kind'], common: readonly string[] = []) =>
  (name: string, labels: readonly string[], help: string, kafka?: string): MetricEntry => ({
    name,
    kind,
    labels: [...common, ...labels],
    help,
    ...(kafka === undefined ? {} : { kafka }),
  });

const counter = entry('counter');
const gauge = entry('gauge');
const histogram = entry('histogram');

/** What a stream thread exposes says which application and which thread of the process it comes from. */
const THREAD = ['application', 'thread'];
const threadCounter = entry('counter', THREAD);
const threadGauge = entry('gauge', THREAD);
const threadHistogram = entry('histogram', THREAD);

const stateGauge = (name: string, help: string): MetricEntry =>
  threadGauge(`stream_state_${name}`, ['task'], help, `stream-state ${name.replaceAll('_', '-')}`);

const streamThreads: MetricGroup = {
  title: 'Stream threads (processor)',
  metrics: [
    gauge(
      'stream_client_alive_stream_threads',
      ['application'],
      'Stream threads of the process that live',
      'stream alive-stream-threads',
    ),
    gauge(
      'stream_client_failed_stream_threads',
      ['application'],
      'Stream threads of the process that ended with an error',
      'stream failed-stream-threads',
    ),
    threadGauge('stream_thread_running', [], '1 while the thread runs all of its tasks', 'stream-thread state'),
    threadGauge('stream_thread_active_running_tasks', [], 'Tasks that run'),
    threadGauge(
      'stream_thread_active_restoring_tasks',
      [],
      'Tasks that are being opened or restored',
      'stream-state-updater active-restoring-tasks',
    ),
    threadGauge(
      'stream_thread_standby_tasks',
      [],
      'Warm copies of tasks that run elsewhere',
      'stream-state-updater standby-updating-tasks',
    ),
    threadCounter(
      'stream_thread_task_created_total',
      [],
      'Tasks that the thread was given',
      'stream-thread task-created-total',
    ),
    threadCounter(
      'stream_thread_task_closed_total',
      [],
      'Tasks that the thread gave away or lost',
      'stream-thread task-closed-total',
    ),
    threadCounter(
      'stream_thread_poll_records_total',
      [],
      'Records that the consumer handed over',
      'stream-thread poll-records-avg',
    ),
    threadHistogram(
      'stream_thread_poll_latency_seconds',
      [],
      'Time of one call of the consumer, waiting included',
      'stream-thread poll-latency-avg',
    ),
    threadHistogram(
      'stream_thread_process_latency_seconds',
      [],
      'Time of one turn of processing of one task; its rate is the share of time spent processing',
      'stream-thread process-latency-avg, process-ratio',
    ),
    threadHistogram(
      'stream_thread_punctuate_latency_seconds',
      [],
      'Time of one turn in which wall-clock punctuators fired',
      'stream-thread punctuate-latency-avg',
    ),
    threadHistogram(
      'stream_thread_rebalance_latency_seconds',
      [],
      'Time of one rebalance, from the last commit before it to the assignment; its count is the number of rebalances',
      'consumer-coordinator rebalance-latency-avg, rebalance-total',
    ),
  ],
};

const tasks: MetricGroup = {
  title: 'Tasks (processor)',
  metrics: [
    threadCounter('stream_task_process_total', ['task'], 'Records processed', 'stream-task process-total'),
    threadCounter('stream_task_timers_fired_total', ['task'], 'Durable timers fired'),
    threadCounter('stream_task_punctuate_total', ['task'], 'Punctuations run', 'stream-task punctuate-total'),
    threadHistogram(
      'stream_task_commit_latency_seconds',
      ['task'],
      'Time of one commit: changelogs, results and positions in one transaction, then the local state',
      'stream-thread commit-latency-avg, commit-total',
    ),
    threadGauge(
      'stream_task_records_lag',
      ['task', 'topic', 'partition'],
      'Records of the input partition that wait in the log or in the queue of the task, in offsets',
      'consumer-fetch-manager records-lag',
    ),
    threadGauge(
      'stream_task_active_buffer_count',
      ['task'],
      'Records fetched and not yet processed',
      'stream-task active-buffer-count',
    ),
    threadCounter(
      'stream_task_restore_total',
      ['task'],
      'Changelog records restored into the stores of a task',
      'stream-state-updater restore-total',
    ),
    threadGauge(
      'stream_task_restore_remaining_records',
      ['task'],
      'Changelog offsets still to be read before the task runs',
      'stream-task restore-remaining-records-total',
    ),
    threadCounter(
      'stream_task_dropped_records_total',
      ['task', 'stage', 'response'],
      'Records that could not be processed, by the stage that failed and what became of them (dead-letter)',
      'stream-task dropped-records-total',
    ),
    threadCounter(
      'stream_processor_dropped_records_total',
      ['task', 'node', 'reason'],
      'Records that an operator of the DSL leaves out, such as late ones and those without a key',
      'stream-task dropped-records-total',
    ),
    threadCounter(
      'stream_state_dropped_records_total',
      ['task', 'store'],
      'Writes to windows that are over, beyond the retention of their store',
      'stream-task dropped-records-total',
    ),
    threadCounter(
      'stream_global_dropped_records_total',
      ['store'],
      'Records of a global table that could not be read',
      'stream-task dropped-records-total',
    ),
    threadCounter('stream_task_lost_offsets_total', ['topic'], 'Offsets that retention removed before they were read'),
    threadCounter(
      'stream_task_failures_total',
      ['task', 'recovery'],
      'Errors that cost a task a restart or a rebuild of its local state, by the recovery they asked for',
    ),
  ],
};

const state: MetricGroup = {
  title: 'State of a task (processor; one RocksDB per task, shared by its stores)',
  metrics: [
    stateGauge('estimate_num_keys', 'Estimated number of keys'),
    stateGauge('cur_size_all_mem_tables', 'Bytes in memtables that are not flushed yet'),
    stateGauge('num_immutable_mem_table', 'Memtables that wait to be flushed'),
    stateGauge('block_cache_usage', 'Bytes in the block cache'),
    stateGauge('block_cache_capacity', 'Bytes that the block cache may take'),
    stateGauge('block_cache_pinned_usage', 'Bytes in the block cache that cannot be evicted'),
    stateGauge('estimate_table_readers_mem', 'Bytes for reading tables outside of the block cache'),
    stateGauge('total_sst_files_size', 'Bytes of all table files'),
    stateGauge('live_sst_files_size', 'Bytes of the table files in use'),
    stateGauge('num_running_compactions', 'Compactions that run'),
    stateGauge('num_running_flushes', 'Flushes that run'),
    stateGauge('background_errors', 'Background errors since the state was opened'),
    threadGauge(
      'stream_state_dirty_entries',
      ['task', 'store'],
      'Entries of the write-back cache that the next commit sends to the changelog',
    ),
  ],
};

const alerts: MetricGroup = {
  title: 'Alerts',
  metrics: [
    threadCounter(
      'alerts_lifecycle_events_total',
      ['event_type', 'source_type', 'reason'],
      'Lifecycle events: created, escalated, auto-closed, purged. Source types without a rule count as other',
    ),
    threadCounter('alerts_duplicates_total', ['source_type'], 'Alerts that were a repetition and changed nothing'),
    threadCounter(
      'alerts_late_total',
      ['source_type'],
      'Alerts beyond the grace period, decided on what is retained',
      'stream-task record-lateness',
    ),
    threadCounter('alert_commands_total', ['command', 'outcome'], 'Commands on alerts and what became of them'),
    threadCounter('alert_rules_refused_total', [], 'Rules on the rules topic that could not be used'),
    gauge(
      'alerts_open',
      ['source_type', 'severity', 'status'],
      'Alerts in the database that are open, escalated or acknowledged (sink). Sources beyond the 50 largest count as other',
    ),
    gauge('dead_letters_waiting', [], 'Offsets in the dead-letter topic, transaction markers included (sink)'),
  ],
};

const logs: MetricGroup = {
  title: 'Logs',
  metrics: [
    threadCounter('logs_processed_total', ['level'], 'Log records taken in'),
    threadCounter(
      'alerts_processed_total',
      ['type', 'severity'],
      'Alerts about logs that rules raised or would have raised, by the kind of rule',
    ),
    threadCounter('alerts_deduplicated_total', ['type', 'severity'], 'Those of them that a cooldown held back'),
    threadHistogram('log_alert_delay_seconds', [], 'Time from the log that crosses a threshold to the alert about it'),
    threadCounter(
      'log_evaluations_late_total',
      [],
      'Logs that came after the grace period of their window and were not counted in it, once for each rule',
    ),
    threadCounter('log_errors_not_counted_total', [], 'Errors that came too late to be counted'),
    threadCounter('log_alert_rules_refused_total', [], 'Rules on the rules topic that could not be used'),
  ],
};

const incidents: MetricGroup = {
  title: 'Incidents',
  metrics: [
    threadCounter(
      'incident_alerts_total',
      ['source', 'outcome'],
      'Alerts taken in by their source, and whether they joined an incident, opened or reopened one',
    ),
    threadCounter('incident_events_total', ['event_type', 'severity'], 'Lifecycle events of incidents'),
    threadCounter('incident_commands_total', ['command', 'outcome'], 'Commands on incidents and what became of them'),
  ],
};

const sink: MetricGroup = {
  title: 'Sink',
  metrics: [
    gauge('sink_ready', ['group'], '1 while a sink of the process is positioned and writes'),
    counter('sink_events_total', [], 'Events applied to the tables'),
    counter('sink_batches_total', [], 'Database transactions that applied events'),
    gauge('sink_batch_records', [], 'Events in the last batch'),
    counter('sink_rows_total', ['table'], 'Rows written'),
    histogram('sink_apply_duration_seconds', [], 'Time of one database transaction'),
    gauge('sink_lag_records', ['topic', 'partition'], 'Offsets of the partition that are not in the tables yet'),
    gauge(
      'sink_lag_seconds',
      ['topic', 'partition'],
      'How long ago the last applied event entered the log, while there are more; 0 when there are none',
    ),
    counter('sink_retries_total', ['code'], 'Faults that the sink waits out and tries again, by error code'),
    gauge('sink_breaker_open', [], '1 while the circuit breaker holds calls to the database back'),
    counter('sink_dead_letters_total', ['stage', 'code'], 'Events sent to the dead letters, by stage and error code'),
    counter(
      'sink_lost_records_total',
      ['topic', 'partition'],
      'Offsets that retention removed before they were applied',
    ),
  ],
};

const notifications: MetricGroup = {
  title: 'Notifications (notifier)',
  metrics: [
    counter('notifications_sent_total', ['status'], 'Attempts to deliver a notification, by success and failure'),
    counter('notifications_dead_total', [], 'Notifications that were given up'),
    histogram('notification_delivery_seconds', [], 'From the arrival of the event at the notifier to its delivery'),
    histogram('notification_since_event_seconds', [], 'From the event time of what is told to its delivery'),
    gauge('notifications_waiting', [], 'Notifications in the queue that have not ended'),
    gauge('notification_circuits_open', ['type'], 'Channels whose circuit breaker is not closed, by type of channel'),
  ],
};

const gateway: MetricGroup = {
  title: 'Gateway',
  metrics: [
    counter('gateway_http_requests_total', ['method', 'route', 'status'], 'Requests answered'),
    histogram('gateway_http_request_duration_seconds', ['method', 'route', 'status'], 'Time from request to answer'),
    gauge('gateway_requests_waiting', [], 'Requests that wait for the decision on their alert'),
    histogram('gateway_produce_duration_seconds', [], 'Time until the log has an alert'),
    histogram('gateway_decision_duration_seconds', [], 'Time from there to the decision'),
    counter('gateway_logs_accepted_total', [], 'Log records taken in'),
    counter('gateway_logs_refused_total', [], 'Log records refused'),
    counter('gateway_events_unreadable_total', [], 'Lifecycle events that the gateway cannot read'),
  ],
};

const process: MetricGroup = {
  title: 'Database and process',
  metrics: [
    counter(
      'database_failures_total',
      ['kind'],
      'Failed connections and statements: unavailable (waited out), row (a value refused), setup (an operator is needed)',
    ),
    histogram('database_statement_duration_seconds', [], 'Time of one statement'),
    gauge('database_pool_connections_used', [], 'Connections in use'),
    gauge('database_pool_connections_limit', [], 'Connections at most'),
    gauge('database_pool_waiting', [], 'Work that waits for a connection'),
    gauge('process_memory_limit_bytes', [], 'Memory the process may have: of its container, else of the machine'),
  ],
};

/** In the order of the documentation. */
export const METRICS: readonly MetricGroup[] = [
  streamThreads,
  tasks,
  state,
  alerts,
  logs,
  incidents,
  sink,
  notifications,
  gateway,
  process,
];

const helps: ReadonlyMap<string, string> = new Map(
  METRICS.flatMap(({ metrics }) => metrics.map(({ name, help }) => [name, `${help}.`] as const)),
);

/** The sentence for a metric of ours, by the name that Prometheus sees. */
export const helpOf = (exposedName: string): string | undefined => helps.get(exposedName);
