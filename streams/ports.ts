/**
 * The engine's ports: everything it needs from the world, as interfaces.
 *
 * Invariant: nothing in `streams/` reaches a broker, a disk, a clock or a source of randomness except through these, so the
 * same task and thread code runs on Kafka and RocksDB, in the test driver and in the simulator.
 * The log ports are batch-level: one call moves thousands of records.
 */
import type { HeaderList } from './record.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** One committed record as the log holds it. Offsets are exact up to 2^53. */
export interface LogRecord {
  readonly offset: number;
  /** UTC epoch milliseconds: the producer's time or, where the topic says so, the broker's append time. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: HeaderList | undefined;
}

export interface FetchedBatch extends TopicPartition {
  /** In offset order; without transaction markers and records of aborted transactions. */
  readonly records: readonly LogRecord[];
  /** The position after this batch: above the last record's offset when markers or aborted records follow it. */
  readonly nextOffset: number;
  /** The last stable offset when the batch was fetched: what a committed reader can reach. */
  readonly endOffset: number;
  /** True when `timestampMs` is the broker's append time (topic setting `message.timestamp.type=LogAppendTime`). */
  readonly logAppendTime: boolean;
}

export interface GroupMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly userData: Uint8Array;
}

/** A position to commit; `metadata`: a short text kept with it for whoever reads on from there. */
export interface InputPosition extends TopicPartition {
  readonly offset: number;
  readonly metadata?: string;
}

export interface CommittedPosition {
  readonly offset: number;
  /** Empty where none was committed. */
  readonly metadata: string;
}

/** Decides which member reads which partitions. A pure function, run by the group's leader. */
export interface PartitionAssignor {
  readonly name: string;
  assign(
    members: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, readonly TopicPartition[]>;
  /** What the leader tells every member besides its partitions. Asked right after `assign`, about its answer. */
  announcement?(members: readonly GroupMember[], partitionCounts: ReadonlyMap<string, number>): Uint8Array;
  /** Each member hears what its leader told, before `rejoin` resolves. Empty where the leader told nothing. */
  onAnnouncement?(announced: Uint8Array): void;
}

export type ConsumerPoll =
  | { readonly kind: 'records'; readonly batches: readonly FetchedBatch[] }
  /** The group asks its members to join again: commit what is running, then call `rejoin`. */
  | { readonly kind: 'rebalance'; readonly reason: string };

/**
 * A member of a consumer group that reads committed records only. Heartbeats go on in the background.
 * A partition that was just assigned is neither positioned nor read before `seek`.
 */
export interface GroupConsumer {
  /**
   * Joins the group for the first time or again; `userData` goes to the assignor. Resolves with the whole assignment.
   * A partition that this member already held keeps its position; pauses are lifted. Retries broker faults on its own.
   */
  rejoin(userData: Uint8Array): Promise<readonly TopicPartition[]>;
  /**
   * Waits for records or a rebalance, `timeoutMs` at most (then: no batches). Retries broker faults on its own;
   * rejects with a `FatalLogError` where retrying is no use.
   */
  poll(timeoutMs: number): Promise<ConsumerPoll>;
  /** Lets a waiting `poll` return now. */
  wakeup(): void;
  /** The group's committed position in each partition; undefined where there is none. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedPosition | undefined)[]>;
  seek(partition: TopicPartition, offset: number): void;
  /** A paused partition keeps its position and is not fetched. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Leaves the group and closes the connections. */
  close(): Promise<void>;
}

/** The last offset + 1 that a transaction wrote to each partition, by `topicPartitionKey`. */
export type WrittenPositions = ReadonlyMap<string, number>;

/** Where a producer's pending records stood; see `TransactionalProducer.mark`. Opaque to the engine. */
export type ProducerMark = number;

/**
 * The one transactional producer of a task. Records are appended (copied) without waiting and leave with `commit`.
 *
 * Errors: `ProducerFencedError` when another producer with the same transactional id took over (give the task up);
 * `TransactionAbortedError` when the transaction did not commit, or nobody could tell whether it did (restart the task from
 * its last commit, which `init` settles); `RetriableLogError` from `init` only. After a commit failed, only `init` makes the
 * producer usable again. Nothing may be appended while a commit is under way.
 */
export interface TransactionalProducer {
  /** Fences the former owner of the id and completes or aborts its transaction. Before anything else. */
  init(): Promise<void>;
  /** Copies key and value before it returns, so that callers may reuse their buffers. Throws `RecordTooLargeError`. */
  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers?: HeaderList,
  ): void;
  /** A point that `truncate` can go back to, as long as nothing was committed since. */
  mark(): ProducerMark;
  /** Takes back every record appended after the mark. */
  truncate(mark: ProducerMark): void;
  /** Bytes appended and not yet committed. */
  readonly pendingBytes: number;
  /**
   * Commits the appended records and the input positions (the group's committed offsets) in one transaction.
   * Resolves once the transaction is durable. With neither records nor offsets it does nothing.
   */
  commit(groupId: string, inputPositions: readonly InputPosition[]): Promise<WrittenPositions>;
  /** Drops what was appended; aborts the open transaction, if any. */
  abort(): Promise<void>;
  close(): Promise<void>;
}

export interface LogRange {
  readonly beginning: number;
  /** Last stable offset: what a committed reader can reach now. */
  readonly end: number;
}

