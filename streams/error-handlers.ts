/**
 * What happens to a record that cannot be read, processed or sent: an explicit choice, never silence.
 *
 * Invariant: a record leaves the input without its effects only as a dead letter in the same transaction, or counted and
 * logged as dropped where the handler says so. With `fail` the task stops in front of it.
 */
import type { StreamsError } from './errors.ts';
import type { HeaderList } from './record.ts';
import type { LogRecord, TopicPartition } from './ports.ts';

export type ErrorStage = 'deserialization' | 'processing' | 'production';

/** `dead-letter`: keep it whole in the dead-letter topic and go on. `drop`: count it and go on. `fail`: stop in front of it. */
export type HandlerResponse = 'dead-letter' | 'drop' | 'fail';

export interface FailedRecord {
  readonly stage: ErrorStage;
  readonly error: StreamsError;
  readonly source: TopicPartition & { readonly offset: number };
  readonly raw: LogRecord;
}

export type RecordErrorHandler = (failed: FailedRecord) => HandlerResponse;

export interface ErrorHandlers {
  readonly deserialization: RecordErrorHandler;
  readonly processing: RecordErrorHandler;
  readonly production: RecordErrorHandler;
}

const deadLetter: RecordErrorHandler = () => 'dead-letter';

export const defaultErrorHandlers: ErrorHandlers = {
  deserialization: deadLetter,
  processing: deadLetter,
  production: deadLetter,
};

const utf8 = new TextEncoder();

/** A failed record of this engine, or of a program behind it with a stage of its own. */
export interface DeadLetter extends Omit<FailedRecord, 'stage'> {
  readonly stage: string;
}

/** The dead letter's headers: the original ones and, under Kafka Streams' names (KIP-1034), where it came from and why it is here. */
export function deadLetterHeaders(failed: DeadLetter, applicationId: string, nowMs: number): HeaderList {
  const { stage, error, source, raw } = failed;
  const about: readonly (readonly [string, string])[] = [
    ['__streams.errors.exception', error.name],
    ['__streams.errors.message', error.message],
    ['__streams.errors.code', error.code],
    ['__streams.errors.stage', stage],
    ['__streams.errors.topic', source.topic],
    ['__streams.errors.partition', String(source.partition)],
    ['__streams.errors.offset', String(source.offset)],
    ['__streams.errors.application', applicationId],
    ['__streams.errors.timestamp', String(nowMs)],
  ];
  const original = (raw.headers ?? []).filter(([name]) => !name.startsWith('__streams.errors.'));
  return [...original, ...about.map(([name, value]) => [name, utf8.encode(value)] as const)];
}
