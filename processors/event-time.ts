/**
 * The event time of what reports a time of its own: alerts and logs.
 *
 * Invariant: no alert drags stream time further ahead of the log's clock than the allowed skew. What counts as the future is
 * measured by the time the broker appended the record, where the topic keeps it, so that a replay draws the same line.
 */
import { InvalidTimestampError } from '../streams/errors.ts';
import type { TimestampExtractor } from '../streams/topology.ts';

/** The last millisecond of the year 9999: databases know no later one. */
const MAX_EVENT_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** How an event time has to be, in words, for errors. */
export const EVENT_TIME_ALLOWED = 'allowed are whole UTC epoch milliseconds from 0 up to the year 9999';

export const isEventTime = (timeMs: number): boolean =>
  Number.isInteger(timeMs) && timeMs >= 0 && timeMs <= MAX_EVENT_TIME_MS;

/** `futureSkewMs`: how far ahead of the broker's clock (or else the wall clock) an alert's own time may be. */
export const alertEventTime =
  (futureSkewMs: number): TimestampExtractor<{ readonly timestamp: number }> =>
  ({ timestamp: timeMs }, record, context) => {
    if (!isEventTime(timeMs)) {
      throw new InvalidTimestampError(
        'INVALID_TIMESTAMP',
        `The record's timestamp is ${timeMs}; ${EVENT_TIME_ALLOWED}.`,
      );
    }
    const clockMs = record.logAppendTime ? record.timestampMs : context.systemTimeMs;
    if (timeMs > clockMs + futureSkewMs) {
      throw new InvalidTimestampError(
        'TIMESTAMP_IN_FUTURE',
        `The record's timestamp ${timeMs} is ${timeMs - clockMs} ms ahead of the clock; ${futureSkewMs} ms are allowed. ` +
          'Correct the clock of its source.',
      );
    }
    return timeMs;
  };
