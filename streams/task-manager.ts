/**
 * The tasks of one thread: opening, committing, failing, closing.
 *
 * Invariant: at most one StreamTask per task id is open at a time, and each is closed before another is opened in its place.
 * An error costs the task it belongs to what its recovery says, and no other task anything. Only for a task that runs are
 * inputs read, and while the group is being joined no task begins to: its partitions may have gone to another member already.
 */
import { recoveryOf, StateLockedError } from './errors.ts';
import type { FetchedBatch, TopicPartition } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import { messageOf } from './record-queue.ts';
import { backoffMs } from './retry.ts';
import type { StreamTask } from './task.ts';
import { taskIdOf } from './task-assignor.ts';
import { openTask, startReading, taskInputs, type TaskEnvironment, type TaskPlace } from './task-opener.ts';

/** A task that this thread was given, whether it runs or is still being opened. */
export interface TaskEntry extends TaskPlace {
  readonly taskId: string;
  readonly closing: AbortController;
  /** Undefined while it is being opened. */
  task: StreamTask | undefined;
  opening: Promise<void>;
  commit: Promise<void> | undefined;
  lastCommitMs: number;
  failures: number;
}

export interface TaskManagerEvents {
  /** Something to do came up: a commit ended, a task opened. */
  readonly onWakeUp: () => void;
  /** A task has another owner: the group should be joined again. */
  readonly onTaskLost: () => void;
  /** An error that only stopping the thread answers. */
  readonly onFatal: (error: unknown) => void;
}

export class TaskManager {
  readonly #environment: TaskEnvironment;
  readonly #events: TaskManagerEvents;
  readonly #entries = new Map<string, TaskEntry>();
  readonly #byInput = new Map<string, TaskEntry>();
  #assignment = Promise.withResolvers<void>();

  constructor(environment: TaskEnvironment, events: TaskManagerEvents) {
    this.#environment = environment;
    this.#events = events;
    for (const name of ['created', 'closed']) environment.metrics.counter(`stream_thread_task_${name}`).add(0);
  }

