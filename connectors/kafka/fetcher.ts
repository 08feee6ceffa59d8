/**
 * Fetches partitions in the background, ahead of whoever takes the records: one request at a time per broker, with every
 * partition in it that may be read.
 *
 * Invariants:
 * - Batches of a partition come out in offset order without gaps, each taken once.
 * - After a new position is set nothing from before it comes out any more.
 * - What is buffered stays below the limit plus one answer per broker; paused partitions are not fetched, and what was
 *   fetched before they were paused waits for them.
 */
import { OffsetOutOfRangeError } from '../../streams/errors.ts';
import type { FetchedBatch, Logger, TopicPartition } from '../../streams/ports.ts';
import type { ClusterView } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { isRetriableFault, partitionName, toLogError } from './errors.ts';
import { ErrorCode, isStaleMetadata, ProtocolError } from './protocol/error-codes.ts';
import { fetchApi, type FetchAnswer } from './protocol/record-apis.ts';
import { decodeRecordBatches } from './record-batch-decoder.ts';
import { Backoff, BROKER_BACKOFF, FaultLog, sleep } from './retry.ts';

export interface FetchLimits {
  /** How long the broker may wait for records. */
  readonly maxWaitMs: number;
  /** How long the answer may take beside that. */
  readonly requestTimeoutMs: number;
  readonly maxBytesPerPartition: number;
  /** No request is sent while this much is buffered for partitions that are not paused. */
  readonly bufferBytes: number;
}

export const fetchLimitsOf = (config: KafkaConfig): FetchLimits => ({
  maxWaitMs: config.fetchMaxWaitMs,
  requestTimeoutMs: config.requestTimeoutMs,
  maxBytesPerPartition: config.fetchMaxBytesPerPartition,
  bufferBytes: config.fetchBufferBytes,
});

/** While some partition is left out of a request, the request must not keep it waiting for long. */
const SHORT_WAIT_MS = 50;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

interface BufferedBatch {
  readonly batch: FetchedBatch;
  readonly bytes: number;
}

interface FetchedPartition extends TopicPartition {
  readonly name: string;
  position: number;
  /** Not fetched from here on. */
  readonly until: number;
  /** Changes with every new position; an answer for an older one is dropped. */
  readonly version: number;
  leader: number | undefined;
  resolving: boolean;
  readonly buffered: BufferedBatch[];
}

export class Fetcher {
  private readonly cluster: ClusterView;
  private readonly lane: string;
  private readonly limits: FetchLimits;
  private readonly onReady: () => void;
  private readonly faultLog: FaultLog;
  private readonly backoff = new Backoff(BROKER_BACKOFF);
  private readonly partitions = new Map<string, FetchedPartition>();
  private readonly busyNodes = new Set<number>();
  private readonly stopping = new AbortController();
  /** Names of partitions that are to be read but have no position yet. */
  private readonly awaited = new Set<string>();
  /** Names of partitions, whether they have a position or not. */
  private readonly paused = new Set<string>();
  private errors: Error[] = [];
  private versions = 0;
  private turn = 0;

  /** `onReady` is called whenever there is something to take, an error included. */
  constructor(cluster: ClusterView, lane: string, limits: FetchLimits, logger: Logger, onReady: () => void) {
    this.cluster = cluster;
    this.lane = lane;
    this.limits = limits;
    this.onReady = onReady;
    this.faultLog = new FaultLog(logger);
  }

  /** True while a request is unanswered. */
  get busy(): boolean {
    return this.busyNodes.size > 0;
  }

  /** Announces a partition that gets its position later, so that requests until then come back soon. */
  expect(partition: TopicPartition): void {
    this.awaited.add(partitionName(partition));
  }

  /** Reads the partition from `offset` on, up to but not including `until`. */
  seek({ topic, partition }: TopicPartition, offset: number, until = Infinity): void {
    const name = partitionName({ topic, partition });
    const before = this.partitions.get(name);
    this.awaited.delete(name);
    this.partitions.set(name, {
      name,
      topic,
      partition,
      position: offset,
      until,
      version: ++this.versions,
      leader: before?.leader,
      resolving: false,
      buffered: [],
    });
    this.pump();
  }

  remove(partition: TopicPartition): void {
    const name = partitionName(partition);
    this.awaited.delete(name);
    this.paused.delete(name);
    this.partitions.delete(name);
  }

  pause(partition: TopicPartition): void {
    this.paused.add(partitionName(partition));
  }

  resume(partition: TopicPartition): void {
    const name = partitionName(partition);
    if (!this.paused.delete(name)) return;
    if ((this.partitions.get(name)?.buffered.length ?? 0) > 0) this.onReady();
    this.pump();
  }

  /** What was fetched for partitions that are not paused. Throws an error that a fetch ended in, each once. */
  take(): FetchedBatch[] {
    const error = this.errors.shift();
    if (error) throw error;
    const batches: FetchedBatch[] = [];
    for (const partition of this.partitions.values()) {
      if (this.paused.has(partition.name)) continue;
      for (const { batch } of partition.buffered) batches.push(batch);
      partition.buffered.length = 0;
    }
    if (batches.length > 0) this.pump();
    return batches;
  }

  close(): void {
    this.stopping.abort();
    this.partitions.clear();
  }

