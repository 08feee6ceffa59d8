/**
 * The transaction coordinator of the in-memory log.
 *
 * Invariant: per transactional id, at most one owner may write. `init` raises the epoch, so whatever an older owner still
 * sends is refused; and it returns only after the older owner's transaction is decided and its markers stand. A commit is
 * decided at one point; markers and group offsets follow that decision and never change it.
 */
import { FatalLogError, ProducerFencedError } from '../errors.ts';
import type { Clock, InputPosition, TopicPartition } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import type { LogChanges } from './in-memory-changes.ts';
import type { FaultInjector } from './in-memory-faults.ts';
import type { AppendedRecord, InMemoryPartition, TransactionOutcome } from './in-memory-partition.ts';

export type PartitionOffset = TopicPartition & { readonly offset: number };

/** A producer's claim on a transactional id. */
export interface ProducerIdentity {
  readonly transactionalId: string;
  readonly epoch: number;
}

interface TransactionState {
  readonly transactionalId: string;
  epoch: number;
  status: 'empty' | 'ongoing' | 'decided';
  readonly partitions: Set<InMemoryPartition>;
  /** By group. */
  readonly positions: Map<string, InputPosition[]>;
  /** Whose transaction was the last one to commit. */
  committedEpoch: number | undefined;
  /** Aborted when the transaction ends before its timeout. */
  ended: AbortController;
}

export interface TransactionContext {
  readonly clock: Clock;
  readonly faults: FaultInjector;
  readonly changes: LogChanges;
  readonly transactionTimeoutMs: number;
  /** Makes the positions that a transaction committed for a group visible. */
  readonly commitPositions: (groupId: string, positions: readonly InputPosition[]) => void;
}

export class InMemoryTransactions {
  readonly #context: TransactionContext;
  readonly #states = new Map<string, TransactionState>();

  constructor(context: TransactionContext) {
    this.#context = context;
  }

  /** Takes the id over: the former owner is fenced, and its transaction completed (when decided) or aborted. */
  async init(transactionalId: string): Promise<ProducerIdentity> {
    const state = this.#stateOf(transactionalId);
    // The former owner may begin another transaction while the markers of its last one are being written.
    while (state.status !== 'empty') {
      if (state.status === 'ongoing') this.#expel(state);
      await this.#markersWritten(state);
    }
    state.epoch += 1;
    return { transactionalId, epoch: state.epoch };
  }

  /** Appends to a partition within the owner's transaction, beginning one if none is open. Returns the first offset. */
  append(
    identity: ProducerIdentity,
    partition: InMemoryPartition,
    records: readonly AppendedRecord[],
  ): Promise<number> {
    return this.#within(identity, (state) => {
      const baseOffset = partition.append(records, this.#context.clock.now(), identity.transactionalId);
      state.partitions.add(partition);
      return baseOffset;
    });
  }

  addPositions(identity: ProducerIdentity, groupId: string, positions: readonly InputPosition[]): Promise<void> {
    return this.#within(identity, (state) => {
      state.positions.set(groupId, [...(state.positions.get(groupId) ?? []), ...positions]);
    });
  }

  /** Decides the open transaction. Aborting where none is open does nothing. */
  end(identity: ProducerIdentity, outcome: TransactionOutcome): void {
    const state = this.#owned(identity);
    if (state.status === 'ongoing') this.#decide(state, outcome);
    // Asked again after a lost answer: it is answered as the first time.
    else if (outcome === 'committed' && state.committedEpoch !== identity.epoch) {
      const message = `${identity.transactionalId} has no open transaction to commit; initialise the producer again`;
      throw new FatalLogError('INVALID_TXN_STATE', message);
    }
  }

  /** Ownership is checked in the same step as the effect: while this waits for markers, another owner may come. */
  async #within<T>(identity: ProducerIdentity, effect: (state: TransactionState) => T): Promise<T> {
    let state = this.#owned(identity);
    while (state.status === 'decided') {
      await this.#markersWritten(state);
      state = this.#owned(identity);
    }
    if (state.status === 'empty') this.#begin(state);
    return effect(state);
  }

  #begin(state: TransactionState): void {
    const ended = new AbortController();
    state.status = 'ongoing';
    state.ended = ended;
    void this.#context.clock.sleep(this.#context.transactionTimeoutMs, ended.signal).then(() => {
      if (!ended.signal.aborted) this.#expel(state);
    });
  }

  #expel(state: TransactionState): void {
    state.epoch += 1;
    this.#decide(state, 'aborted');
  }

  #decide(state: TransactionState, outcome: TransactionOutcome): void {
    state.status = 'decided';
    if (outcome === 'committed') state.committedEpoch = state.epoch;
    state.ended.abort(outcome);
    void this.#writeMarkers(state, outcome);
  }

  async #writeMarkers(state: TransactionState, outcome: TransactionOutcome): Promise<void> {
    const { clock, faults, changes, commitPositions } = this.#context;
    for (const partition of state.partitions) {
      const subject = topicPartitionKey(partition.id);
      const fault = faults.before({ clientId: '', kind: 'broker.marker', subject });
      if (fault?.delayMs !== undefined) await clock.sleep(fault.delayMs);
      partition.endTransaction(state.transactionalId, outcome);
      changes.notify();
    }
    if (outcome === 'committed')
      for (const [groupId, positions] of state.positions) commitPositions(groupId, positions);
    state.partitions.clear();
    state.positions.clear();
    state.status = 'empty';
    changes.notify();
  }

  /** Waits while the last decision's markers are being written. */
  async #markersWritten(state: TransactionState): Promise<void> {
    await this.#context.changes.until(() => state.status !== 'decided');
  }

  #owned({ transactionalId, epoch }: ProducerIdentity): TransactionState {
    const state = this.#stateOf(transactionalId);
    if (state.epoch === epoch) return state;
    const message = `Another producer took ${transactionalId} over, or its transaction timed out; give the task up`;
    throw new ProducerFencedError('PRODUCER_FENCED', message);
  }

  #stateOf(transactionalId: string): TransactionState {
    const known = this.#states.get(transactionalId);
    if (known !== undefined) return known;
    const state: TransactionState = {
      transactionalId,
      epoch: 0,
      status: 'empty',
      partitions: new Set(),
      positions: new Map(),
      committedEpoch: undefined,
      ended: new AbortController(),
    };
    this.#states.set(transactionalId, state);
    return state;
  }
}
