/**
 * A task's transactional producer on the in-memory log.
 *
 * Invariant: appended records stay with the producer until `commit`, so `truncate` and `abort` take them back without a
 * trace. Once a commit failed, its outcome may be unknown to the producer; only `init` makes it usable again.
 */
import { FatalLogError, ProducerFencedError, RetriableLogError, TransactionAbortedError } from '../errors.ts';
import type { InputPosition, ProducerMark, TransactionalProducer, WrittenPositions } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import type { HeaderList } from '../record.ts';
import { copyOf } from './bytes.ts';
import type { InMemoryBroker } from './in-memory-broker.ts';
import type { AppendedRecord, InMemoryPartition } from './in-memory-partition.ts';
import type { ClientSession } from './in-memory-session.ts';
import { recordBytes } from './in-memory-topics.ts';
import type { ProducerIdentity } from './in-memory-transactions.ts';

interface PendingRecord extends AppendedRecord {
  readonly topic: string;
  readonly partition: number;
}

type State =
  | { readonly kind: 'unready'; readonly why: string }
  | { readonly kind: 'ready'; readonly identity: ProducerIdentity }
  | { readonly kind: 'committing' }
  /** A commit failed: whether it took effect is for the next `init` to settle. */
  | { readonly kind: 'failed'; readonly identity: ProducerIdentity }
  | { readonly kind: 'fenced'; readonly error: ProducerFencedError };

export class InMemoryProducer implements TransactionalProducer {
  readonly #transactionalId: string;
  readonly #session: ClientSession;
  readonly #broker: InMemoryBroker;
  #state: State = { kind: 'unready', why: 'is not initialised' };
  #pending: PendingRecord[] = [];
  #pendingBytes = 0;
  #commit: Promise<WrittenPositions> | undefined;

  constructor(transactionalId: string, session: ClientSession, broker: InMemoryBroker) {
    this.#transactionalId = transactionalId;
    this.#session = session;
    this.#broker = broker;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  async init(): Promise<void> {
    if (this.#state.kind === 'fenced') throw this.#state.error;
    this.#drop();
    const id = this.#transactionalId;
    const identity = await this.#session.call('producer.init', id, () => this.#broker.transactions.init(id));
    this.#state = { kind: 'ready', identity };
  }

  append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers?: HeaderList,
  ): void {
    if (this.#state.kind === 'committing') throw this.#busy();
    this.#broker.topics.checkSize(topic, { key, value, headers });
    const copiedHeaders = headers?.map(([name, headerValue]) => [name, copyOf(headerValue)] as const);
    const record = {
      topic,
      partition,
      key: key && copyOf(key),
      value: value && copyOf(value),
      timestampMs,
      headers: copiedHeaders,
    };
    this.#pending.push(record);
    this.#pendingBytes += recordBytes(record);
  }

  mark(): ProducerMark {
    return this.#pending.length;
  }

  truncate(mark: ProducerMark): void {
    if (mark > this.#pending.length) throw new RangeError('The mark is behind a truncation or a commit; mark again');
    for (const record of this.#pending.splice(mark)) this.#pendingBytes -= recordBytes(record);
  }

  async commit(groupId: string, inputPositions: readonly InputPosition[]): Promise<WrittenPositions> {
    if (this.#pending.length === 0 && inputPositions.length === 0) return new Map();
    this.#commit = this.#run(this.#identity(), this.#drop(), groupId, inputPositions);
    return this.#commit;
  }

  async abort(): Promise<void> {
    await this.#settled();
    this.#drop();
    if (this.#state.kind !== 'failed') return;
    const { identity } = this.#state;
    const end = (): void => this.#broker.transactions.end(identity, 'aborted');
    try {
      await this.#session.call('producer.abort', this.#transactionalId, end);
    } catch (error) {
      throw this.#failed(identity, error);
    }
  }

  /** What a failed commit left open is aborted by the next owner, or after its timeout. */
  async close(): Promise<void> {
    await this.#settled();
    this.#drop();
    this.#state = { kind: 'unready', why: 'is closed' };
  }

  /** Waits for a commit that is under way; its outcome is its caller's to handle. */
  async #settled(): Promise<void> {
    await Promise.allSettled([this.#commit]);
  }

  async #run(
    identity: ProducerIdentity,
    pending: readonly PendingRecord[],
    groupId: string,
    inputPositions: readonly InputPosition[],
  ): Promise<WrittenPositions> {
    this.#state = { kind: 'committing' };
    try {
      const written = await this.#send(identity, pending);
      await this.#end(identity, groupId, inputPositions);
      this.#state = { kind: 'ready', identity };
      return written;
    } catch (error) {
      throw this.#failed(identity, error);
    }
  }

  /** Appends each partition's records in one piece. */
  async #send(identity: ProducerIdentity, pending: readonly PendingRecord[]): Promise<WrittenPositions> {
    const byPartition = new Map<InMemoryPartition, AppendedRecord[]>();
    for (const { topic, partition, ...record } of pending) {
      const target = this.#broker.topics.partition({ topic, partition });
      const records = byPartition.get(target);
      if (records === undefined) byPartition.set(target, [record]);
      else records.push(record);
    }
    const written = new Map<string, number>();
    for (const [partition, records] of byPartition) {
      const subject = topicPartitionKey(partition.id);
      const append = (): Promise<number> => this.#broker.transactions.append(identity, partition, records);
      written.set(subject, (await this.#session.call('producer.append', subject, append)) + records.length);
    }
    return written;
  }

  async #end(identity: ProducerIdentity, groupId: string, positions: readonly InputPosition[]): Promise<void> {
    const { transactions } = this.#broker;
    if (positions.length > 0) {
      const add = (): Promise<void> => transactions.addPositions(identity, groupId, positions);
      await this.#session.call('producer.offsets', groupId, add);
    }
    const decide = (): void => transactions.end(identity, 'committed');
    await this.#session.call('producer.commit', this.#transactionalId, decide);
  }

  #failed(identity: ProducerIdentity, error: unknown): unknown {
    this.#state = error instanceof ProducerFencedError ? { kind: 'fenced', error } : { kind: 'failed', identity };
    return error instanceof RetriableLogError ? this.#aborted(error) : error;
  }

  #aborted(cause?: unknown): TransactionAbortedError {
    const message = `A transaction of ${this.#transactionalId} did not end; initialise the producer, then start from the last commit`;
    return new TransactionAbortedError('TRANSACTION_ABORTED', message, { cause });
  }

  #busy(): FatalLogError {
    return new FatalLogError('CONCURRENT_COMMIT', `${this.#transactionalId} is committing already; await that first`);
  }

  #identity(): ProducerIdentity {
    switch (this.#state.kind) {
      case 'ready':
        return this.#state.identity;
      case 'committing':
        throw this.#busy();
      case 'fenced':
        throw this.#state.error;
      case 'failed':
        throw this.#aborted();
      case 'unready':
        throw new FatalLogError('PRODUCER_NOT_READY', `${this.#transactionalId} ${this.#state.why}; call init first`);
    }
  }

  #drop(): readonly PendingRecord[] {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return pending;
  }
}
