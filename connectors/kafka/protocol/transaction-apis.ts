/**
 * Requests of a transaction: producer id and epoch, the partitions and the group that take part, the offsets, the end.
 */
import type { InputPosition, TopicPartition } from '../../../streams/ports.ts';
import type { ProducerIdentity } from '../record-batch-encoder.ts';
import { readTopics, writeTopics, type Api } from './api.ts';
import { ErrorCode } from './error-codes.ts';

export interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string;
}

export interface ErrorResponse {
  readonly errorCode: number;
}

const NO_PRODUCER: ProducerIdentity = { producerId: -1, producerEpoch: -1 };

export interface InitProducerIdRequest {
  /** Null for a producer that is idempotent only. */
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** Given: asks for the next epoch of this producer, and is refused when another has taken over. Else takes over. */
  readonly current?: ProducerIdentity;
}

export const initProducerIdApi: Api<InitProducerIdRequest, ErrorResponse & ProducerIdentity> = {
  name: 'InitProducerId',
  key: 22,
  version: 3,
  flexible: true,
  write: (writer, { transactionalId, transactionTimeoutMs, current = NO_PRODUCER }) => {
    writer.compactString(transactionalId).int32(transactionTimeoutMs);
    writer.int64(current.producerId).int16(current.producerEpoch).noTags();
  },
  read: (reader) => {
    reader.int32();
    return { errorCode: reader.int16(), producerId: reader.int64(), producerEpoch: reader.int16() };
  },
};

/** The first error among those of the partitions; one that only says that another failed comes last. */
const firstError = (codes: readonly number[]): number =>
  codes.find((code) => code !== ErrorCode.NONE && code !== ErrorCode.OPERATION_NOT_ATTEMPTED) ??
  codes.find((code) => code !== ErrorCode.NONE) ??
  ErrorCode.NONE;

export const addPartitionsToTxnApi: Api<
  TransactionIdentity & { partitions: readonly TopicPartition[] },
  ErrorResponse
> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  version: 1,
  flexible: false,
  write: (writer, { transactionalId, producerId, producerEpoch, partitions }) => {
    writer.string(transactionalId).int64(producerId).int16(producerEpoch);
    writeTopics(writer, partitions, ({ partition }) => writer.int32(partition));
  },
  read: (reader) => {
    reader.int32();
    const codes = readTopics(reader, () => {
      reader.int32();
      return reader.int16();
    });
    return { errorCode: firstError(codes) };
  },
};

export const addOffsetsToTxnApi: Api<TransactionIdentity & { groupId: string }, ErrorResponse> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  version: 1,
  flexible: false,
  write: (writer, { transactionalId, producerId, producerEpoch, groupId }) => {
    writer.string(transactionalId).int64(producerId).int16(producerEpoch).string(groupId);
  },
  read: (reader) => {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};

const NO_LEADER_EPOCH = -1;

export const txnOffsetCommitApi: Api<
  TransactionIdentity & { groupId: string; positions: readonly InputPosition[] },
  ErrorResponse
> = {
  name: 'TxnOffsetCommit',
  key: 28,
  version: 2,
  flexible: false,
  write: (writer, { transactionalId, groupId, producerId, producerEpoch, positions }) => {
    writer.string(transactionalId).string(groupId).int64(producerId).int16(producerEpoch);
    writeTopics(writer, positions, ({ partition, offset, metadata }) => {
      writer
        .int32(partition)
        .int64(offset)
        .int32(NO_LEADER_EPOCH)
        .string(metadata ?? null);
    });
  },
  read: (reader) => {
    reader.int32();
    const codes = readTopics(reader, () => {
      reader.int32();
      return reader.int16();
    });
    return { errorCode: firstError(codes) };
  },
};

export const endTxnApi: Api<TransactionIdentity & { commit: boolean }, ErrorResponse> = {
  name: 'EndTxn',
  key: 26,
  version: 1,
  flexible: false,
  write: (writer, { transactionalId, producerId, producerEpoch, commit }) => {
    writer.string(transactionalId).int64(producerId).int16(producerEpoch).boolean(commit);
  },
  read: (reader) => {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};
