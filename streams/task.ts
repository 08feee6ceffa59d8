/**
 * A stream task: one sub-topology on one partition number, with its stores, timers and input queues.
 *
 * Invariants:
 * - A record, a timer or a punctuation is atomic: all of its effects happen or none.
 * - Timers due before a record's event time fire before it; timers due later wait for it, unless the input is drained and the
 *   wall clock has reached them. So a replay of the same input fires them at the same places.
 * - Nothing is processed while a commit is under way.
 */
import { commitTask, type LoggedStore } from './commit.ts';
import { DueScheduler } from './due-scheduler.ts';
import type { ErrorHandlers, ErrorStage, FailedRecord } from './error-handlers.ts';
import { ProcessingError, ProductionError, RecordTooLargeError, StreamsError, TaskFailedError } from './errors.ts';
import { NodeGraph, type TaskContext } from './node-graph.ts';
import { PartitionGroup } from './partition-group.ts';
import type { Counter, FetchedBatch, Histogram, InputPosition, Logger, Metrics, StateBackend } from './ports.ts';
import { topicPartitionKey } from './ports.ts';
import type { Cancellable, PunctuationType, Punctuator } from './processor.ts';
import { PunctuationQueue } from './punctuation.ts';
import type { RecordCollector } from './record-collector.ts';
import { messageOf, type RecordQueue, type StampedRecord } from './record-queue.ts';
import type { RecordMetadata } from './record.ts';
import type { StateStore } from './state-store.ts';
import type { SubTopology } from './topology.ts';

/**
 * `wall-clock`: timers fire by the clock once the input is drained, by event time while it is not (live).
 * `stream-time`: by event time only (replay of a range).
 */
export type TimerMode = 'wall-clock' | 'stream-time';

export interface StreamTaskOptions {
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  readonly subTopology: SubTopology;
  readonly queues: readonly RecordQueue[];
  readonly stores: readonly LoggedStore[];
  readonly globalStores: ReadonlyMap<string, StateStore>;
  readonly backend: StateBackend;
  readonly collector: RecordCollector;
  readonly errorHandlers: ErrorHandlers;
  readonly timerMode: TimerMode;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly nowMs: number;
}

/**
 * How a partition's highest event time is kept with its committed offset. It belongs there and not to the local state: whoever
 * takes the task over must go on from it, on whatever disk.
 */
const partitionTimeText = (timeMs: number): string => (timeMs < 0 ? '' : String(timeMs));

/** -1 where there is none, or none that can be read. */
export const partitionTimeOf = (metadata: string): number => (/^\d{1,15}$/.test(metadata) ? Number(metadata) : -1);

export class StreamTask {
  readonly taskId: string;
  readonly #options: StreamTaskOptions;
  readonly #group: PartitionGroup;
  readonly #graph: NodeGraph;
  readonly #due: DueScheduler;
  readonly #stores: readonly StateStore[];
  readonly #streamTimePunctuations = new PunctuationQueue();
  readonly #wallClockPunctuations = new PunctuationQueue();
  readonly #committedPositions = new Map<string, number>();
  readonly #processed: Counter;
  readonly #timersFired: Counter;
  readonly #punctuated: Counter;
  readonly #commitLatency: Histogram;
  #recordMetadata: RecordMetadata | undefined;
  #systemTimeMs: number;
  #committing = false;
  #commitRequested = false;

  constructor(options: StreamTaskOptions) {
    this.taskId = options.taskId;
    this.#options = options;
    this.#systemTimeMs = options.nowMs;
    this.#stores = options.stores.map(({ store }) => store);
    this.#due = new DueScheduler(this.#stores);
    this.#group = new PartitionGroup(options.queues);
    for (const queue of options.queues) queue.onDecoded = (records) => this.#prefetch(queue, records);
    for (const { topicPartition, position } of options.queues) {
      this.#committedPositions.set(topicPartitionKey(topicPartition), position);
    }
    const labels = { task: options.taskId };
    this.#processed = options.metrics.counter('stream_task_process', labels);
    this.#timersFired = options.metrics.counter('stream_task_timers_fired', labels);
    this.#punctuated = options.metrics.counter('stream_task_punctuate', labels);
    this.#commitLatency = options.metrics.histogram('stream_task_commit_latency_ms', labels);
    this.#graph = new NodeGraph(options.subTopology, this.#taskContext());
    this.#graph.init();
  }

  get inputs(): readonly RecordQueue[] {
    return this.#group.queues;
  }

  get stores(): readonly LoggedStore[] {
    return this.#options.stores;
  }

  /** For reading what is committed. */
  get backend(): StateBackend {
    return this.#options.backend;
  }

  get streamTimeMs(): number {
    return this.#group.streamTimeMs;
  }

  get committing(): boolean {
    return this.#committing;
  }

  get drained(): boolean {
    return this.#group.drained;
  }

  get buffered(): number {
    return this.#group.buffered;
  }

  /** RocksDB's own figures; see `StateBackend.stats`. */
  stateStats(): Readonly<Record<string, number>> {
    return this.#options.backend.stats();
  }