/** Reads partitions without a group: restore, global tables, standby tasks, tools. Committed records only. */
export interface LogReader {
  range(partition: TopicPartition): Promise<LogRange>;
  /**
   * Reads `[fromOffset, untilOffset)` in order, waiting for `onBatch` before fetching much further ahead.
   * Resolves with the position reached. Steps over transaction markers, so the position always gets to `untilOffset`.
   * Throws `OffsetOutOfRangeError` when `fromOffset` was deleted from the log.
   */
  read(
    partition: TopicPartition,
    fromOffset: number,
    untilOffset: number,
    onBatch: (batch: FetchedBatch) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<number>;
  /**
   * Reads partitions of one or more topics from the given offsets on and keeps waiting for more, until the signal aborts
   * (then it resolves). Per partition in order, one `onBatch` at a time. Rides out broker faults; rejects on fatal ones.
   */
  follow(
    positions: readonly (TopicPartition & { offset: number })[],
    onBatch: (batch: FetchedBatch) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

export interface ProducedRecord {
  readonly topic: string;
  /** Left out: the key decides, by the hash that Java clients use (murmur2). */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs?: number;
  readonly headers?: HeaderList;
}

/** A producer without transactions, idempotent and acknowledged by all replicas: for the edges (gateway, dead letters of the sink, tools). */
export interface LogProducer {
  /** Resolves with each record's place once all are durable. Rejects with `RetriableLogError` or `FatalLogError`. */
  send(records: readonly ProducedRecord[]): Promise<readonly (TopicPartition & { offset: number })[]>;
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Topic settings by their Kafka names, such as `cleanup.policy`. */
  readonly config: Readonly<Record<string, string>>;
}

export interface LogAdmin {
  /** Partition count of each topic that exists. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Creates the topics that are missing; leaves existing ones alone. */
  createTopics(topics: readonly TopicSpec[]): Promise<void>;
  close(): Promise<void>;
}

/** Where a group member's id outlives its process. */
export interface MemberMemory {
  /** The id that was remembered last, if any. */
  recall(): string | undefined;
  remember(memberId: string): void;
}

export interface GroupConsumerOptions {
  readonly groupId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly assignor: PartitionAssignor;
  readonly sessionTimeoutMs: number;
  /** With it, a member ends the membership that a crash of its process left behind; without, the group waits for that session to end. */
  readonly memory?: MemberMemory;
}

/** A partitioned, replicated, transactional log. Implemented by Kafka and by the in-memory log. */
export interface LogClient {
  consumer(options: GroupConsumerOptions): GroupConsumer;
  producer(transactionalId: string): TransactionalProducer;
  /** A producer outside of transactions. */
  plainProducer(): LogProducer;
  reader(): LogReader;
  admin(): LogAdmin;
  close(): Promise<void>;
}

/** One store's ordered map of bytes within its task's state. Reads are synchronous and see written batches only. */
export interface KeySpace {
  readonly name: string;
  get(key: Uint8Array): Uint8Array | undefined;
  /** One round for many keys; answers in the order of the keys. */
  getMany(keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[];
  /** Entries with `from <= key < to` in key order (or the reverse). Either bound may be left out. Close it by finishing or `return()`. */
  range(bounds: KeyRange): IterableIterator<readonly [key: Uint8Array, value: Uint8Array]>;
  /** An estimate, for gauges; where stores share a database it may count all of them. */
  approximateEntries(): number;
}

export interface KeyRange {
  readonly from?: Uint8Array | undefined;
  readonly to?: Uint8Array | undefined;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/**
 * Changes that become visible and durable together, in the order they were added: a range deletion takes away what was put
 * before it, and spares what is put after it. Keys and values are copied, so callers may reuse their buffers. One write only.
 */
export interface StateBatch {
  put(space: KeySpace, key: Uint8Array, value: Uint8Array): void;
  delete(space: KeySpace, key: Uint8Array): void;
  /** Deletes `from <= key < to` without reading the keys. */
  deleteRange(space: KeySpace, from: Uint8Array, to: Uint8Array): void;
  /** Records how far this state stands for a partition (a changelog or an input); see `StateBackend.position`. */
  setPosition(partition: TopicPartition, offset: number): void;
}

/**
 * The durable state of one task: the key spaces of its stores and the log positions they stand for.
 * Invariant: data and positions change only together, in `write`, so after a crash the state is that of some whole batch.
 */
export interface StateBackend {
  /** Opens or creates the key space of that name. */
  keySpace(name: string): KeySpace;
  batch(): StateBatch;
  /** Applies the batch atomically and durably against a process crash. */
  write(batch: StateBatch): void;
  position(partition: TopicPartition): number | undefined;
  /** Empties every key space and forgets all positions. */
  wipe(): void;
  /** RocksDB's figures under Kafka Streams' names for them, in snake case; empty where there is nothing to measure. */
  stats(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface StateBackendFactory {
  /**
   * Told once, before any state is opened: so many tasks may be open at a time in this process, all of its threads together. What
   * they share, such as memory, is divided by it. Throws when there is too little for so many.
   */
  expect?(tasks: number): void;
  /** Throws `StateLockedError` (another process has it) or `StateCorruptedError` (this task's state must be rebuilt). */
  open(taskId: string): Promise<StateBackend>;
  /** Removes a task's state from the disk; for one that is corrupted. It must not be open. */
  destroy(taskId: string): Promise<void>;
  /** The tasks whose state is on this disk. */
  list(): Promise<readonly string[]>;
}

export interface Clock {
  /** UTC epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts (it does not reject). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

export type MetricLabels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  /** Durations are in milliseconds. */
  record(value: number): void;
}

/** A gauge's value as it is when it is asked for, with a bounded set of labels. */
export interface Measurement {
  readonly name: string;
  readonly labels: MetricLabels;
  readonly value: number;
}

/** Asks for an instrument by name and a bounded set of labels; the same name and labels give the same instrument. */
export interface Metrics {
  counter(name: string, labels?: MetricLabels): Counter;
  gauge(name: string, labels?: MetricLabels): Gauge;
  histogram(name: string, labels?: MetricLabels): Histogram;
}

export const topicPartitionKey = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
