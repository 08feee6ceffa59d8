/**
 * The requests of one transactional id to its coordinators, each repeated until it is answered for good.
 *
 * Within a transaction every one of them may be repeated without harm, so a lost connection is a reason to ask again and never
 * a reason to guess. But a request that seemed lost may still arrive, and in the next transaction it would do harm: an end
 * would end that one half-way. Hence the invariant: after a request was lost, the next transaction has a higher epoch, in
 * which the broker refuses what comes late.
 */
import type { InputPosition, TopicPartition } from '../../streams/ports.ts';
import { ConnectionFault } from './broker-link.ts';
import type { ClusterView } from './cluster.ts';
import { isRetriableFault } from './errors.ts';
import type { Api } from './protocol/api.ts';
import type { CoordinatorType } from './protocol/cluster-apis.ts';
import { ErrorCode, isRetriable, isStaleCoordinator, ProtocolError } from './protocol/error-codes.ts';
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  endTxnApi,
  initProducerIdApi,
  txnOffsetCommitApi,
  type ErrorResponse,
  type InitProducerIdRequest,
  type TransactionIdentity,
} from './protocol/transaction-apis.ts';
import { BROKER_BACKOFF, CONCURRENT_TRANSACTION_BACKOFF, retryUntil, type BackoffPolicy } from './retry.ts';

const isConcurrentTransaction = (error: unknown): boolean =>
  error instanceof ProtocolError && error.errorCode === ErrorCode.CONCURRENT_TRANSACTIONS;

/** The coordinator certainly did nothing. Other errors may have come up after it wrote its decision. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ProtocolError &&
  (isConcurrentTransaction(error) ||
    (!isRetriable(error.errorCode) && error.errorCode !== ErrorCode.UNKNOWN_SERVER_ERROR));

const backoffFor = (error: unknown): BackoffPolicy =>
  isConcurrentTransaction(error) ? CONCURRENT_TRANSACTION_BACKOFF : BROKER_BACKOFF;

export class TransactionCoordinator {
  private readonly cluster: ClusterView;
  private readonly lane: string;
  private readonly transactionalId: string;
  private lost = false;

  constructor(cluster: ClusterView, lane: string, transactionalId: string) {
    this.cluster = cluster;
    this.lane = lane;
    this.transactionalId = transactionalId;
  }

  /** True when a request of this epoch may still arrive at a broker; `nextEpoch` shuts it out. */
  get mayComeLate(): boolean {
    return this.lost;
  }

  /** Fences former producers of the id; the coordinator completes or aborts what they left open first. */
  async initProducerId(transactionTimeoutMs: number, deadline: number): Promise<TransactionIdentity> {
    return this.askForEpoch({ transactionalId: this.transactionalId, transactionTimeoutMs }, deadline);
  }

  /** Raises the epoch of a producer that is still the latest of its id, between two transactions. */
  async nextEpoch(
    current: TransactionIdentity,
    transactionTimeoutMs: number,
    deadline: number,
  ): Promise<TransactionIdentity> {
    return this.askForEpoch({ transactionalId: this.transactionalId, transactionTimeoutMs, current }, deadline);
  }

  private async askForEpoch(request: InitProducerIdRequest, deadline: number): Promise<TransactionIdentity> {
    const { producerId, producerEpoch } = await this.ask(initProducerIdApi, request, deadline);
    this.lost = false;
    return { transactionalId: this.transactionalId, producerId, producerEpoch };
  }

  async addPartitions(
    identity: TransactionIdentity,
    partitions: readonly TopicPartition[],
    deadline: number,
  ): Promise<void> {
    await this.ask(addPartitionsToTxnApi, { ...identity, partitions }, deadline);
  }

  /** Makes the offsets of a group a part of the transaction. */
  async addOffsets(identity: TransactionIdentity, groupId: string, deadline: number): Promise<void> {
    await this.ask(addOffsetsToTxnApi, { ...identity, groupId }, deadline);
  }

  /** Hands over the offsets, after `addOffsets`. */
  async commitOffsets(
    identity: TransactionIdentity,
    groupId: string,
    positions: readonly InputPosition[],
    deadline: number,
  ): Promise<void> {
    await this.askCoordinator('group', groupId, txnOffsetCommitApi, { ...identity, groupId, positions }, deadline);
  }

  /** `onUnknown` is called when an attempt may have ended the transaction without saying so. */
  async end(identity: TransactionIdentity, commit: boolean, deadline: number, onUnknown?: () => void): Promise<void> {
    await this.ask(endTxnApi, { ...identity, commit }, deadline, (error) => {
      if (!isRefusal(error)) onUnknown?.();
    });
  }

  private ask<Request, Response extends ErrorResponse>(
    api: Api<Request, Response>,
    request: Request,
    deadline: number,
    onFault?: (error: unknown) => void,
  ): Promise<Response> {
    return this.askCoordinator('transaction', this.transactionalId, api, request, deadline, onFault);
  }

  private askCoordinator<Request, Response extends ErrorResponse>(
    type: CoordinatorType,
    key: string,
    api: Api<Request, Response>,
    request: Request,
    deadline: number,
    onFault?: (error: unknown) => void,
  ): Promise<Response> {
    const attempt = async (): Promise<Response> => {
      const link = await this.cluster.coordinatorLink(type, key, this.lane);
      try {
        const response = await link.request(api, request);
        if (response.errorCode === ErrorCode.NONE) return response;
        if (isStaleCoordinator(response.errorCode)) this.cluster.forgetCoordinator(type, key);
        throw new ProtocolError(api.name, response.errorCode, `transactional id "${this.transactionalId}"`);
      } catch (error) {
        if (error instanceof ConnectionFault) {
          this.lost = true;
          this.cluster.forgetCoordinator(type, key);
        }
        onFault?.(error);
        throw error;
      }
    };
    return retryUntil(deadline, isRetriableFault, attempt, { backoffFor });
  }
}
