/**
 * Requests that move records and positions: produce, fetch, list offsets, fetch committed offsets.
 */
import type { TopicPartition } from '../../../streams/ports.ts';
import type { AbortedTransaction } from '../record-batch-decoder.ts';
import { groupByTopic, readTopics, writeTopics, type Api } from './api.ts';
import type { WireReader } from './wire.ts';

const ACKS_ALL = -1;
const READ_COMMITTED = 1;
const ANY_REPLICA = -1;

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** How long the broker waits for its replicas. */
  readonly timeoutMs: number;
  /** One sealed batch per partition; the buffers must not change before the answer. */
  readonly batches: readonly (TopicPartition & { readonly bytes: Buffer })[];
}

export interface ProduceAnswer extends TopicPartition {
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly errorMessage: string | null;
}

export const produceApi: Api<ProduceRequest, readonly ProduceAnswer[]> = {
  name: 'Produce',
  key: 0,
  version: 8,
  flexible: false,
  write: (writer, { transactionalId, timeoutMs, batches }) => {
    writer.string(transactionalId).int16(ACKS_ALL).int32(timeoutMs);
    writeTopics(writer, batches, ({ partition, bytes }) => {
      writer.int32(partition).int32(bytes.length).attach(bytes);
    });
  },
  read: (reader) =>
    readTopics(reader, (topic) => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      const baseOffset = reader.int64();
      reader.int64();
      reader.int64();
      const recordErrors = reader.array(() => {
        reader.int32();
        return reader.string();
      });
      const errorMessage = reader.string() ?? recordErrors.find((message) => message !== null) ?? null;
      return { topic, partition, errorCode, baseOffset, errorMessage };
    }),
};

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly positions: readonly (TopicPartition & { readonly offset: number })[];
}

export interface FetchAnswer extends TopicPartition {
  readonly errorCode: number;
  readonly lastStableOffset: number;
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly bytes: Buffer | null;
}

const readFetchPartition = (reader: WireReader, topic: string): FetchAnswer => {
  const partition = reader.int32();
  const errorCode = reader.int16();
  reader.int64();
  const lastStableOffset = reader.int64();
  reader.int64();
  const abortedTransactions = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
  reader.int32();
  return { topic, partition, errorCode, lastStableOffset, abortedTransactions, bytes: reader.bytes() };
};

/** Without a fetch session: every request names all its partitions. */
export const fetchApi: Api<FetchRequest, { readonly errorCode: number; readonly answers: readonly FetchAnswer[] }> = {
  name: 'Fetch',
  key: 1,
  version: 11,
  flexible: false,
  write: (writer, { maxWaitMs, minBytes, maxBytes, maxBytesPerPartition, positions }) => {
    writer.int32(ANY_REPLICA).int32(maxWaitMs).int32(minBytes).int32(maxBytes).int8(READ_COMMITTED);
    writer.int32(0).int32(-1);
    writeTopics(writer, positions, ({ partition, offset }) => {
      writer.int32(partition).int32(-1).int64(offset).int64(-1).int32(maxBytesPerPartition);
    });
    writer.int32(0).string('');
  },
  read: (reader) => {
    reader.int32();
    const errorCode = reader.int16();
    reader.int32();
    return { errorCode, answers: readTopics(reader, (topic) => readFetchPartition(reader, topic)) };
  },
};

export const EARLIEST = -2;
/** For a reader of committed records this is the last stable offset. */
export const LATEST = -1;

export interface OffsetAnswer extends TopicPartition {
  readonly errorCode: number;
  readonly offset: number;
}

export interface CommittedAnswer extends OffsetAnswer {
  readonly metadata: string;
}

/** `timestampMs` is a point in time, `EARLIEST` or `LATEST`. */
export const listOffsetsApi: Api<readonly (TopicPartition & { timestampMs: number })[], readonly OffsetAnswer[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 3,
  flexible: false,
  write: (writer, partitions) => {
    writer.int32(ANY_REPLICA).int8(READ_COMMITTED);
    writeTopics(writer, partitions, ({ partition, timestampMs }) => writer.int32(partition).int64(timestampMs));
  },
  read: (reader) => {
    reader.int32();
    return readTopics(reader, (topic) => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      reader.int64();
      return { topic, partition, errorCode, offset: reader.int64() };
    });
  },
};

/** With `stable`: answers UNSTABLE_OFFSET_COMMIT for a partition while a transaction that commits its offset is not complete. */
export const offsetFetchApi: Api<
  { groupId: string; partitions: readonly TopicPartition[] | 'all'; stable: boolean },
  { readonly errorCode: number; readonly answers: readonly CommittedAnswer[] }
> = {
  name: 'OffsetFetch',
  key: 9,
  version: 7,
  flexible: true,
  write: (writer, { groupId, partitions, stable }) => {
    writer.compactString(groupId);
    if (partitions === 'all') writer.uvarint(0);
    else
      writer.compactArray(groupByTopic(partitions), ({ topic, partitions: items }) => {
        writer.compactString(topic).compactArray(items, ({ partition }) => writer.int32(partition));
        writer.noTags();
      });
    writer.boolean(stable).noTags();
  },
  read: (reader) => {
    reader.int32();
    const answers = reader
      .compactArray(() => {
        const topic = reader.compactString() ?? '';
        const partitions = reader.compactArray(() => {
          const partition = reader.int32();
          const offset = reader.int64();
          reader.int32();
          const metadata = reader.compactString() ?? '';
          const errorCode = reader.int16();
          reader.skipTags();
          return { topic, partition, offset, metadata, errorCode };
        });
        reader.skipTags();
        return partitions;
      })
      .flat();
    return { answers, errorCode: reader.int16() };
  },
};
