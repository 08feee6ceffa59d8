/**
 * The engine's errors, one class per recovery. The class tells the caller what to do; `code` is stable; the message says
 * what happened and what to do about it.
 */

/** What recovers from an error. */
export type Recovery =
  /** Try the same call again, after a pause. */
  | 'retry'
  /** Put the record into the dead letters and go on. */
  | 'skip-record'
  /** Drop the task's uncommitted work and start it again from its last commit. */
  | 'restart-task'
  /** Remove the task's local state and restore it from the changelog. */
  | 'rebuild-task'
  /** Another instance has the task: drop it without a word to the broker. */
  | 'give-task-up'
  /** Nothing here helps: stop and tell the operator. */
  | 'stop';

export abstract class StreamsError extends Error {
  abstract readonly recovery: Recovery;
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A fault that passes: the broker is away, a leader is being elected, a timeout. */
export class RetriableLogError extends StreamsError {
  readonly recovery = 'retry';
}

/** The log refuses for good: authorization, unknown topic, unsupported version. */
export class FatalLogError extends StreamsError {
  readonly recovery = 'stop';
}

/** A producer with the same transactional id took over: this task has another owner now. */
export class ProducerFencedError extends StreamsError {
  readonly recovery = 'give-task-up';
}

/** The transaction did not commit; nothing of it is visible. */
export class TransactionAbortedError extends StreamsError {
  readonly recovery = 'restart-task';
}

/** The log no longer has the offset asked for. */
export class OffsetOutOfRangeError extends StreamsError {
  readonly recovery = 'rebuild-task';
}

/** A record is larger than the log takes. */
export class RecordTooLargeError extends StreamsError {
  readonly recovery = 'skip-record';
}

export class DeserializationError extends StreamsError {
  readonly recovery = 'skip-record';
}

/** User code threw while processing a record. */
export class ProcessingError extends StreamsError {
  readonly recovery = 'skip-record';
}

/** User code threw in a punctuator or a timer, or a handler said `fail`: going on would lose something. */
export class TaskFailedError extends StreamsError {
  readonly recovery = 'stop';
}

/** A result could not be serialized or sent. */
export class ProductionError extends StreamsError {
  readonly recovery = 'skip-record';
}

/** A record's event time is not acceptable; see the source's timestamp extractor. */
export class InvalidTimestampError extends StreamsError {
  readonly recovery = 'skip-record';
}

/** The state on disk cannot be read. */
export class StateCorruptedError extends StreamsError {
  readonly recovery = 'rebuild-task';
}

/**
 * The state of a task is in use: by another thread that is about to hand it over, or by another process on the same directory.
 * Worth retrying for as long as a hand-over may take (`stateLockTimeoutMs`).
 */
export class StateLockedError extends StreamsError {
  readonly recovery = 'retry';
}

/** The disk refuses: it is full, read-only, or not permitted. */
export class StateIoError extends StreamsError {
  readonly recovery = 'stop';
}

/** The topology cannot run as declared, or does not fit the topics. */
export class TopologyError extends StreamsError {
  readonly recovery = 'stop';
}

export const recoveryOf = (error: unknown): Recovery => (error instanceof StreamsError ? error.recovery : 'stop');
