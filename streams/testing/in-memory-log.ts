/**
 * A Kafka cluster in memory: partitions, transactions with markers and fencing, and consumer groups, behind the log port.
 *
 * Invariant: what any client sees is what a broker would show it, and it depends only on the order of calls, on the clock and
 * on the fault injector. Several clients share one log as processes share a cluster.
 */
import type { Clock, LogRecord, TopicPartition, TopicSpec } from '../ports.ts';
import type { InMemoryBroker } from './in-memory-broker.ts';
import { LogChanges } from './in-memory-changes.ts';
import { InMemoryClient } from './in-memory-client.ts';
import type { FaultInjector } from './in-memory-faults.ts';
import { noFaults } from './in-memory-faults.ts';
import { InMemoryGroup } from './in-memory-group.ts';
import { InMemoryTopics } from './in-memory-topics.ts';
import { InMemoryTransactions } from './in-memory-transactions.ts';

export interface InMemoryLogOptions {
  readonly clock: Clock;
  readonly faults?: FaultInjector;
  /** How long a rebalance waits for members to join, in milliseconds. Default 60,000, as Kafka clients have it. */
  readonly rebalanceTimeoutMs?: number;
  /** After how long an open transaction is aborted, in milliseconds. Default 60,000, as Kafka clients have it. */
  readonly transactionTimeoutMs?: number;
  /** How many records of a partition one fetch returns at most. Default 1,000. */
  readonly fetchMaxRecords?: number;
}

export class InMemoryLog {
  readonly #options: InMemoryLogOptions;
  readonly #changes: LogChanges;
  readonly #topics = new InMemoryTopics();
  readonly #groups = new Map<string, InMemoryGroup>();
  readonly #broker: InMemoryBroker;
  #members = 0;

  constructor(options: InMemoryLogOptions) {
    const { clock, faults = noFaults, transactionTimeoutMs = 60_000, fetchMaxRecords = 1_000 } = options;
    const changes = new LogChanges(clock);
    const group = (groupId: string): InMemoryGroup => this.#group(groupId);
    const transactions = new InMemoryTransactions({
      clock,
      faults,
      changes,
      transactionTimeoutMs,
      commitPositions: (groupId, positions) => group(groupId).commitPositions(positions),
    });
    this.#options = options;
    this.#changes = changes;
    this.#broker = { clock, faults, changes, topics: this.#topics, transactions, group, fetchMaxRecords };
  }

  /** One process's connection to the log. */
  client(clientId: string): InMemoryClient {
    return new InMemoryClient(clientId, this.#broker, (memberOf) => `${memberOf}-${++this.#members}`);
  }

  /** Creates the topics that are missing; leaves existing ones alone. */
  createTopics(specs: readonly TopicSpec[]): void {
    this.#topics.create(specs);
  }

  /** The committed records of a partition from an offset on. */
  records(partition: TopicPartition, fromOffset?: number): readonly LogRecord[] {
    const held = this.#topics.partition(partition);
    return held.fetch(fromOffset ?? held.range.beginning, Number.POSITIVE_INFINITY).records;
  }

  committedOffset(groupId: string, partition: TopicPartition): number | undefined {
    return this.#group(groupId).committed(partition)?.offset;
  }

  /** Deletes the partition's records before `offset`, as retention or an operator does. */
  deleteRecordsBefore(partition: TopicPartition, offset: number): void {
    this.#topics.partition(partition).deleteBefore(offset);
    this.#changes.notify();
  }

  /** Compacts every partition of the topic: only the last committed record of each key stays. */
  compact(topic: string): void {
    for (const partition of this.#topics.partitions(topic)) partition.compact();
  }

  #group(groupId: string): InMemoryGroup {
    const known = this.#groups.get(groupId);
    if (known !== undefined) return known;
    const group = new InMemoryGroup({
      clock: this.#options.clock,
      changes: this.#changes,
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? 60_000,
      partitionCounts: (topics) => this.#topics.partitionCounts(topics),
    });
    this.#groups.set(groupId, group);
    return group;
  }
}