  /** Adds fetched records of one of the inputs. */
  add(batch: FetchedBatch): void {
    this.#group.add(batch);
  }

  /** Processes up to `limit` records and timers. Returns how many; fewer than `limit` when nothing more can be done. */
  process(systemTimeMs: number, limit: number): number {
    this.#systemTimeMs = systemTimeMs;
    let done = 0;
    let records = 0;
    while (done < limit) {
      const queue = this.#group.next(systemTimeMs);
      const record = queue?.peek(systemTimeMs);
      if (queue === undefined || record === undefined) {
        done += this.#fireIdleTimers(limit - done);
        break;
      }
      done += this.#fireTimersBefore(record.timestampMs, limit - done);
      if (done >= limit) break;
      this.#processRecord(this.#group.take(queue), queue);
      done += 1;
      records += 1;
      this.#streamTimePunctuations.punctuate(this.streamTimeMs, this.#punctuate);
    }
    if (records > 0) this.#processed.add(records);
    if (done > records) this.#timersFired.add(done - records);
    return done;
  }

  /** Fires the wall-clock punctuations that are due. Returns whether there were any. */
  punctuate(systemTimeMs: number): boolean {
    this.#systemTimeMs = systemTimeMs;
    return this.#wallClockPunctuations.punctuate(systemTimeMs, this.#punctuate);
  }

  /** When a timer or a wall-clock punctuation may fall due without a record. UTC epoch milliseconds; Infinity: never. */
  nextWakeUpMs(): number {
    const timers = this.#options.timerMode === 'wall-clock' && this.drained ? this.#due.nextDueMs() : Infinity;
    return Math.min(timers, this.#wallClockPunctuations.nextMs);
  }

  /** True when there is anything to commit. */
  get commitNeeded(): boolean {
    return (
      this.#options.collector.pendingBytes > 0 ||
      this.#stores.some(({ dirtyEntries }) => dirtyEntries > 0) ||
      this.#advancedPositions().length > 0
    );
  }

  get commitRequested(): boolean {
    return this.#commitRequested;
  }

  /** Bytes waiting to be sent. */
  get pendingBytes(): number {
    return this.#options.collector.pendingBytes;
  }

  get dirtyEntries(): number {
    return this.#stores.reduce((sum, { dirtyEntries }) => sum + dirtyEntries, 0);
  }

  /** See `commit.ts`. After a rejection the task must be closed with `closeDirty`. */
  async commit(clock: { now(): number }): Promise<void> {
    if (this.#committing) throw new TaskFailedError('COMMIT_TWICE', `Task ${this.taskId} is already committing.`);
    this.#committing = true;
    this.#commitRequested = false;
    const startedMs = clock.now();
    const inputPositions = this.#advancedPositions();
    await commitTask({
      stores: this.#options.stores,
      collector: this.#options.collector,
      backend: this.#options.backend,
      inputPositions,
    });
    for (const position of inputPositions) this.#committedPositions.set(topicPartitionKey(position), position.offset);
    this.#commitLatency.record(clock.now() - startedMs);
    this.#committing = false;
  }

  /** Closes without committing; what was not committed is forgotten. The producer stays as it is: the next owner fences it. */
  async closeDirty(): Promise<void> {
    try {
      this.#graph.close();
    } finally {
      for (const store of this.#stores) {
        store.rollback();
        store.close();
      }
      await this.#options.backend.close();
      await this.#options.collector.close();
    }
  }

  /** Commits what there is and closes. */
  async closeClean(clock: { now(): number }): Promise<void> {
    try {
      if (this.commitNeeded) await this.commit(clock);
    } finally {
      await this.closeDirty();
    }
  }

  #advancedPositions(): InputPosition[] {
    return this.#group.queues
      .filter(
        ({ topicPartition, position }) => this.#committedPositions.get(topicPartitionKey(topicPartition)) !== position,
      )
      .map(({ topicPartition, position, partitionTimeMs }) => ({
        ...topicPartition,
        offset: position,
        metadata: partitionTimeText(partitionTimeMs),
      }));
  }

  #prefetch(queue: RecordQueue, records: readonly StampedRecord[]): void {
    const readable = records.filter(({ error }) => error === undefined);
    this.#graph.prefetch(queue.source, readable);
  }