  get entries(): readonly TaskEntry[] {
    return [...this.#entries.values()];
  }

  entryOf(taskId: string): TaskEntry | undefined {
    return this.#entries.get(taskId);
  }

  get allRunning(): boolean {
    return this.entries.every(({ task }) => task !== undefined);
  }

  /** The group is about to be joined: until `assign`, it is not known what this member has. */
  awaitAssignment(): void {
    this.#assignment = Promise.withResolvers();
  }

  /** Closes the tasks that are not among the places, opens those that are missing, leaves the others running. */
  async assign(places: readonly TaskPlace[]): Promise<void> {
    const wanted = new Map(places.map((place) => [taskIdOf(place.subTopology.id, place.partition), place]));
    const revoked = this.entries.filter(({ taskId }) => !wanted.has(taskId));
    await Promise.all(revoked.map((entry) => this.#close(entry)));
    for (const [taskId, place] of wanted) if (!this.#entries.has(taskId)) this.#open(taskId, place);
    // Joining lifts every pause, and until a task runs, its partitions stand where an earlier one of it had read to.
    for (const entry of this.entries) if (entry.task === undefined) this.#environment.consumer.pause(taskInputs(entry));
    this.#assignment.resolve();
  }

  /** The running task that a fetched batch belongs to. */
  taskOf(partition: TopicPartition): StreamTask | undefined {
    return this.#byInput.get(topicPartitionKey(partition))?.task;
  }

  /**
   * Adds a batch to the task that ran when it was polled. When that one is gone the batch is dropped: its successor reads on from
   * the committed position, and a batch from where the former one was would leave a gap.
   */
  add(batch: FetchedBatch, task: StreamTask | undefined): void {
    if (this.taskOf(batch) === task) task?.add(batch);
  }

  /** Starts a commit and comes back at once; the task is not processed until it ended. */
  startCommit(entry: TaskEntry): void {
    const { task } = entry;
    if (task === undefined || entry.commit !== undefined) return;
    const { clock } = this.#environment;
    entry.commit = task
      .commit(clock)
      .then(
        () => {
          entry.lastCommitMs = clock.now();
          entry.failures = 0;
        },
        (error: unknown) => this.fail(entry, task, error),
      )
      .catch((fatal: unknown) => this.#events.onFatal(fatal))
      .finally(() => {
        entry.commit = undefined;
        this.#events.onWakeUp();
      });
  }

  /** Commits all tasks and waits for it; before a rebalance. */
  async commitAll(): Promise<void> {
    await this.#commitsUnderWay();
    for (const entry of this.entries) if (entry.task?.commitNeeded === true) this.startCommit(entry);
    await this.#commitsUnderWay();
  }

  async #commitsUnderWay(): Promise<void> {
    await Promise.all(this.entries.flatMap(({ commit }) => commit ?? []));
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.entries.map((entry) => this.#close(entry)));
  }

  /** Does what the error's recovery says. Rejects when that fails. */
  async fail(entry: TaskEntry, task: StreamTask, error: unknown): Promise<void> {
    if (entry.task !== task) return;
    const recovery = recoveryOf(error);
    const { logger } = this.#environment;
    entry.task = undefined;
    this.#environment.consumer.pause(taskInputs(entry));
    await this.#closeDirty(task);
    if (recovery === 'give-task-up') {
      logger.info(`Task ${entry.taskId} has another owner; giving it up`, {
        taskId: entry.taskId,
        reason: messageOf(error),
      });
      this.#forget(entry);
      this.#events.onTaskLost();
      return;
    }
    if (recovery === 'stop' || recovery === 'skip-record') {
      this.#events.onFatal(error);
      return;
    }
    entry.failures += 1;
    this.#environment.metrics.counter('stream_task_failures', { task: entry.taskId, recovery }).add(1);
    logger.warn(`Task ${entry.taskId} failed and starts again from its last commit`, {
      taskId: entry.taskId,
      recovery,
      err: error,
    });
    if (recovery === 'rebuild-task') await this.#environment.stateFactory.destroy(entry.taskId);
    entry.opening = this.#openUntilRunning(entry);
  }

  #open(taskId: string, place: TaskPlace): void {
    const entry: TaskEntry = {
      ...place,
      taskId,
      closing: new AbortController(),
      task: undefined,
      opening: Promise.resolve(),
      commit: undefined,
      lastCommitMs: this.#environment.clock.now(),
      failures: 0,
    };
    this.#entries.set(taskId, entry);
    this.#environment.metrics.counter('stream_thread_task_created').add(1);
    // From zero, so that the first failure is seen as an increase.
    this.#environment.metrics.counter('stream_task_failures', { task: taskId, recovery: 'restart-task' }).add(0);
    for (const input of taskInputs(place)) this.#byInput.set(topicPartitionKey(input), entry);
    entry.opening = this.#openUntilRunning(entry);
  }

  /** Tries with growing pauses until the task runs, is taken away, or fails for good. Never rejects. */
  async #openUntilRunning(entry: TaskEntry): Promise<void> {
    const { clock, config, consumer, logger, stateFactory } = this.#environment;
    const { signal } = entry.closing;
    const startedMs = clock.now();
    let damaged = false;
    while (!signal.aborted) {
      if (entry.failures > 0) await clock.sleep(backoffMs(entry.failures, config), signal);
      if (signal.aborted) return;
      try {
        // What is damaged stays so, however often it is opened.
        if (damaged) await stateFactory.destroy(entry.taskId);
        damaged = false;
        const task = await openTask(entry, this.#environment, signal);
        await settledOrAborted(this.#assignment.promise, signal);
        if (signal.aborted) await this.#closeDirty(task);
        else {
          startReading(task, consumer);
          entry.task = task;
        }
        this.#events.onWakeUp();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const recovery = recoveryOf(error);
        const lockedTooLong = error instanceof StateLockedError && clock.now() - startedMs >= config.stateLockTimeoutMs;
        if (recovery === 'stop' || recovery === 'skip-record' || lockedTooLong) {
          this.#events.onFatal(error);
          return;
        }
        entry.failures += 1;
        this.#environment.metrics.counter('stream_task_failures', { task: entry.taskId, recovery }).add(1);
        logger.warn(`Task ${entry.taskId} could not be opened; trying again`, {
          taskId: entry.taskId,
          attempt: entry.failures,
          err: error,
        });
        damaged ||= recovery === 'rebuild-task';
      }
    }
  }

  async #close(entry: TaskEntry): Promise<void> {
    entry.closing.abort();
    this.#forget(entry);
    await entry.opening;
    await entry.commit;
    const { task } = entry;
    if (task === undefined) return;
    entry.task = undefined;
    try {
      await task.closeClean(this.#environment.clock);
    } catch (error) {
      // What was not committed is read again by the next owner, so nothing is lost.
      this.#environment.logger.warn(`Task ${entry.taskId} was closed without its last commit`, {
        taskId: entry.taskId,
        err: error,
      });
    }
  }

  async #closeDirty(task: StreamTask): Promise<void> {
    try {
      await task.closeDirty();
    } catch (error) {
      this.#environment.logger.warn(`Closing task ${task.taskId} failed`, { taskId: task.taskId, err: error });
    }
  }

  #forget(entry: TaskEntry): void {
    if (this.#entries.get(entry.taskId) === entry) {
      this.#entries.delete(entry.taskId);
      this.#environment.metrics.counter('stream_thread_task_closed').add(1);
    }
    for (const input of taskInputs(entry)) {
      const key = topicPartitionKey(input);
      if (this.#byInput.get(key) === entry) this.#byInput.delete(key);
    }
  }
}

function settledOrAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    void promise.then(done);
  });
}