  private get bufferedBytes(): number {
    let bytes = 0;
    for (const { name, buffered } of this.partitions.values()) {
      if (!this.paused.has(name)) for (const batch of buffered) bytes += batch.bytes;
    }
    return bytes;
  }

  /** Starts whatever can be started. */
  private pump(): void {
    if (this.stopping.signal.aborted || this.bufferedBytes >= this.limits.bufferBytes) return;
    const byNode = new Map<number, FetchedPartition[]>();
    for (const partition of this.partitions.values()) {
      if (this.paused.has(partition.name) || partition.position >= partition.until) continue;
      if (partition.leader === undefined) {
        if (!partition.resolving) void this.resolveLeader(partition);
        continue;
      }
      const group = byNode.get(partition.leader);
      if (group) group.push(partition);
      else byNode.set(partition.leader, [partition]);
    }
    for (const [node, group] of byNode) {
      if (!this.busyNodes.has(node)) void this.fetch(node, group);
    }
  }

  private async resolveLeader(partition: FetchedPartition): Promise<void> {
    partition.resolving = true;
    try {
      partition.leader = await this.cluster.leader(partition);
    } catch (error) {
      await this.handle(error, `Looking for the leader of ${partition.name} failed`);
    } finally {
      partition.resolving = false;
    }
    this.pump();
  }

  private async fetch(node: number, group: readonly FetchedPartition[]): Promise<void> {
    this.busyNodes.add(node);
    // The broker fills the answer in the order of the request: every partition gets to be the first in turn.
    const first = this.turn++ % group.length;
    const partitions = [...group.slice(first), ...group.slice(0, first)];
    const versions = new Map(partitions.map(({ name, version }) => [name, version]));
    try {
      const answers = await this.request(node, partitions);
      let stale = false;
      for (const answer of answers) {
        const partition = this.partitions.get(partitionName(answer));
        if (!partition || partition.version !== versions.get(partitionName(answer))) continue;
        stale = !this.accept(answer, partition) || stale;
      }
      if (stale) await sleep(this.backoff.next(), this.stopping.signal);
      else {
        this.backoff.reset();
        this.faultLog.recovered('Fetching works again');
      }
    } catch (error) {
      for (const partition of partitions) this.loseLeader(partition);
      await this.handle(error, `Fetching from broker ${node} failed`);
    } finally {
      this.busyNodes.delete(node);
    }
    this.pump();
  }

  private async request(node: number, partitions: readonly FetchedPartition[]): Promise<readonly FetchAnswer[]> {
    const link = await this.cluster.link(node, this.lane);
    const everything = this.awaited.size === 0 && partitions.length === this.partitions.size;
    const maxWaitMs = everything ? this.limits.maxWaitMs : Math.min(SHORT_WAIT_MS, this.limits.maxWaitMs);
    const { errorCode, answers } = await link.request(
      fetchApi,
      {
        maxWaitMs,
        minBytes: 1,
        maxBytes: MAX_ANSWER_BYTES,
        maxBytesPerPartition: this.limits.maxBytesPerPartition,
        positions: partitions.map(({ topic, partition, position }) => ({ topic, partition, offset: position })),
      },
      this.limits.requestTimeoutMs + maxWaitMs,
    );
    if (errorCode !== ErrorCode.NONE) throw new ProtocolError('Fetch', errorCode, `broker ${node}`);
    return answers;
  }

  /** False when the answer says to ask another broker. */
  private accept(answer: FetchAnswer, partition: FetchedPartition): boolean {
    const { name } = partition;
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      this.partitions.delete(name);
      this.fail(
        new OffsetOutOfRangeError(
          'OFFSET_OUT_OF_RANGE',
          `Offset ${partition.position} of ${name} is not in the log: records were deleted before they were read, or the topic was created anew`,
        ),
      );
      return true;
    }
    if (isStaleMetadata(answer.errorCode)) {
      this.loseLeader(partition);
      return false;
    }
    if (answer.errorCode !== ErrorCode.NONE) throw new ProtocolError('Fetch', answer.errorCode, name);
    const { records, nextOffset, logAppendTime } = decodeRecordBatches(
      answer.bytes,
      partition.position,
      answer.abortedTransactions,
      name,
    );
    if (nextOffset === partition.position) return true;
    partition.position = nextOffset;
    const { topic, partition: number } = partition;
    const endOffset = answer.lastStableOffset;
    partition.buffered.push({
      batch: { topic, partition: number, records, nextOffset, endOffset, logAppendTime },
      bytes: answer.bytes?.length ?? 0,
    });
    if (!this.paused.has(name)) this.onReady();
    return true;
  }

  private loseLeader(partition: FetchedPartition): void {
    partition.leader = undefined;
    this.cluster.forgetTopic(partition.topic);
  }

  private async handle(error: unknown, what: string): Promise<void> {
    if (this.stopping.signal.aborted) return;
    if (!isRetriableFault(error)) {
      this.fail(toLogError(error, what));
      this.partitions.clear();
      return;
    }
    this.faultLog.fault(what, error);
    await sleep(this.backoff.next(), this.stopping.signal);
  }

  private fail(error: Error): void {
    this.errors.push(error);
    this.onReady();
  }
}
