/**
 * The transactional producer of a task. Records are encoded as they are appended and leave with the commit, so on the broker
 * a transaction is open only for as long as its commit takes.
 *
 * Invariants:
 * - `commit` resolves only when the broker has said that the transaction is committed.
 * - Nothing of one transaction that arrives late has a part in the next; see the transaction coordinator.
 * - After any error of `commit` the producer refuses work until `init`, which ends whatever the broker may still have open.
 *   The caller must not apply what the transaction stood for; with that, reading the committed offsets and the changelogs
 *   again after `init` is right even where the outcome could not be learnt.
 */
import {
  ProducerFencedError,
  RecordTooLargeError,
  RetriableLogError,
  TransactionAbortedError,
} from '../../streams/errors.ts';
import type {
  InputPosition,
  Logger,
  ProducerMark,
  TopicPartition,
  TransactionalProducer,
  WrittenPositions,
} from '../../streams/ports.ts';
import type { HeaderList } from '../../streams/record.ts';
import { AppendBuffer, type PartitionBatches } from './append-buffer.ts';
import { BatchSender, type WrittenBatch } from './batch-sender.ts';
import type { ClusterView } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { partitionName, toLogError } from './errors.ts';
import { ErrorCode, errorName, isFencedProducer, isTransactionFault, ProtocolError } from './protocol/error-codes.ts';
import type { TransactionIdentity } from './protocol/transaction-apis.ts';
import { sleep } from './retry.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';

/**
 * The connection was lost while the transaction was being committed and the outcome could not be learnt in time. Recovery is
 * that of an abort: `init` settles the transaction one way or the other, and what is committed can then be read.
 */
export class TransactionOutcomeUnknownError extends TransactionAbortedError {}

/** How long ending a failed transaction may take before that is left to the next `init` or to the broker. */
const ABORT_TIMEOUT_MS = 5_000;

/** How long closing waits for a commit that is running. */
const CLOSE_TIMEOUT_MS = 5_000;

const positionsAfter = (written: readonly WrittenBatch[]): WrittenPositions =>
  new Map(written.map((batch) => [partitionName(batch), batch.baseOffset + batch.count]));

export class KafkaTransactionalProducer implements TransactionalProducer {
  private readonly transactionalId: string;
  private readonly config: KafkaConfig;
  private readonly logger: Logger;
  private readonly buffer: AppendBuffer;
  private readonly sender: BatchSender;
  private readonly coordinator: TransactionCoordinator;
  private readonly onClosed: () => void;
  private identity: TransactionIdentity | undefined;
  /** Why there is no identity: what `commit` rejects with. */
  private notReady: Error;
  private running: Promise<unknown> | undefined;

  constructor(transactionalId: string, cluster: ClusterView, lane: string, config: KafkaConfig, onClosed: () => void) {
    this.transactionalId = transactionalId;
    this.onClosed = onClosed;
    this.notReady = this.stopped('init was not called');
    this.config = config;
    this.logger = config.logger.child({ transactionalId });
    this.buffer = new AppendBuffer(config.maxBatchBytes);
    this.sender = new BatchSender(cluster, `produce-${lane}`);
    this.coordinator = new TransactionCoordinator(cluster, `transaction-${lane}`, transactionalId);
  }

