/**
 * A stream thread: one consumer, the tasks it is assigned, and one loop at its own pace:
 * poll -> hand out -> process -> punctuate -> commit.
 *
 * Invariants: only the loop processes tasks; commits, restores and fetches go on beside it and only wake it up. Every queue is
 * bounded: a full one pauses its partition. Before it joins a rebalance, everything processed is committed.
 */
import { GlobalState } from './global-state.ts';
import { PausedTasks } from './paused-tasks.ts';
import { prepareTopics, tasksWithState } from './internal-topics.ts';
import type { FetchedBatch, GroupConsumer, GroupConsumerOptions, LogReader, Measurement } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import type { QueryAnswer, TaskQuery } from './queries/query.ts';
import { QueryError } from './queries/query-error.ts';
import { ThreadQueries, type StoreLag } from './queries/thread-queries.ts';
import { measureThread, RestoreMetrics, ThreadMetrics } from './thread-metrics.ts';
import { rebalance, type Rebalancer } from './rebalance.ts';
import { StandbyManager } from './standby-manager.ts';
import { encodeMemberState, TaskAssignor } from './task-assignor.ts';
import { TaskManager, type TaskEntry } from './task-manager.ts';
import type { OpenState, TaskEnvironment } from './task-opener.ts';
import type { StreamThreadOptions, StreamThreadState, TaskMetadata, ThreadMetadata } from './thread-options.ts';
import type { SourceNode } from './topology.ts';

export type {
  StreamThreadOptions,
  StreamThreadState,
  TaskMetadata,
  ThreadMetadata,
  UncaughtExceptionResponse,
} from './thread-options.ts';

/** How long the other members may take to join when they are told to stop. */
const SHUTDOWN_NOTICE_MS = 30_000;
/** How long the loop waits at most before it looks around again. */
const IDLE_POLL_MS = 500;

export class StreamThread {
  /** Pausing takes effect with the next turn of the loop. */
  readonly pausedTasks = new PausedTasks();
  readonly #options: StreamThreadOptions;
  readonly #stopping = new AbortController();
  readonly #restoring = new Map<string, OpenState>();
  readonly #paused = new Set<string>();
  readonly #metrics: ThreadMetrics;
  readonly #restores: RestoreMetrics;
  readonly #prepares: ReadonlyMap<string, SourceNode>;
  #state: StreamThreadState = 'created';
  #fatal: { readonly error: unknown } | undefined;
  #rejoinNeeded = false;
  #moreToDo = false;
  #consumer: GroupConsumer | undefined;
  #tasks: TaskManager | undefined;
  #standbys: StandbyManager | undefined;
  #queries: ThreadQueries | undefined;

  constructor(options: StreamThreadOptions) {
    this.#options = options;
    this.#metrics = new ThreadMetrics(options.metrics);
    this.#restores = new RestoreMetrics(options.metrics);
    const sources = options.topology.subTopologies.flatMap(({ nodes }) =>
      nodes.filter((node) => node.kind === 'source'),
    );
    this.#prepares = new Map(sources.flatMap((source) => source.topics.map((topic) => [topic, source])));
  }

  get state(): StreamThreadState {
    return this.#state;
  }

  /** The tasks of this thread, running or being restored. */
  get tasks(): readonly TaskEntry[] {
    return this.#tasks?.entries ?? [];
  }

