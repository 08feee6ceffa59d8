/**
 * Reads partitions without a group, for restoring, following and looking around.
 *
 * Every call reads over connections of its own, so that one that waits for new records does not keep a restore waiting.
 */
import type { FetchedBatch, LogRange, LogReader, Logger, TopicPartition } from '../../streams/ports.ts';
import type { ClusterView } from './cluster.ts';
import type { KafkaConfig } from './config.ts';
import { isRetriableFault, partitionName, toLogError } from './errors.ts';
import { Fetcher, fetchLimitsOf, type FetchLimits } from './fetcher.ts';
import { isStaleMetadata, ProtocolError } from './protocol/error-codes.ts';
import { EARLIEST, LATEST, listOffsetsApi } from './protocol/record-apis.ts';
import { FaultLog, retryUntil } from './retry.ts';

const RANGE_LANE = 'range';

type OnBatch = (batch: FetchedBatch) => void | Promise<void>;

/** The part of the batch before the offset. */
const upTo = (batch: FetchedBatch, untilOffset: number): FetchedBatch => {
  if (batch.nextOffset <= untilOffset) return batch;
  return { ...batch, records: batch.records.filter(({ offset }) => offset < untilOffset), nextOffset: untilOffset };
};

export class KafkaLogReader implements LogReader {
  private readonly cluster: ClusterView;
  private readonly config: KafkaConfig;
  private readonly logger: Logger;
  private readonly faultLog: FaultLog;
  private readonly stopping = new AbortController();
  private readonly freeLanes: string[] = [];
  private readonly onClosed: () => void;
  private lanes = 0;

  constructor(cluster: ClusterView, config: KafkaConfig, onClosed: () => void) {
    this.cluster = cluster;
    this.config = config;
    this.onClosed = onClosed;
    this.logger = config.logger;
    this.faultLog = new FaultLog(config.logger);
  }

  async range(partition: TopicPartition): Promise<LogRange> {
    const [beginning, end] = await Promise.all([this.offset(partition, EARLIEST), this.offset(partition, LATEST)]);
    return { beginning, end };
  }

  private async offset(partition: TopicPartition, timestampMs: number): Promise<number> {
    const what = `Reading the range of ${partitionName(partition)}`;
    try {
      return await retryUntil(
        Date.now() + this.config.faultTimeoutMs,
        isRetriableFault,
        () => this.askOffset(partition, timestampMs),
        {
          signal: this.stopping.signal,
          onFault: (error) => this.faultLog.fault(`${what} failed`, error),
        },
      );
    } catch (error) {
      throw toLogError(error, what);
    }
  }

  private async askOffset(partition: TopicPartition, timestampMs: number): Promise<number> {
    const { topic } = partition;
    try {
      const link = await this.cluster.link(await this.cluster.leader(partition), RANGE_LANE);
      const [answer] = await link.request(listOffsetsApi, [{ ...partition, timestampMs }]);
      if (answer?.errorCode === 0) return answer.offset;
      throw new ProtocolError('ListOffsets', answer?.errorCode ?? -1, partitionName(partition));
    } catch (error) {
      if (!(error instanceof ProtocolError) || isStaleMetadata(error.errorCode)) this.cluster.forgetTopic(topic);
      throw error;
    }
  }

  async read(
    partition: TopicPartition,
    fromOffset: number,
    untilOffset: number,
    onBatch: OnBatch,
    signal?: AbortSignal,
  ): Promise<number> {
    let position = fromOffset;
    if (position >= untilOffset) return position;
    // With a limit of one byte the next request leaves as soon as a batch was taken: one batch ahead, not more.
    const limits = { ...fetchLimitsOf(this.config), bufferBytes: 1 };
    await this.run(limits, [{ ...partition, offset: fromOffset }], untilOffset, signal, async (fetched) => {
      const batch = upTo(fetched, untilOffset);
      position = batch.nextOffset;
      await onBatch(batch);
      return position < untilOffset;
    });
    return position;
  }

  async follow(
    positions: readonly (TopicPartition & { offset: number })[],
    onBatch: OnBatch,
    signal: AbortSignal,
  ): Promise<void> {
    await this.run(fetchLimitsOf(this.config), positions, Infinity, signal, async (batch) => {
      await onBatch(batch);
      return true;
    });
  }

  /** Hands over batches one at a time until the callback answers false or the signal aborts. */
  private async run(
    limits: FetchLimits,
    positions: readonly (TopicPartition & { offset: number })[],
    untilOffset: number,
    signal: AbortSignal | undefined,
    onBatch: (batch: FetchedBatch) => Promise<boolean>,
  ): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.stopping.signal]) : this.stopping.signal;
    let wake: (() => void) | undefined;
    const signalReady = (): void => wake?.();
    const lane = this.freeLanes.pop() ?? `read-${this.lanes++}`;
    const fetcher = new Fetcher(this.cluster, lane, limits, this.logger, signalReady);
    stop.addEventListener('abort', signalReady);
    try {
      for (const position of positions) fetcher.seek(position, position.offset, untilOffset);
      while (!stop.aborted) {
        const batches = fetcher.take();
        for (const batch of batches) {
          if (stop.aborted || !(await onBatch(batch))) return;
        }
        if (batches.length > 0) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (stop.aborted) resolve();
        });
      }
    } finally {
      stop.removeEventListener('abort', signalReady);
      if (fetcher.busy) this.cluster.closeLane(lane);
      fetcher.close();
      this.freeLanes.push(lane);
    }
  }

  async close(): Promise<void> {
    this.stopping.abort();
    this.cluster.close();
    this.onClosed();
  }
}