  async init(): Promise<void> {
    this.buffer.clear(this.running === undefined);
    this.stop(this.stopped('init did not succeed'));
    const { transactionTimeoutMs } = this.config;
    try {
      const identity = await this.coordinator.initProducerId(transactionTimeoutMs, Date.now() + transactionTimeoutMs);
      this.sender.resetSequences();
      this.identity = identity;
    } catch (error) {
      if (error instanceof ProtocolError && isFencedProducer(error.errorCode)) throw this.fenced(error);
      throw toLogError(error, `Initializing the producer "${this.transactionalId}"`);
    }
  }

  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers?: HeaderList,
  ): void {
    if (this.running !== undefined) throw new Error('append was called while a commit was running');
    this.buffer.append(topic, partition, key, value, timestampMs, headers);
  }

  mark(): ProducerMark {
    return this.buffer.mark();
  }

  truncate(mark: ProducerMark): void {
    this.buffer.truncate(mark);
  }

  get pendingBytes(): number {
    return this.buffer.pendingBytes;
  }

  async commit(groupId: string, inputPositions: readonly InputPosition[]): Promise<WrittenPositions> {
    const { identity } = this;
    if (!identity) throw this.notReady;
    if (this.running !== undefined) throw new Error('commit was called while another commit was running');
    if (this.buffer.empty && inputPositions.length === 0) return new Map();
    const running = this.runCommit(identity, groupId, inputPositions);
    this.running = running;
    try {
      return await running;
    } finally {
      this.running = undefined;
    }
  }

  private async runCommit(
    initial: TransactionIdentity,
    groupId: string,
    inputPositions: readonly InputPosition[],
  ): Promise<WrittenPositions> {
    const deadline = Date.now() + this.config.transactionTimeoutMs;
    const pending = this.buffer.pending();
    let identity = initial;
    let opened = false;
    try {
      await this.sender.resolveLeaders(pending, deadline);
      if (this.coordinator.mayComeLate) identity = await this.nextEpoch(identity, deadline);
      opened = true;
      await this.enlist(identity, pending, inputPositions.length > 0 ? groupId : undefined, deadline);
      // One after the other: for each of them the broker asks the coordinator whether it belongs to the transaction, and two
      // such questions about one transactional id at a time make it refuse the first, which then must be sent again.
      const written = await this.write(identity, pending, deadline);
      if (inputPositions.length > 0) {
        await this.coordinator.commitOffsets(identity, groupId, inputPositions, deadline);
      }
      await this.end(identity, deadline);
      this.buffer.clear();
      return positionsAfter(written);
    } catch (error) {
      throw await this.fail(identity, error, opened);
    }
  }

  private async nextEpoch(current: TransactionIdentity, deadline: number): Promise<TransactionIdentity> {
    const identity = await this.coordinator.nextEpoch(current, this.config.transactionTimeoutMs, deadline);
    this.sender.resetSequences();
    this.identity = identity;
    return identity;
  }

  /** Tells the coordinator what takes part. Settles when both answers are there, so that nothing comes after an abort. */
  private async enlist(
    identity: TransactionIdentity,
    partitions: readonly TopicPartition[],
    groupId: string | undefined,
    deadline: number,
  ): Promise<void> {
    const answers = await Promise.allSettled([
      partitions.length > 0 ? this.coordinator.addPartitions(identity, partitions, deadline) : undefined,
      groupId === undefined ? undefined : this.coordinator.addOffsets(identity, groupId, deadline),
    ]);
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  }

  private async write(
    identity: TransactionIdentity,
    pending: readonly PartitionBatches[],
    deadline: number,
  ): Promise<readonly WrittenBatch[]> {
    if (pending.length === 0) return [];
    return this.sender.send(pending, { identity, transactionalId: this.transactionalId, deadline });
  }

  private async end(identity: TransactionIdentity, deadline: number): Promise<void> {
    let unknown = false;
    try {
      await this.coordinator.end(identity, true, deadline, () => {
        unknown = true;
      });
    } catch (error) {
      if (error instanceof ProtocolError && (!unknown || isFencedProducer(error.errorCode))) throw error;
      throw new TransactionOutcomeUnknownError(
        'TRANSACTION_OUTCOME_UNKNOWN',
        `Kafka did not say whether the transaction of "${this.transactionalId}" was committed: call init, then read what is committed`,
        { cause: error },
      );
    }
  }

  /** Leaves nothing of the failed transaction here or, if it can be helped, on the broker. */
  private async fail(identity: TransactionIdentity, error: unknown, opened: boolean): Promise<Error> {
    // A request whose connection was lost may still be reading the buffers.
    this.buffer.clear(error instanceof ProtocolError);
    this.stop(this.stopped('its last transaction failed'));
    if (error instanceof ProtocolError && isFencedProducer(error.errorCode)) return this.fenced(error);
    if (opened && !(error instanceof TransactionOutcomeUnknownError)) await this.abandon(identity);
    return this.commitError(error);
  }

  private commitError(error: unknown): Error {
    const what = `The transaction of "${this.transactionalId}"`;
    if (error instanceof ProtocolError) {
      const { errorCode, message } = error;
      if (errorCode === ErrorCode.MESSAGE_TOO_LARGE || errorCode === ErrorCode.RECORD_LIST_TOO_LARGE) {
        return new RecordTooLargeError(
          errorName(errorCode),
          `${what} was aborted: ${message}; shorten the record, or raise max.message.bytes of the topic to maxBatchBytes`,
          { cause: error },
        );
      }
      if (isTransactionFault(errorCode)) {
        return new TransactionAbortedError(errorName(errorCode), `${what} was aborted: ${message}`, { cause: error });
      }
    }
    // What is left is either a fault that outlasted the retries or a refusal that starting the task again would not heal.
    const mapped = toLogError(error, what);
    return mapped instanceof RetriableLogError
      ? new TransactionAbortedError(mapped.code, mapped.message, { cause: error })
      : mapped;
  }

  private fenced(cause: ProtocolError): ProducerFencedError {
    const fenced = new ProducerFencedError(
      errorName(cause.errorCode),
      `Another producer with the transactional id "${this.transactionalId}" took over: give the task up`,
      { cause },
    );
    this.stop(fenced);
    return fenced;
  }

  private stopped(why: string): TransactionAbortedError {
    return new TransactionAbortedError(
      'PRODUCER_NOT_READY',
      `The producer "${this.transactionalId}" cannot commit (${why}): call init first`,
    );
  }

  private stop(notReady: Error): void {
    this.identity = undefined;
    this.notReady = notReady;
  }

  private async abandon(identity: TransactionIdentity): Promise<void> {
    try {
      await this.coordinator.end(identity, false, Date.now() + ABORT_TIMEOUT_MS);
    } catch (error) {
      this.logger.debug('The transaction was not aborted; the next init or the broker does it', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async abort(): Promise<void> {
    await this.settled();
    this.buffer.clear();
  }

  async close(): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([this.settled(), sleep(CLOSE_TIMEOUT_MS, waiting.signal)]);
    waiting.abort();
    this.buffer.clear(false);
    this.stop(this.stopped('it was closed'));
    this.onClosed();
  }

  /** Waits for a commit that is running; its outcome is its caller's to handle. */
  private async settled(): Promise<void> {
    if (this.running) await Promise.allSettled([this.running]);
  }
}
