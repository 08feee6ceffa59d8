/**
 * A producer outside of transactions: idempotent, acknowledged by all replicas. Sends that come within the linger time, or
 * while a request is on its way, leave together.
 *
 * Invariant: every send settles within the send timeout. One that rejects with `RetriableLogError` may have been written;
 * sending it again can then write it twice.
 */
import { FatalLogError, RecordTooLargeError, RetriableLogError, StreamsError } from '../../streams/errors.ts';
import { partitionForKey } from '../../streams/partitioner.ts';
import type { LogProducer, ProducedRecord, TopicPartition } from '../../streams/ports.ts';
import { AppendBuffer } from './append-buffer.ts';
import { BatchSender, type WrittenBatch } from './batch-sender.ts';
import { ConnectionFault } from './broker-link.ts';
import type { ClusterView } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { isRetriableFault, partitionName, toLogError } from './errors.ts';

import { ErrorCode, errorName, isTransactionFault, ProtocolError, throwOnError } from './protocol/error-codes.ts';
import { initProducerIdApi } from './protocol/transaction-apis.ts';
import type { ProducerIdentity } from './record-batch-encoder.ts';
import { retryUntil, sleep } from './retry.ts';

const LANE = 'plain';
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

type Place = TopicPartition & { readonly offset: number };

/** Where a record went: the n-th of its partition in this flush. */
type Ordinal = TopicPartition & { readonly ordinal: number };

interface PendingSend {
  readonly ordinals: readonly Ordinal[];
  readonly resolve: (places: readonly Place[]) => void;
  readonly reject: (error: Error) => void;
}

/** Records on their way to one flush. */
class Collection {
  readonly buffer: AppendBuffer;
  readonly sends: PendingSend[] = [];
  private readonly counts = new Map<string, number>();

  constructor(maxBatchBytes: number) {
    this.buffer = new AppendBuffer(maxBatchBytes);
  }

  /** Adds all records or, when one is too large, none. */
  add(records: readonly (ProducedRecord & { readonly partition: number })[]): readonly Ordinal[] {
    const mark = this.buffer.mark();
    const before = new Map(this.counts);
    try {
      return records.map((record) => {
        const { topic, partition, key, value, timestampMs, headers } = record;
        this.buffer.append(topic, partition, key, value, timestampMs ?? Date.now(), headers);
        const name = partitionName(record);
        const ordinal = this.counts.get(name) ?? 0;
        this.counts.set(name, ordinal + 1);
        return { topic, partition, ordinal };
      });
    } catch (error) {
      this.buffer.truncate(mark);
      for (const [name] of this.counts) this.counts.set(name, before.get(name) ?? 0);
      throw error;
    }
  }
}

/** The offset of every record, from the places of the batches. */
const placesOf = (ordinals: readonly Ordinal[], written: readonly WrittenBatch[]): readonly Place[] =>
  ordinals.map(({ topic, partition, ordinal }) => {
    let rest = ordinal;
    for (const batch of written) {
      if (batch.topic !== topic || batch.partition !== partition) continue;
      if (rest < batch.count) return { topic, partition, offset: batch.baseOffset + rest };
      rest -= batch.count;
    }
    throw new Error(`The record ${ordinal} of ${partitionName({ topic, partition })} is in no batch`);
  });

export class KafkaLogProducer implements LogProducer {
  private readonly cluster: ClusterView;
  private readonly config: KafkaConfig;
  private readonly sender: BatchSender;
  private readonly onClosed: () => void;
  private collection: Collection;
  private identity: ProducerIdentity | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;

  constructor(cluster: ClusterView, config: KafkaConfig, onClosed: () => void) {
    this.cluster = cluster;
    this.config = config;
    this.onClosed = onClosed;
    this.sender = new BatchSender(cluster, LANE);
    this.collection = new Collection(config.maxBatchBytes);
  }

