/**
 * The one place where faults enter the in-memory log.
 *
 * Invariant: every operation of a client passes the injector twice, before it takes effect and before its answer reaches the
 * client, and nothing else in the log is left to chance. So a run is decided by its inputs and by what the injector answers.
 */

export type LogOperationKind =
  | 'producer.init'
  /** Appending a transaction's records to one partition. */
  | 'producer.append'
  /** Adding a group's offsets to the transaction. */
  | 'producer.offsets'
  /** Deciding that the transaction commits. */
  | 'producer.commit'
  | 'producer.abort'
  /** A producer without transactions appending to one partition. */
  | 'producer.send'
  | 'consumer.join'
  | 'consumer.fetch'
  | 'consumer.committed'
  | 'consumer.leave'
  | 'reader.range'
  | 'reader.fetch'
  | 'admin.describe'
  | 'admin.create'
  /** The broker writes a decided transaction's marker to one partition (subject) of the log. Only a delay has an effect. */
  | 'broker.marker';

export interface LogOperation {
  /** The client that asks; empty for what the broker does on its own. */
  readonly clientId: string;
  readonly kind: LogOperationKind;
  /** The transactional id, the group or the partition (`topicPartitionKey`) that it concerns; empty for the admin. */
  readonly subject: string;
}

export interface Fault {
  /** Virtual milliseconds that pass first. */
  readonly delayMs?: number;
  /**
   * `fail`: the client sees a retriable error. Before the operation it took no effect; after it, only the answer is lost.
   * `crash`: the client dies here, as a killed process does: none of its calls ever returns, and it sends nothing more.
   * `repeat`: the answer is lost and the client asks again, so the operation takes effect twice. Appends do not: the broker
   * knows them by their sequence numbers. Means nothing before an operation.
   */
  readonly then?: 'fail' | 'crash' | 'repeat';
}

export interface FaultInjector {
  before(operation: LogOperation): Fault | undefined;
  after(operation: LogOperation): Fault | undefined;
}

export const noFaults: FaultInjector = { before: () => undefined, after: () => undefined };
