/**
 * Sends the record batches of an idempotent producer and sees every one of them acknowledged.
 *
 * Invariants: the batches of a partition are sent in the order of their sequence numbers, at most five unanswered per
 * connection, which is what the broker remembers to recognize a repeat; a batch keeps its sequence number when it is sent
 * again; no request is in flight any more when `send` settles.
 */
import type { TopicPartition } from '../../streams/ports.ts';
import type { PartitionBatches } from './append-buffer.ts';
import { ConnectionFault } from './broker-link.ts';
import type { ClusterView, RequestLink } from './cluster.ts';
import { isRetriableFault, partitionName } from './errors.ts';
import { ErrorCode, isStaleMetadata, ProtocolError } from './protocol/error-codes.ts';
import { produceApi, type ProduceAnswer } from './protocol/record-apis.ts';
import { nextSequence, type ProducerIdentity, type RecordBatchEncoder } from './record-batch-encoder.ts';
import { retryUntil } from './retry.ts';

const MAX_IN_FLIGHT = 5;
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const MIN_TIMEOUT_MS = 100;

interface NumberedBatch {
  readonly encoder: RecordBatchEncoder;
  readonly sequence: number;
  readonly count: number;
  /** Made when the batch is first sent, so that the broker works on one batch while the next gets its checksum. */
  bytes: Buffer | undefined;
  /** Set once the broker has the batch. */
  baseOffset: number | undefined;
}

/** A partition's batches in order, and how far the current attempt has sent them. */
interface PartitionQueue extends TopicPartition {
  readonly batches: readonly NumberedBatch[];
  sent: number;
}

export interface WrittenBatch extends TopicPartition {
  readonly baseOffset: number;
  readonly count: number;
}

export interface SendOptions {
  readonly identity: ProducerIdentity;
  /** Null outside of transactions. */
  readonly transactionalId: string | null;
  /** `Date.now()` after which broker faults are not retried any more. */
  readonly deadline: number;
}

const isDone = (queue: PartitionQueue): boolean => queue.batches.every(({ baseOffset }) => baseOffset !== undefined);

const skipAcknowledged = (queue: PartitionQueue): void => {
  while (queue.batches[queue.sent]?.baseOffset !== undefined) queue.sent++;
};

/** Faults of one attempt. One that retrying cannot heal outweighs all others. */
class Faults {
  retriable: Error | undefined;
  final: Error | undefined;

  add(error: unknown): void {
    const fault = error instanceof Error ? error : new Error(String(error));
    if (isRetriableFault(fault)) this.retriable ??= fault;
    else this.final ??= fault;
  }
}

export class BatchSender {
  private readonly cluster: ClusterView;
  private readonly lane: string;
  private readonly sequences = new Map<string, number>();

  constructor(cluster: ClusterView, lane: string) {
    this.cluster = cluster;
    this.lane = lane;
  }

  /** Starts all sequence numbers from 0: for a new producer id or epoch. */
  resetSequences(): void {
    this.sequences.clear();
  }

  /** Makes sure that the partitions exist and have leaders, so that a transaction is not opened in vain. */
  async resolveLeaders(partitions: readonly TopicPartition[], deadline: number): Promise<void> {
    await retryUntil(deadline, isRetriableFault, async () => {
      for (const partition of partitions) await this.cluster.leader(partition);
    });
  }

  /**
   * Resolves with the place of every batch, in the order given. Rejects with the fault that could not be overcome; some
   * batches may be written then, and the producer needs a new epoch.
   */
  async send(pending: readonly PartitionBatches[], options: SendOptions): Promise<readonly WrittenBatch[]> {
    const queues = pending.map((partition) => this.enqueue(partition));
    await retryUntil(options.deadline, isRetriableFault, () => this.attempt(queues, options));
    return queues.flatMap(({ topic, partition, batches }) =>
      batches.map(({ baseOffset, count }) => ({ topic, partition, baseOffset: baseOffset as number, count })),
    );
  }

  private enqueue({ topic, partition, batches }: PartitionBatches): PartitionQueue {
    const name = partitionName({ topic, partition });
    let next = this.sequences.get(name) ?? 0;
    const numbered = batches.map((encoder) => {
      const sequence = next;
      const { count } = encoder;
      next = nextSequence(sequence, count);
      return { encoder, sequence, count, bytes: undefined, baseOffset: undefined };
    });
    this.sequences.set(name, next);
    return { topic, partition, batches: numbered, sent: 0 };
  }