  async send(records: readonly ProducedRecord[]): Promise<readonly Place[]> {
    if (this.closed) throw new FatalLogError('PRODUCER_CLOSED', 'The producer was closed');
    if (records.length === 0) return [];
    const deadline = Date.now() + this.config.sendTimeoutMs;
    try {
      const placed = await retryUntil(deadline, isRetriableFault, () => this.choosePartitions(records));
      return await this.within(deadline, this.enqueue(placed));
    } catch (error) {
      throw this.sendError(error);
    }
  }

  private async choosePartitions(
    records: readonly ProducedRecord[],
  ): Promise<readonly (ProducedRecord & { readonly partition: number })[]> {
    const counts = new Map<string, number>();
    for (const { topic } of records) {
      if (!counts.has(topic)) counts.set(topic, await this.cluster.partitionCount(topic));
    }
    // Records without a key of one send stay together, which makes one batch of them.
    const anywhere = Math.random();
    return records.map((record) => {
      const count = counts.get(record.topic) as number;
      const { key } = record;
      const partition = record.partition ?? (key ? partitionForKey(key, count) : Math.floor(anywhere * count));
      return { ...record, partition };
    });
  }

  private enqueue(records: readonly (ProducedRecord & { readonly partition: number })[]): Promise<readonly Place[]> {
    const { collection } = this;
    if (collection.buffer.pendingBytes > MAX_PENDING_BYTES) {
      throw new RetriableLogError('PRODUCER_FULL', 'Too many records wait to be sent: Kafka is away or too slow');
    }
    const ordinals = collection.add(records);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Place[]>();
    collection.sends.push({ ordinals, resolve, reject });
    this.flushing ??= this.flush();
    return promise;
  }

  private async within<T>(deadline: number, work: Promise<T>): Promise<T> {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(
      () =>
        timeout.reject(new ConnectionFault(`Kafka did not take the records within ${this.config.sendTimeoutMs} ms`)),
      deadline - Date.now(),
    );
    try {
      return await Promise.race([work, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async flush(): Promise<void> {
    while (this.collection.sends.length > 0) {
      if (this.config.lingerMs > 0) await sleep(this.config.lingerMs);
      const collection = this.collection;
      this.collection = new Collection(this.config.maxBatchBytes);
      await this.flushOne(collection);
    }
    // In the same breath as the last look, so that no send finds a flush that will not take it.
    this.flushing = undefined;
  }

  private async flushOne({ buffer, sends }: Collection): Promise<void> {
    const deadline = Date.now() + this.config.sendTimeoutMs;
    try {
      this.identity ??= await retryUntil(deadline, isRetriableFault, () => this.initProducerId());
      const written = await this.sender.send(buffer.pending(), {
        identity: this.identity,
        transactionalId: null,
        deadline,
      });
      for (const { ordinals, resolve } of sends) resolve(placesOf(ordinals, written));
    } catch (error) {
      // What was written is unknown, so the sequence numbers cannot go on: the next flush begins as another producer.
      this.identity = undefined;
      this.sender.resetSequences();
      for (const { reject } of sends) reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private async initProducerId(): Promise<ProducerIdentity> {
    const answer = await this.cluster.askAnyBroker((link) =>
      link.request(initProducerIdApi, { transactionalId: null, transactionTimeoutMs: 0 }),
    );
    throwOnError('InitProducerId', answer.errorCode, 'an idempotent producer');
    return answer;
  }

  private sendError(error: unknown): Error {
    if (error instanceof StreamsError) return error;
    if (error instanceof ProtocolError) {
      const { errorCode, message } = error;
      if (errorCode === ErrorCode.MESSAGE_TOO_LARGE || errorCode === ErrorCode.RECORD_LIST_TOO_LARGE) {
        return new RecordTooLargeError(
          errorName(errorCode),
          `${message}; shorten the record, or raise max.message.bytes`,
          {
            cause: error,
          },
        );
      }
      if (isTransactionFault(errorCode)) return new RetriableLogError(errorName(errorCode), message, { cause: error });
    }
    return toLogError(error, 'Sending records');
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.flushing;
    this.onClosed();
  }
}
