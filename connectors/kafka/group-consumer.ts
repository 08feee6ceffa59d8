/**
 * A member of a consumer group behind the engine's port: the membership decides what is read, the fetcher reads it, `poll`
 * hands it over.
 *
 * Invariant: a partition is read only between being assigned and being taken away, and only from the position that `seek`
 * gave it; positions of partitions that stay assigned survive a rejoin. That holds even when the membership was lost in
 * between: another member may have moved on then, which the fencing of producers finds out.
 */
import { FatalLogError, StreamsError } from '../../streams/errors.ts';
import {
  topicPartitionKey,
  type CommittedPosition,
  type ConsumerPoll,
  type GroupConsumer,
  type GroupConsumerOptions,
  type TopicPartition,
} from '../../streams/ports.ts';
import type { ClusterView } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { isRetriableFault, partitionName, toLogError } from './errors.ts';
import { Fetcher, fetchLimitsOf } from './fetcher.ts';
import { GroupMembership } from './group-membership.ts';
import { ErrorCode, isStaleCoordinator, ProtocolError } from './protocol/error-codes.ts';
import { offsetFetchApi, type CommittedAnswer } from './protocol/record-apis.ts';
import { BROKER_BACKOFF, CONCURRENT_TRANSACTION_BACKOFF, FaultLog, retryUntil } from './retry.ts';

const FETCH_LANE = 'fetch';
const OFFSETS_LANE = 'offsets';
const NO_OFFSET = -1;
const UNSTABLE_OFFSETS_WAIT_MS = 2_000;

export class KafkaGroupConsumer implements GroupConsumer {
  private readonly cluster: ClusterView;
  private readonly options: GroupConsumerOptions;
  private readonly config: KafkaConfig;
  private readonly membership: GroupMembership;
  private readonly fetcher: Fetcher;
  private readonly onClosed: () => void;
  private readonly faultLog: FaultLog;
  private readonly stopping = new AbortController();
  private assigned = new Map<string, TopicPartition>();
  private rebalanceReason: string | undefined = 'the group was not joined yet';
  private fatal: Error | undefined;
  private woken = false;
  private wake: (() => void) | undefined;
  private partitionCheck: NodeJS.Timeout | undefined;

  constructor(cluster: ClusterView, options: GroupConsumerOptions, config: KafkaConfig, onClosed: () => void) {
    this.cluster = cluster;
    this.onClosed = onClosed;
    this.options = options;
    this.config = config;
    const logger = config.logger.child({ groupId: options.groupId });
    this.faultLog = new FaultLog(logger);
    this.membership = new GroupMembership(cluster, options, config, {
      onRebalance: (reason) => {
        this.rebalanceReason = reason;
        this.signal();
      },
      onFatal: (error) => {
        this.fatal = error;
        this.signal();
      },
    });
    this.fetcher = new Fetcher(cluster, FETCH_LANE, fetchLimitsOf(config), logger, () => this.signal());
  }

  async rejoin(userData: Uint8Array): Promise<readonly TopicPartition[]> {
    this.throwIfClosed();
    clearInterval(this.partitionCheck);
    const assignment = await this.membership.join(userData);
    this.rebalanceReason = undefined;
    const next = new Map(assignment.map((partition) => [topicPartitionKey(partition), partition]));
    for (const [name, partition] of this.assigned) if (!next.has(name)) this.fetcher.remove(partition);
    for (const [name, partition] of next) if (!this.assigned.has(name)) this.fetcher.expect(partition);
    this.assigned = next;
    this.resume(assignment);
    await this.watchPartitionCounts();
    return assignment;
  }

  /** Topics may be given more partitions; only joining again spreads them over the members. */
  private async watchPartitionCounts(): Promise<void> {
    const { topics } = this.options;
    const count = async (): Promise<string> =>
      (await Promise.all(topics.map((topic) => this.cluster.partitionCount(topic)))).join();
    const before = await count();
    this.partitionCheck = setInterval(() => {
      count().then(
        (now) => {
          if (now === before || this.rebalanceReason !== undefined) return;
          this.rebalanceReason = 'a topic has another number of partitions';
          this.signal();
        },
        (error: unknown) => this.faultLog.fault('Looking for new partitions failed', error),
      );
    }, this.config.metadataMaxAgeMs);
    this.partitionCheck.unref();
  }

