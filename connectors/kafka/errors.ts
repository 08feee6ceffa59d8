/**
 * Turns faults of brokers and connections into the engine's errors, which are classed by what recovers from them.
 */
import { FatalLogError, RetriableLogError, StreamsError } from '../../streams/errors.ts';
import type { TopicPartition } from '../../streams/ports.ts';
import { ConnectionFault } from './broker-link.ts';
import { ErrorCode, errorName, isRetriable, ProtocolError } from './protocol/error-codes.ts';

/** What to do about errors that only the operator can end. */
const REMEDIES: Readonly<Record<number, string>> = {
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]: 'create the topic, with as many partitions as its readers expect',
  [ErrorCode.INVALID_TOPIC_EXCEPTION]: 'use a valid topic name',
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED]: 'grant this user access to the topic',
  [ErrorCode.GROUP_AUTHORIZATION_FAILED]: 'grant this user access to the group',
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED]: 'grant this user IdempotentWrite on the cluster',
  [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: 'grant this user Write and Describe on the transactional id',
  [ErrorCode.INVALID_TRANSACTION_TIMEOUT]:
    "lower transactionTimeoutMs or raise the broker's transaction.max.timeout.ms",
  [ErrorCode.INVALID_TIMESTAMP]:
    "raise the topic's message.timestamp.before.max.ms or message.timestamp.after.max.ms (one hour by default) to take this event time",
  [ErrorCode.INVALID_RECORD]: 'a compacted topic takes no records without a key',
  [ErrorCode.INVALID_SESSION_TIMEOUT]:
    "choose a session timeout within the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
  [ErrorCode.INCONSISTENT_GROUP_PROTOCOL]:
    'another member of the group uses another assignor: use one group id per application',
  [ErrorCode.GROUP_MAX_SIZE_REACHED]: "raise the broker's group.max.size or start fewer members",
};

export const isRetriableFault = (error: unknown): boolean =>
  error instanceof ConnectionFault ||
  error instanceof RetriableLogError ||
  (error instanceof ProtocolError && isRetriable(error.errorCode));

/** For an error that was not retried, or not any more. Errors of the engine pass through. */
export const toLogError = (error: unknown, doing: string): Error => {
  if (error instanceof StreamsError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ProtocolError) {
    const remedy = REMEDIES[error.errorCode];
    const text = `${doing} failed: ${message}${remedy === undefined ? '' : `; ${remedy}`}`;
    return isRetriable(error.errorCode)
      ? new RetriableLogError(errorName(error.errorCode), text, { cause: error })
      : new FatalLogError(errorName(error.errorCode), text, { cause: error });
  }
  if (error instanceof ConnectionFault) {
    return new RetriableLogError('KAFKA_UNREACHABLE', `${doing} failed: ${message}`, { cause: error });
  }
  return error instanceof Error ? error : new Error(message);
};

export const unknownTopic = (topic: string, partition?: number): FatalLogError =>
  new FatalLogError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    partition === undefined
      ? `Topic "${topic}" does not exist; create it, with as many partitions as its readers expect`
      : `Topic "${topic}" has no partition ${partition}; create the topic, or add partitions to it`,
  );

export const partitionName = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
