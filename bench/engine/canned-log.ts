/**
 * A log client for measuring what the engine itself costs: the input is record batches in memory, just as a fetch answers them,
 * and what is committed is encoded and sealed just as it would be sent, then dropped.
 *
 * Invariant: everything on a record's way through this process is done as with a broker, save for the sockets; so its CPU
 * seconds can be compared between two versions of the code on a busy machine.
 */
import { AppendBuffer } from '../../connectors/kafka/append-buffer.ts';
import {
  BATCH_HEADER_BYTES,
  RecordBatchEncoder,
  recordSizeBound,
} from '../../connectors/kafka/record-batch-encoder.ts';
import { decodeRecordBatches } from '../../connectors/kafka/record-batch-decoder.ts';
import type {
  ConsumerPoll,
  FetchedBatch,
  GroupConsumer,
  LogAdmin,
  LogClient,
  LogReader,
  TopicPartition,
  TransactionalProducer,
  WrittenPositions,
} from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';

/** A batch of the input. */
const BATCH_BYTES = 128 * 1024;
const MAX_BATCH_BYTES = 1024 * 1024;
const NO_PRODUCER = { producerId: -1, producerEpoch: -1 };

/** One input partition as fetches would answer it, one after another. */
export class CannedPartition {
  readonly #fetches: Buffer[] = [];
  #batches: Buffer[] = [];
  #batch = new RecordBatchEncoder(Buffer.allocUnsafe(BATCH_BYTES + BATCH_HEADER_BYTES));
  #records = 0;
  #next = 0;
  #position = 0;
  readonly #fetchBytes: number;

  /** `fetchBytes`: what one fetch answers. */
  constructor(fetchBytes: number) {
    this.#fetchBytes = fetchBytes;
  }

  append(key: Uint8Array, value: Uint8Array, timestampMs: number): void {
    const bound = recordSizeBound(key, value);
    if (this.#batch.length + bound > BATCH_BYTES) this.seal();
    this.#batch.append(key, value, timestampMs, undefined, bound);
  }

  /** Ends the batch that is being filled. */
  seal(): void {
    if (this.#batch.count === 0) return;
    const bytes = Buffer.from(this.#batch.seal(NO_PRODUCER, -1, false));
    bytes.writeBigInt64BE(BigInt(this.#records), 0);
    this.#records += this.#batch.count;
    this.#batch.release();
    this.#batches.push(bytes);
    const size = this.#batches.reduce((sum, { length }) => sum + length, 0);
    if (size + BATCH_BYTES > this.#fetchBytes) this.flush();
  }

  /** Ends the fetch that is being filled. */
  flush(): void {
    this.seal();
    if (this.#batches.length > 0) this.#fetches.push(Buffer.concat(this.#batches));
    this.#batches = [];
  }

  get end(): number {
    return this.#records;
  }

  fetch({ topic, partition }: TopicPartition): FetchedBatch | undefined {
    const bytes = this.#fetches[this.#next];
    if (bytes === undefined) return undefined;
    this.#next += 1;
    const decoded = decodeRecordBatches(bytes, this.#position, [], topic);
    this.#position = decoded.nextOffset;
    return { topic, partition, endOffset: this.#records, ...decoded };
  }
}

export interface CannedLogOptions {
  readonly inputTopic: string;
  readonly inputs: readonly CannedPartition[];
  readonly partitionsOf: (topic: string) => number;
  /** What a commit takes at the broker. */
  readonly commitMs: number;
}

/** Counts what left. */
export const sent = { transactions: 0, records: 0, bytes: 0 };

class SealingProducer implements TransactionalProducer {
  readonly #buffer = new AppendBuffer(MAX_BATCH_BYTES);
  readonly #commitMs: number;
  readonly #ends = new Map<string, number>();

  constructor(commitMs: number) {
    this.#commitMs = commitMs;
  }

  init = (): Promise<void> => Promise.resolve();
  append: TransactionalProducer['append'] = (topic, partition, key, value, timestampMs, headers) =>
    this.#buffer.append(topic, partition, key, value, timestampMs, headers);
  mark = (): number => this.#buffer.mark();
  truncate = (mark: number): void => this.#buffer.truncate(mark);
  get pendingBytes(): number {
    return this.#buffer.pendingBytes;
  }

  async commit(): Promise<WrittenPositions> {
    const written = new Map<string, number>();
    sent.transactions += 1;
    for (const partition of this.#buffer.pending()) {
      const name = topicPartitionKey(partition);
      for (const batch of partition.batches) {
        sent.bytes += batch.seal(NO_PRODUCER, 0, true).length;
        sent.records += batch.count;
        this.#ends.set(name, (this.#ends.get(name) ?? 0) + batch.count);
      }
      written.set(name, this.#ends.get(name) ?? 0);
    }
    await new Promise((resolve) => setTimeout(resolve, this.#commitMs));
    this.#buffer.clear();
    return written;
  }

  abort(): Promise<void> {
    this.#buffer.clear();
    return Promise.resolve();
  }
  close = (): Promise<void> => Promise.resolve();
}

function consumerOf({ inputTopic, inputs }: CannedLogOptions): GroupConsumer {
  const paused = new Set<number>();
  const partitions = inputs.map((_, partition) => ({ topic: inputTopic, partition }));
  const open = new Set<number>();
  const poll = async (): Promise<ConsumerPoll> => {
    await new Promise((resolve) => setImmediate(resolve));
    const batches = partitions
      .filter(({ partition }) => open.has(partition) && !paused.has(partition))
      .flatMap((place) => inputs[place.partition]?.fetch(place) ?? []);
    return { kind: 'records', batches };
  };
  return {
    rejoin: () => Promise.resolve(partitions),
    poll,
    wakeup: () => undefined,
    committed: (asked) => Promise.resolve(asked.map(() => undefined)),
    seek: ({ partition }) => void open.add(partition),
    pause: (list) => list.forEach(({ partition }) => paused.add(partition)),
    resume: (list) => list.forEach(({ partition }) => paused.delete(partition)),
    close: () => Promise.resolve(),
  };
}

/** Topics other than the input are empty; `preload` are records of topics that are read to their end at the start. */
export function cannedLog(options: CannedLogOptions, preload: ReadonlyMap<string, FetchedBatch>): LogClient {
  const endOf = ({ topic, partition }: TopicPartition): number =>
    topic === options.inputTopic
      ? (options.inputs[partition]?.end ?? 0)
      : (preload.get(topicPartitionKey({ topic, partition }))?.nextOffset ?? 0);
  const reader: LogReader = {
    range: (place) => Promise.resolve({ beginning: 0, end: endOf(place) }),
    read: async (place, _from, until, onBatch) => {
      const batch = preload.get(topicPartitionKey(place));
      if (batch !== undefined) await onBatch(batch);
      return until;
    },
    follow: (_positions, _onBatch, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    close: () => Promise.resolve(),
  };
  const admin: LogAdmin = {
    partitionCounts: (topics) => Promise.resolve(new Map(topics.map((topic) => [topic, options.partitionsOf(topic)]))),
    createTopics: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return {
    consumer: () => consumerOf(options),
    producer: () => new SealingProducer(options.commitMs),
    plainProducer: () => {
      throw new Error('Nothing here is sent outside of a transaction.');
    },
    reader: () => reader,
    admin: () => admin,
    close: () => Promise.resolve(),
  };
}
