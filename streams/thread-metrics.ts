/**
 * What a stream thread tells about itself, under Kafka Streams' names.
 *
 * Invariant: nothing here costs anything per record. What only grows is counted per turn of the loop; what is a state (lag, tasks,
 * size of the stores) is read when somebody asks, from what is there then, so a task that moved away leaves no figure behind.
 */
import type { Counter, Histogram, Measurement, MetricLabels, Metrics } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import type { RestoreProgress } from './restore.ts';
import type { StreamTask } from './task.ts';

export class ThreadMetrics {
  readonly #pollRecords: Counter;
  readonly #pollLatency: Histogram;
  readonly #processLatency: Histogram;
  readonly #punctuateLatency: Histogram;
  readonly #rebalanceLatency: Histogram;

  constructor(metrics: Metrics) {
    this.#pollRecords = metrics.counter('stream_thread_poll_records');
    this.#pollLatency = metrics.histogram('stream_thread_poll_latency_ms');
    this.#processLatency = metrics.histogram('stream_thread_process_latency_ms');
    this.#punctuateLatency = metrics.histogram('stream_thread_punctuate_latency_ms');
    this.#rebalanceLatency = metrics.histogram('stream_thread_rebalance_latency_ms');
  }

  /** One call of the consumer, waiting included. */
  polled(records: number, durationMs: number): void {
    this.#pollLatency.record(durationMs);
    if (records > 0) this.#pollRecords.add(records);
  }

  /** One turn of a task that had something to do. */
  processed(durationMs: number): void {
    this.#processLatency.record(durationMs);
  }

  /** One turn of a task in which wall-clock punctuators fired. */
  punctuated(durationMs: number): void {
    this.#punctuateLatency.record(durationMs);
  }

  rebalanced(durationMs: number): void {
    this.#rebalanceLatency.record(durationMs);
  }
}

/** How much was restored, and how much each task that is being opened still has to read. */
export class RestoreMetrics {
  readonly #metrics: Metrics;
  readonly #changelogs = new Map<string, Map<string, { records: number; remaining: number }>>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  note(taskId: string, { changelog, position, end, records }: RestoreProgress): void {
    const ofTask = this.#changelogs.get(taskId) ?? new Map<string, { records: number; remaining: number }>();
    this.#changelogs.set(taskId, ofTask);
    const key = topicPartitionKey(changelog);
    // A restore that begins again counts from zero.
    const before = ofTask.get(key)?.records ?? 0;
    this.#metrics.counter('stream_task_restore', { task: taskId }).add(records >= before ? records - before : records);
    ofTask.set(key, { records, remaining: Math.max(0, end - position) });
  }

  /** In offsets, so transaction markers count. */
  remaining(taskId: string): number {
    let sum = 0;
    for (const { remaining } of this.#changelogs.get(taskId)?.values() ?? []) sum += remaining;
    return sum;
  }
}

export interface MeasuredThread {
  /** Every task of the thread; `task` is undefined while it is being opened. */
  readonly entries: readonly { readonly taskId: string; readonly task: StreamTask | undefined }[];
  readonly standbys: number;
  readonly running: boolean;
  readonly restores: RestoreMetrics;
}

/** Everything about the thread that is a state. */
export function measureThread({ entries, standbys, running, restores }: MeasuredThread): readonly Measurement[] {
  const restoring = entries.filter(({ task }) => task === undefined);
  return [
    gauge('stream_thread_running', running ? 1 : 0),
    gauge('stream_thread_active_running_tasks', entries.length - restoring.length),
    gauge('stream_thread_active_restoring_tasks', restoring.length),
    gauge('stream_thread_standby_tasks', standbys),
    ...entries.flatMap(({ taskId, task }) => {
      const labels = { task: taskId };
      const remaining = task === undefined ? restores.remaining(taskId) : 0;
      return [
        gauge('stream_task_restore_remaining_records', remaining, labels),
        ...(task === undefined ? [] : measureTask(task, labels)),
      ];
    }),
  ];
}

function measureTask(task: StreamTask, labels: MetricLabels): readonly Measurement[] {
  return [
    gauge('stream_task_active_buffer_count', task.buffered, labels),
    ...task.inputs.map(({ topicPartition: { topic, partition }, lag }) =>
      gauge('stream_task_records_lag', lag, { ...labels, topic, partition: String(partition) }),
    ),
    ...task.stores.map(({ store }) =>
      gauge('stream_state_dirty_entries', store.dirtyEntries, { ...labels, store: store.name }),
    ),
    ...Object.entries(task.stateStats()).map(([name, value]) => gauge(`stream_state_${name}`, value, labels)),
  ];
}

const gauge = (name: string, value: number, labels: MetricLabels = {}): Measurement => ({ name, value, labels });
