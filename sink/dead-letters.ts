/**
 * Where events go that cannot be stored: the dead-letter topic, whole, with headers that say why.
 *
 * Invariant: a record is durable there before the position moves past it. A crash between the two sends it again, so a dead
 * letter may appear more than once, never not at all.
 */
import type { LogRecord, StreamsError, TopicPartition } from '../connectors/log.ts';
import { deadLetterHeaders } from '../connectors/log.ts';
import type { SinkOptions, WriterPorts } from './ports.ts';

/** `deserialization`: the bytes cannot be read. `sink`: the event can be read and not be stored. */
export type DeadLetterStage = 'deserialization' | 'sink';

export interface RejectedRecord {
  readonly record: LogRecord;
  readonly stage: DeadLetterStage;
  readonly error: StreamsError;
}

/** Resolves once all are durable. */
export const sendDeadLetters = async (
  { deadLetters, clock, logger, metrics }: Pick<WriterPorts<unknown>, 'deadLetters' | 'clock' | 'logger' | 'metrics'>,
  { deadLetterTopic, applicationId }: SinkOptions,
  { topic, partition }: TopicPartition,
  rejected: readonly RejectedRecord[],
): Promise<void> => {
  const nowMs = clock.now();
  await deadLetters.send(
    rejected.map(({ record, stage, error }) => ({
      topic: deadLetterTopic,
      key: record.key,
      value: record.value,
      timestampMs: record.timestampMs,
      headers: deadLetterHeaders(
        { stage, error, raw: record, source: { topic, partition, offset: record.offset } },
        applicationId,
        nowMs,
      ),
    })),
  );
  for (const { record, stage, error } of rejected) {
    metrics.counter('sink_dead_letters_total', { stage, code: error.code }).add(1);
    const where = { topic, partition, offset: record.offset };
    logger.error('event sent to the dead letters', { ...where, stage, code: error.code, reason: error.message });
  }
};
