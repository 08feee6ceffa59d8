/**
 * Reads partitions of the in-memory log without a group.
 *
 * Invariant: committed records only, each once and in order; the position given with a batch is where the next one begins.
 */
import { FatalLogError, RetriableLogError } from '../errors.ts';
import type { FetchedBatch, LogRange, LogReader, TopicPartition } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import type { InMemoryBroker } from './in-memory-broker.ts';
import type { InMemoryPartition } from './in-memory-partition.ts';
import type { ClientSession } from './in-memory-session.ts';
import type { PartitionOffset } from './in-memory-transactions.ts';

type OnBatch = (batch: FetchedBatch) => void | Promise<void>;

/** How long `follow` waits after a broker fault before it asks again. */
const RETRY_BACKOFF_MS = 100;

export class InMemoryReader implements LogReader {
  readonly #session: ClientSession;
  readonly #broker: InMemoryBroker;
  readonly #closing = new AbortController();

  constructor(session: ClientSession, broker: InMemoryBroker) {
    this.#session = session;
    this.#broker = broker;
  }

  range(partition: TopicPartition): Promise<LogRange> {
    const range = (): LogRange => this.#broker.topics.partition(partition).range;
    return this.#session.call('reader.range', topicPartitionKey(partition), range);
  }

  async read(
    id: TopicPartition,
    fromOffset: number,
    untilOffset: number,
    onBatch: OnBatch,
    signal?: AbortSignal,
  ): Promise<number> {
    const stop = this.#stop(signal);
    const partition = this.#broker.topics.partition(id);
    let position = fromOffset;
    while (position < untilOffset && !stop.aborted) {
      const batch = await this.#fetch(partition, position, untilOffset);
      if (batch.nextOffset > position) await onBatch(batch);
      position = batch.nextOffset;
      if (position < untilOffset) await this.#waitForNews([{ partition, position }], stop);
    }
    if (position >= untilOffset || signal?.aborted) return position;
    throw new FatalLogError(
      'READER_CLOSED',
      `The reader was closed at ${position}, before ${untilOffset}; make another`,
    );
  }

  async follow(positions: readonly PartitionOffset[], onBatch: OnBatch, signal: AbortSignal): Promise<void> {
    const stop = this.#stop(signal);
    const followed = positions.map((from) => ({
      partition: this.#broker.topics.partition(from),
      position: from.offset,
    }));
    while (!stop.aborted) {
      for (const one of followed) {
        if (stop.aborted || !one.partition.hasNews(one.position)) continue;
        const batch = await this.#fetchPatiently(one.partition, one.position, stop);
        if (batch === undefined || batch.nextOffset === one.position || stop.aborted) continue;
        await onBatch(batch);
        one.position = batch.nextOffset;
      }
      await this.#waitForNews(followed, stop);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  #fetch(partition: InMemoryPartition, position: number, untilOffset?: number): Promise<FetchedBatch> {
    const fetch = (): FetchedBatch => partition.fetch(position, this.#broker.fetchMaxRecords, untilOffset);
    return this.#session.call('reader.fetch', topicPartitionKey(partition.id), fetch);
  }

  /** Undefined after a passing fault and a pause. */
  async #fetchPatiently(
    partition: InMemoryPartition,
    position: number,
    stop: AbortSignal,
  ): Promise<FetchedBatch | undefined> {
    try {
      return await this.#fetch(partition, position);
    } catch (error) {
      if (!(error instanceof RetriableLogError)) throw error;
      await this.#session.sleep(RETRY_BACKOFF_MS, stop);
      return undefined;
    }
  }

  #waitForNews(
    followed: readonly { readonly partition: InMemoryPartition; readonly position: number }[],
    stop: AbortSignal,
  ): Promise<void> {
    const hasNews = (): boolean => followed.some(({ partition, position }) => partition.hasNews(position));
    return this.#session.wait(hasNews, undefined, stop);
  }

  #stop(signal?: AbortSignal): AbortSignal {
    const own = [this.#closing.signal, this.#session.closing];
    return AbortSignal.any(signal === undefined ? own : [...own, signal]);
  }
}