  private async attempt(queues: readonly PartitionQueue[], options: SendOptions): Promise<void> {
    const faults = new Faults();
    const byNode = new Map<number, PartitionQueue[]>();
    for (const queue of queues) {
      if (isDone(queue)) continue;
      queue.sent = 0;
      const leader = await this.cluster.leader(queue);
      const group = byNode.get(leader);
      if (group) group.push(queue);
      else byNode.set(leader, [queue]);
    }
    await Promise.all([...byNode].map(([node, group]) => this.sendToNode(node, group, options, faults)));
    if (faults.final) throw faults.final;
    if (faults.retriable) throw faults.retriable;
  }

  private async sendToNode(
    node: number,
    queues: readonly PartitionQueue[],
    options: SendOptions,
    faults: Faults,
  ): Promise<void> {
    const inFlight: Promise<void>[] = [];
    try {
      const link = await this.cluster.link(node, this.lane);
      while (faults.final === undefined && faults.retriable === undefined) {
        const request = this.nextRequest(queues);
        if (request.length === 0) break;
        inFlight.push(this.exchange(link, request, options, faults));
        if (inFlight.length >= MAX_IN_FLIGHT) await inFlight[inFlight.length - MAX_IN_FLIGHT];
      }
    } catch (error) {
      this.forgetLeaders(queues);
      faults.add(error);
    }
    await Promise.all(inFlight);
  }

  /** The next unacknowledged batch of every partition that has one, within the size of a request. */
  private nextRequest(queues: readonly PartitionQueue[]): readonly RequestedBatch[] {
    const request: RequestedBatch[] = [];
    let bytes = 0;
    for (const queue of queues) {
      skipAcknowledged(queue);
      const batch = queue.batches[queue.sent];
      if (!batch || (bytes > 0 && bytes + batch.encoder.length > MAX_REQUEST_BYTES)) continue;
      bytes += batch.encoder.length;
      queue.sent++;
      request.push({ queue, batch });
    }
    return request;
  }

  private async exchange(
    link: RequestLink,
    request: readonly RequestedBatch[],
    options: SendOptions,
    faults: Faults,
  ): Promise<void> {
    try {
      const batches = request.map(({ queue, batch }) => {
        batch.bytes ??= batch.encoder.seal(options.identity, batch.sequence, options.transactionalId !== null);
        return { topic: queue.topic, partition: queue.partition, bytes: batch.bytes };
      });
      const timeoutMs = Math.max(MIN_TIMEOUT_MS, Math.min(REQUEST_TIMEOUT_MS, options.deadline - Date.now()));
      const answers = await link.request(
        produceApi,
        { transactionalId: options.transactionalId, timeoutMs: timeoutMs / 2, batches },
        timeoutMs,
      );
      const byPartition = new Map(answers.map((answer) => [partitionName(answer), answer]));
      for (const { queue, batch } of request) this.take(byPartition.get(partitionName(queue)), queue, batch, faults);
    } catch (error) {
      if (error instanceof ConnectionFault) this.forgetLeaders(request.map(({ queue }) => queue));
      faults.add(error);
    }
  }

  private take(answer: ProduceAnswer | undefined, queue: PartitionQueue, batch: NumberedBatch, faults: Faults): void {
    const name = partitionName(queue);
    if (!answer) {
      faults.add(new ConnectionFault(`The broker did not answer for ${name}`));
      return;
    }
    if (answer.errorCode === ErrorCode.NONE) {
      batch.baseOffset = answer.baseOffset;
      return;
    }
    // A batch that follows a refused one has a gap before it: a consequence, not a fault of its own.
    const earlier = queue.batches.slice(0, queue.batches.indexOf(batch));
    const follows = earlier.some(({ baseOffset }) => baseOffset === undefined);
    if (answer.errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && follows) return;
    if (isStaleMetadata(answer.errorCode)) this.cluster.forgetTopic(queue.topic);
    const detail = answer.errorMessage === null ? name : `${name} (${answer.errorMessage})`;
    faults.add(new ProtocolError('Produce', answer.errorCode, detail));
  }

  private forgetLeaders(queues: readonly TopicPartition[]): void {
    for (const { topic } of queues) this.cluster.forgetTopic(topic);
  }
}

interface RequestedBatch {
  readonly queue: PartitionQueue;
  readonly batch: NumberedBatch;
}