  get metadata(): ThreadMetadata {
    const activeTasks = this.tasks.map(({ taskId, task }): TaskMetadata => {
      const inputs = task?.inputs.map(({ topicPartition, position }) => [topicPartitionKey(topicPartition), position]);
      const status = task === undefined ? 'restoring' : this.pausedTasks.has(taskId) ? 'paused' : 'running';
      return { taskId, status, inputs: Object.fromEntries(inputs ?? []) as Record<string, number> };
    });
    const standbyTasks = [...(this.#standbys?.positions.keys() ?? [])];
    return { name: this.#options.name, state: this.#state, activeTasks, standbyTasks };
  }

  /** Answers from the stores of this thread's tasks; see `ThreadQueries`. Rejects with `QueryError`. */
  async query(request: TaskQuery): Promise<QueryAnswer> {
    return this.#requireQueries().query(request);
  }

  /** How far the stores here are behind their changelogs. Rejects with `QueryError`, or as the log does. */
  async storeLags(): Promise<readonly StoreLag[]> {
    return this.#requireQueries().lags();
  }

  /** What is a state, as it is at this moment; what is counted goes to `metrics`. */
  measurements(): readonly Measurement[] {
    return measureThread({
      entries: this.tasks,
      standbys: this.#standbys?.count ?? 0,
      running: this.#state === 'running',
      restores: this.#restores,
    });
  }

  /** Runs until `stop`, then resolves; rejects on an error that only stopping answers. Everything is closed either way. */
  async run(): Promise<void> {
    const { client, config, topology, globalBackend, metrics, logger, clock } = this.#options;
    this.#enter('starting');
    const admin = client.admin();
    const reader = client.reader();
    const { applicationId } = config;
    const globalState = new GlobalState({
      applicationId,
      globalStores: topology.globalStores,
      backend: globalBackend,
      reader,
      admin,
      metrics,
      logger,
      systemTimeMs: () => clock.now(),
    });
    let following: Promise<void> = Promise.resolve();
    try {
      const partitionCounts = await prepareTopics(topology, applicationId, admin, config.deadLetterTopic);
      this.#options.stateFactory.expect?.(tasksWithState(topology, partitionCounts));
      await globalState.restore(this.#stopping.signal);
      following = globalState.follow(this.#stopping.signal).catch((error: unknown) => this.#fail(error));
      await this.#loop(reader, globalState, partitionCounts);
    } catch (error) {
      await this.#respondTo(error);
      throw error;
    } finally {
      this.#enter('pending-shutdown');
      this.#queries = undefined;
      await this.#closeTasks();
      await this.#consumer?.close();
      await following;
      await globalState.close();
      await reader.close();
      await admin.close();
      this.#enter('dead');
    }
  }

  /** Commits, closes and leaves the group; `run` resolves when that is done. */
  stop(): void {
    this.#stopping.abort();
    this.#consumer?.wakeup();
  }

  async #closeTasks(): Promise<void> {
    this.#stopping.abort();
    await this.#tasks?.closeAll();
    await this.#standbys?.closeAll();
  }

  /** Asks what to do about the error that ends this thread, and tells the other instances if they are to stop as well. */
  async #respondTo(error: unknown): Promise<void> {
    const { onUncaughtException, config, clock, logger } = this.#options;
    const response = await onUncaughtException?.(error);
    if (response !== 'shutdown-application' || this.#consumer === undefined) return;
    logger.error('Every instance of the application is told to stop', { err: error });
    await this.#closeTasks();
    const told = this.#consumer.rejoin(encodeMemberState({ processId: config.processId, tasks: {}, shutdown: true }));
    const failed = (cause: unknown): void => logger.error('Not every instance could be told to stop', { err: cause });
    await Promise.race([told.then(() => undefined, failed), clock.sleep(SHUTDOWN_NOTICE_MS)]);
  }

  #requireQueries(): ThreadQueries {
    if (this.#queries !== undefined) return this.#queries;
    const message = `The stream thread ${this.#options.name} is ${this.#state}; it has no tasks to ask.`;
    throw new QueryError({ code: 'NOT_RUNNING', message });
  }

  async #loop(
    reader: LogReader,
    globalState: GlobalState,
    partitionCounts: ReadonlyMap<string, number>,
  ): Promise<void> {
    const { client, config, topology, stateFactory, clock, metrics, logger, onRestoreProgress } = this.#options;
    const { applicationId, processId, applicationServer } = config;
    const { subTopologies } = topology;
    const consumer = client.consumer(this.#consumerOptions());
    const environment: TaskEnvironment = {
      ...{ config, client, consumer, reader, stateFactory, partitionCounts, clock, metrics, logger },
      globalStores: globalState.stores,
      restoring: this.#restoring,
      onRestoreProgress: (taskId, progress) => {
        this.#restores.note(taskId, progress);
        onRestoreProgress?.(taskId, progress);
      },
    };
    const tasks = this.#taskManager(environment);
    const standbys = new StandbyManager(environment);
    this.#consumer = consumer;
    this.#tasks = tasks;
    this.#standbys = standbys;
    this.#queries = new ThreadQueries({
      ...{ applicationId, topology, tasks, standbys, restoring: this.#restoring, reader, clock },
      globalBackend: this.#options.globalBackend,
    });
    const identity = { applicationId, processId, applicationServer };
    const rebalancer = { ...identity, subTopologies, consumer, tasks, standbys, stateFactory };
    await this.#rebalance(rebalancer);
    while (!this.#stopping.signal.aborted) await this.#turn(rebalancer);
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }

  #consumerOptions(): GroupConsumerOptions {
    const { name, config, topology, memberMemory, onMetadata } = this.#options;
    const { applicationId, standbyReplicas, sessionTimeoutMs } = config;
    const { subTopologies } = topology;
    const globalStores = topology.globalStores.map(({ store }) => store.name);
    return {
      groupId: applicationId,
      clientId: name,
      topics: subTopologies.flatMap(({ sourceTopics }) => sourceTopics),
      assignor: new TaskAssignor({
        ...{ applicationId, subTopologies, standbyReplicas, globalStores },
        ...(onMetadata && { onMetadata }),
      }),
      sessionTimeoutMs,
      ...(memberMemory && { memory: memberMemory }),
    };
  }

  #taskManager(environment: TaskEnvironment): TaskManager {
    const { consumer } = environment;
    return new TaskManager(environment, {
      onWakeUp: () => consumer.wakeup(),
      onTaskLost: () => {
        this.#rejoinNeeded = true;
        consumer.wakeup();
      },
      onFatal: (error) => this.#fail(error),
    });
  }

  async #turn(rebalancer: Rebalancer): Promise<void> {
    const { consumer, tasks } = rebalancer;
    const { clock } = this.#options;
    if (this.#rejoinNeeded) return this.#rebalance(rebalancer);
    const polledMs = clock.now();
    const polled = await consumer.poll(this.#pollTimeoutMs(tasks));
    const records =
      polled.kind === 'records' ? polled.batches.reduce((sum, batch) => sum + batch.records.length, 0) : 0;
    this.#metrics.polled(records, clock.now() - polledMs);
    if (polled.kind === 'rebalance') return this.#rebalance(rebalancer);
    const polledFor = polled.batches.map((batch) => ({ batch, task: tasks.taskOf(batch) }));
    for (const { batch, task } of polledFor) {
      await this.#prepare(batch);
      tasks.add(batch, task);
    }
    this.#runTasks(tasks);
    this.#regulate(consumer, tasks);
    if (this.#state === 'partitions-assigned' && tasks.allRunning) this.#enter('running');
    // Lets sockets and timers have their turn; without it a busy loop would starve its own fetches.
    await clock.sleep(0);
  }

  async #rebalance(rebalancer: Rebalancer): Promise<void> {
    this.#enter('partitions-revoked');
    this.#rejoinNeeded = false;
    const startedMs = this.#options.clock.now();
    await rebalance(rebalancer, this.#stopping.signal);
    this.#metrics.rebalanced(this.#options.clock.now() - startedMs);
    this.#paused.clear();
    this.#enter('partitions-assigned');
  }

  /** Waits for what the deserializers of the batch need; a registry that is away is asked again with growing pauses. */
  async #prepare(batch: FetchedBatch): Promise<void> {
    const source = this.#prepares.get(batch.topic);
    const { clock, config, logger } = this.#options;
    for (const deserializer of [source?.key, source?.value]) {
      let pauseMs = config.retryBackoffMs;
      while (!this.#stopping.signal.aborted) {
        try {
          await deserializer?.prepare?.(batch.topic, batch.records);
          break;
        } catch (error) {
          logger.warn(`Cannot prepare to read ${topicPartitionKey(batch)}; trying again in ${pauseMs} ms`, {
            err: error,
          });
          await clock.sleep(pauseMs, this.#stopping.signal);
          pauseMs = Math.min(config.retryBackoffMaxMs, pauseMs * 2);
        }
      }
    }
  }

  #runTasks(manager: TaskManager): void {
    const { clock, config } = this.#options;
    this.#moreToDo = false;
    for (const entry of manager.entries) {
      const { task } = entry;
      if (task === undefined || task.committing) continue;
      const nowMs = clock.now();
      try {
        if (this.pausedTasks.has(entry.taskId)) {
          if (task.commitNeeded) manager.startCommit(entry);
          continue;
        }
        const done = task.process(nowMs, config.maxRecordsPerTurn);
        const processedMs = clock.now();
        if (done > 0) this.#metrics.processed(processedMs - nowMs);
        if (task.punctuate(nowMs)) this.#metrics.punctuated(clock.now() - processedMs);
        if (this.#commitDue(entry, nowMs)) manager.startCommit(entry);
        else if (done >= config.maxRecordsPerTurn) this.#moreToDo = true;
      } catch (error) {
        manager.fail(entry, task, error).catch((fatal: unknown) => this.#fail(fatal));
      }
    }
  }

  #commitDue({ task, lastCommitMs }: TaskEntry, nowMs: number): boolean {
    if (task === undefined || !task.commitNeeded) return false;
    const { commitIntervalMs, maxPendingBytes, maxDirtyEntries } = this.#options.config;
    return (
      task.drained ||
      task.commitRequested ||
      nowMs - lastCommitMs >= commitIntervalMs ||
      task.pendingBytes >= maxPendingBytes ||
      task.dirtyEntries >= maxDirtyEntries
    );
  }

  /** Pauses partitions whose queue is full and resumes those that have room again. */
  #regulate(consumer: GroupConsumer, manager: TaskManager): void {
    const { maxBufferedRecords } = this.#options.config;
    for (const { task } of manager.entries) {
      for (const { topicPartition, buffered } of task?.inputs ?? []) {
        const key = topicPartitionKey(topicPartition);
        if (buffered > maxBufferedRecords && !this.#paused.has(key)) {
          this.#paused.add(key);
          consumer.pause([topicPartition]);
        } else if (buffered <= maxBufferedRecords / 2 && this.#paused.delete(key)) {
          consumer.resume([topicPartition]);
        }
      }
    }
  }

  #pollTimeoutMs(manager: TaskManager): number {
    if (this.#moreToDo || this.#rejoinNeeded || this.#stopping.signal.aborted) return 0;
    const nowMs = this.#options.clock.now();
    let waitMs = IDLE_POLL_MS;
    for (const { taskId, task, lastCommitMs } of manager.entries) {
      if (task === undefined || task.committing || this.pausedTasks.has(taskId)) continue;
      if (task.commitNeeded) waitMs = Math.min(waitMs, lastCommitMs + this.#options.config.commitIntervalMs - nowMs);
      waitMs = Math.min(waitMs, task.nextWakeUpMs() - nowMs);
    }
    return Math.max(0, waitMs);
  }

  #fail(error: unknown): void {
    this.#fatal ??= { error };
    this.stop();
  }

  #enter(state: StreamThreadState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onStateChange?.(state);
  }
}
