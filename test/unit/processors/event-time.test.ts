import { describe, expect, test } from 'vitest';
import { alertEventTime } from '../../../processors/event-time.ts';
import { InvalidTimestampError } from '../../../streams/errors.ts';
import { alertAt, HOUR, MINUTE, START_MS } from './support.ts';

const eventTime = alertEventTime(5 * MINUTE);
const appended = (timestampMs: number) => ({ timestampMs, logAppendTime: true });
const produced = (timestampMs: number) => ({ timestampMs, logAppendTime: false });
const wallClock = (systemTimeMs: number) => ({ partitionTimeMs: -1, systemTimeMs });

describe('the event time of an alert', () => {
  test('is its own timestamp, however old', () => {
    expect(eventTime(alertAt(START_MS), appended(START_MS + HOUR), wallClock(0))).toBe(START_MS);
    expect(eventTime(alertAt(0), appended(START_MS), wallClock(START_MS))).toBe(0);
  });

  test('may be ahead of the broker by the allowed skew, and no further', () => {
    const at = appended(START_MS);
    expect(eventTime(alertAt(START_MS + 5 * MINUTE), at, wallClock(0))).toBe(START_MS + 5 * MINUTE);
    expect(() => eventTime(alertAt(START_MS + 5 * MINUTE + 1), at, wallClock(0))).toThrow(InvalidTimestampError);
    expect(() => eventTime(alertAt(START_MS + HOUR), at, wallClock(START_MS + HOUR))).toThrow('3600000 ms ahead');
  });

  test('is measured by the wall clock where the broker keeps the producer’s time', () => {
    const future = alertAt(START_MS + HOUR);
    expect(eventTime(future, produced(START_MS + HOUR), wallClock(START_MS + HOUR))).toBe(START_MS + HOUR);
    expect(() => eventTime(future, produced(START_MS + HOUR), wallClock(START_MS))).toThrow(InvalidTimestampError);
  });

  test.each([[-1], [Number.NaN], [Infinity], [1.5], [Date.UTC(10_000, 0)]])('%d is no event time', (timestamp) => {
    expect(() => eventTime(alertAt(timestamp), appended(START_MS), wallClock(START_MS))).toThrow(
      expect.objectContaining({ code: 'INVALID_TIMESTAMP', recovery: 'skip-record' }),
    );
  });
});
