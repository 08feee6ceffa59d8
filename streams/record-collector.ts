/**
 * Everything a task writes to the log: results, changelog records and dead letters, into its one transactional producer.
 *
 * Invariant: whatever is appended between two commits leaves in one transaction, in the order it was appended per partition.
 */
import { ProductionError, StreamsError, TopologyError } from './errors.ts';
import { deadLetterHeaders, type FailedRecord } from './error-handlers.ts';
import { partitionForKey } from './partitioner.ts';
import type { InputPosition, ProducerMark, TransactionalProducer, WrittenPositions } from './ports.ts';
import type { Record } from './record.ts';
import { messageOf } from './record-queue.ts';
import type { ChangelogSink } from './state-store.ts';
import type { SinkNode } from './topology.ts';

export interface RecordCollectorOptions {
  readonly applicationId: string;
  readonly taskPartition: number;
  readonly producer: TransactionalProducer;
  /** Partition count of every topic that the sub-topology writes to. */
  readonly partitionCounts: ReadonlyMap<string, number>;
  readonly deadLetterTopic: string | undefined;
}

export class RecordCollector {
  readonly #options: RecordCollectorOptions;
  readonly #producer: TransactionalProducer;

  constructor(options: RecordCollectorOptions) {
    this.#options = options;
    this.#producer = options.producer;
  }

  get pendingBytes(): number {
    return this.#producer.pendingBytes;
  }

  mark(): ProducerMark {
    return this.#producer.mark();
  }

  truncate(mark: ProducerMark): void {
    this.#producer.truncate(mark);
  }

  /** Throws `ProductionError` or `RecordTooLargeError`. */
  send(sink: SinkNode, record: Record<unknown, unknown>): void {
    const { topic } = sink;
    const partitionCount = this.#partitionCount(topic);
    try {
      const key = sink.key.serialize(topic, record.key, record.headers);
      const partition =
        sink.partitioner !== undefined
          ? sink.partitioner(record, this.#options.taskPartition, partitionCount)
          : key === null
            ? this.#options.taskPartition % partitionCount
            : partitionForKey(key, partitionCount);
      const value = sink.value.serialize(topic, record.value, record.headers);
      this.#producer.append(topic, partition, key, value, record.timestampMs, record.headers);
    } catch (cause) {
      if (cause instanceof StreamsError) throw cause;
      throw new ProductionError('SERIALIZATION_FAILED', `Cannot write to "${topic}": ${messageOf(cause)}`, { cause });
    }
  }

  /** The changelog of one store: this task's partition of its topic. */
  changelog(topic: string): ChangelogSink {
    const partition = this.#options.taskPartition;
    return {
      append: (key, value, timestampMs) => this.#producer.append(topic, partition, key, value, timestampMs),
    };
  }

  deadLetter(failed: FailedRecord, nowMs: number): void {
    const { deadLetterTopic: topic, applicationId } = this.#options;
    if (topic === undefined) {
      throw new TopologyError(
        'NO_DEAD_LETTER_TOPIC',
        'A handler asked for a dead letter, but no dead-letter topic is configured.',
      );
    }
    const { key, value } = failed.raw;
    const partition = key === null ? 0 : partitionForKey(key, this.#partitionCount(topic));
    this.#producer.append(
      topic,
      partition,
      key,
      value,
      failed.raw.timestampMs,
      deadLetterHeaders(failed, applicationId, nowMs),
    );
  }

  commit(inputPositions: readonly InputPosition[]): Promise<WrittenPositions> {
    return this.#producer.commit(this.#options.applicationId, inputPositions);
  }

  /** Forgets what was appended, without a word to the log. */
  discard(): void {
    this.#producer.truncate(0);
  }

  close(): Promise<void> {
    return this.#producer.close();
  }

  #partitionCount(topic: string): number {
    const count = this.#options.partitionCounts.get(topic);
    if (count === undefined)
      throw new TopologyError('UNKNOWN_TOPIC', `The topic "${topic}" does not exist; create it first.`);
    return count;
  }
}