  async poll(timeoutMs: number): Promise<ConsumerPoll> {
    const first = this.ready();
    if (first || this.woken || timeoutMs <= 0) {
      this.woken = false;
      return first ?? { kind: 'records', batches: [] };
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
    this.woken = false;
    return this.ready() ?? { kind: 'records', batches: [] };
  }

  /** What a poll can answer without waiting. */
  private ready(): ConsumerPoll | undefined {
    this.throwIfClosed();
    if (this.fatal) throw this.fatal;
    if (this.rebalanceReason !== undefined) return { kind: 'rebalance', reason: this.rebalanceReason };
    const batches = this.takeBatches();
    return batches.length > 0 ? { kind: 'records', batches } : undefined;
  }

  private takeBatches(): ReturnType<Fetcher['take']> {
    try {
      return this.fetcher.take();
    } catch (error) {
      if (error instanceof StreamsError && error.recovery === 'stop') this.fatal = error;
      throw error;
    }
  }

  private signal(): void {
    this.wake?.();
  }

  wakeup(): void {
    this.woken = true;
    this.signal();
  }

  /**
   * Waits a moment for offsets that a transaction is just committing. One that stays open is not waited for: whoever must
   * know its outcome has ended it before by initializing the producer.
   */
  async committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedPosition | undefined)[]> {
    if (partitions.length === 0) return [];
    const what = `Reading the committed offsets of the group "${this.options.groupId}"`;
    const stableUntil = Date.now() + UNSTABLE_OFFSETS_WAIT_MS;
    try {
      const answers = await retryUntil(
        Date.now() + this.config.faultTimeoutMs,
        isRetriableFault,
        () => this.fetchOffsets(partitions, Date.now() < stableUntil),
        {
          signal: this.stopping.signal,
          backoffFor: (error) =>
            error instanceof ProtocolError && error.errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT
              ? CONCURRENT_TRANSACTION_BACKOFF
              : BROKER_BACKOFF,
          onFault: (error) => this.faultLog.fault(`${what} failed`, error),
        },
      );
      const committed = answers.filter(({ offset }) => offset !== NO_OFFSET);
      const positions = new Map(
        committed.map((answer) => [partitionName(answer), { offset: answer.offset, metadata: answer.metadata }]),
      );
      return partitions.map((partition) => positions.get(partitionName(partition)));
    } catch (error) {
      throw toLogError(error, what);
    }
  }

  private async fetchOffsets(
    partitions: readonly TopicPartition[],
    stable: boolean,
  ): Promise<readonly CommittedAnswer[]> {
    const { groupId } = this.options;
    const link = await this.cluster.coordinatorLink('group', groupId, OFFSETS_LANE);
    try {
      const { errorCode, answers } = await link.request(offsetFetchApi, { groupId, partitions, stable });
      const failed = [errorCode, ...answers.map((answer) => answer.errorCode)].find((code) => code !== ErrorCode.NONE);
      if (failed === undefined) return answers;
      throw new ProtocolError('OffsetFetch', failed, `group "${groupId}"`);
    } catch (error) {
      if (!(error instanceof ProtocolError) || isStaleCoordinator(error.errorCode)) {
        this.cluster.forgetCoordinator('group', groupId);
      }
      throw error;
    }
  }

  seek(partition: TopicPartition, offset: number): void {
    if (!this.assigned.has(topicPartitionKey(partition))) {
      throw new FatalLogError(
        'NOT_ASSIGNED',
        `${partitionName(partition)} is not assigned to this consumer; seek after rejoin has given it`,
      );
    }
    this.fetcher.seek(partition, offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.pause(partition);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.fetcher.resume(partition);
  }

  async close(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    clearInterval(this.partitionCheck);
    this.fetcher.close();
    this.signal();
    await this.membership.leave();
    this.cluster.close();
    this.onClosed();
  }

  private throwIfClosed(): void {
    if (this.stopping.signal.aborted) throw new FatalLogError('CONSUMER_CLOSED', 'The consumer was closed');
  }
}