  #processRecord(record: StampedRecord, queue: RecordQueue): void {
    const { topic, partition } = queue.topicPartition;
    if (record.error !== undefined) {
      this.#handleFailure('deserialization', record.error, record, queue);
      return;
    }
    this.#recordMetadata = { topic, partition, offset: record.raw.offset };
    const collectorMark = this.#mark();
    try {
      this.#graph.process(queue.source, record);
    } catch (cause) {
      this.#undo(collectorMark);
      const error = recordError(cause);
      const stage =
        error instanceof ProductionError || error instanceof RecordTooLargeError ? 'production' : 'processing';
      this.#handleFailure(stage, error, record, queue);
    } finally {
      this.#recordMetadata = undefined;
    }
  }

  #handleFailure(stage: ErrorStage, error: StreamsError, record: StampedRecord, queue: RecordQueue): void {
    const source = { ...queue.topicPartition, offset: record.raw.offset };
    const failed = { stage, error, source, raw: record.raw };
    const response = this.#options.errorHandlers[stage](failed);
    const { metrics, logger, collector } = this.#options;
    logger.warn(`Record cannot pass ${stage}: ${response}`, { ...source, code: error.code, err: error });
    if (response === 'fail') {
      const where = `${source.topic}-${source.partition} at offset ${source.offset}`;
      throw new TaskFailedError('HANDLER_FAILED', `Stopped in front of ${where}: ${error.message}`, { cause: error });
    }
    metrics.counter('stream_task_dropped_records', { task: this.taskId, stage, response }).add(1);
    if (response === 'dead-letter') this.#deadLetter(failed, collector);
  }

  /** A record that does not even fit into the dead letters must not be passed over: only the operator can make room for it. */
  #deadLetter(failed: FailedRecord, collector: RecordCollector): void {
    try {
      collector.deadLetter(failed, this.#systemTimeMs);
    } catch (cause) {
      if (!(cause instanceof RecordTooLargeError)) throw cause;
      const { topic, partition, offset } = failed.source;
      throw new TaskFailedError(
        'DEAD_LETTER_TOO_LARGE',
        `The record ${topic}-${partition} at offset ${offset} does not fit into the dead letters: ${cause.message} ` +
          'Raise max.message.bytes of the dead-letter topic, and the batch size of the client with it.',
        { cause },
      );
    }
  }

  /** Strictly before: a timer that is due at a record's own time fires after it, in a replay as well. */
  #fireTimersBefore(timestampMs: number, limit: number): number {
    const eventTimeMs = Math.max(this.streamTimeMs, timestampMs);
    // A record from the near future must not make timers fire ahead of the clock; in a replay the clock is far ahead anyway.
    const untilMs = Math.min(eventTimeMs - 1, this.#systemTimeMs);
    return this.#due.fire(untilMs, limit, this.#runAction);
  }

  #fireIdleTimers(limit: number): number {
    if (!this.drained) return 0;
    const untilMs = this.#options.timerMode === 'wall-clock' ? this.#systemTimeMs : this.streamTimeMs - 1;
    return this.#due.fire(untilMs, limit, this.#runAction);
  }

  readonly #punctuate = (callback: Punctuator, timestampMs: number): void => {
    this.#runAction(() => callback(timestampMs));
    this.#punctuated.add(1);
  };

  readonly #runAction = (action: () => void): void => {
    const collectorMark = this.#mark();
    try {
      action();
    } catch (cause) {
      this.#undo(collectorMark);
      const error = recordError(cause);
      throw new TaskFailedError(
        'PUNCTUATION_FAILED',
        `A timer or punctuator of task ${this.taskId} failed: ${error.message}`,
        {
          cause,
        },
      );
    }
  };

  #mark(): number {
    for (const store of this.#stores) store.mark();
    return this.#options.collector.mark();
  }

  #undo(collectorMark: number): void {
    this.#options.collector.truncate(collectorMark);
    for (const store of this.#stores) store.undo();
  }

  #taskContext(): TaskContext {
    const { applicationId, taskId, partition, metrics, logger, globalStores, collector } = this.#options;
    return {
      applicationId,
      taskId,
      partition,
      metrics,
      logger,
      globalStores,
      collector,
      stores: new Map(this.#stores.map((store) => [store.name, store])),
      due: this.#due,
      recordMetadata: () => this.#recordMetadata,
      streamTimeMs: () => this.streamTimeMs,
      systemTimeMs: () => this.#systemTimeMs,
      requestCommit: () => {
        this.#commitRequested = true;
      },
      schedule: (intervalMs, type, callback, anchorMs) => this.#schedule(intervalMs, type, callback, anchorMs),
    };
  }

  /** As in Kafka Streams, the first stream-time punctuation comes with the first record, the first wall-clock one after an interval. */
  #schedule(
    intervalMs: number,
    type: PunctuationType,
    callback: Punctuator,
    anchorMs: number | undefined,
  ): Cancellable {
    const streamTime = type === 'stream-time';
    const queue = streamTime ? this.#streamTimePunctuations : this.#wallClockPunctuations;
    const startMs = streamTime ? Math.max(0, this.streamTimeMs) : this.#systemTimeMs + intervalMs;
    const firstMs =
      anchorMs === undefined ? startMs : anchorMs + Math.ceil((startMs - anchorMs) / intervalMs) * intervalMs;
    return queue.schedule(firstMs, intervalMs, callback);
  }
}

/** The error as one that belongs to the record; faults that need another recovery go through as they are. */
function recordError(cause: unknown): StreamsError {
  if (cause instanceof StreamsError) {
    if (cause.recovery !== 'skip-record') throw cause;
    return cause;
  }
  return new ProcessingError('PROCESSING_FAILED', `Processing failed: ${messageOf(cause)}`, { cause });
}
