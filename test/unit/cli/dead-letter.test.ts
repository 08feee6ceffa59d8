import { describe, expect, it } from 'vitest';
import { deadLetterOf, passes, readable } from '../../../cli/dlq/dead-letter.ts';
import { originalRecord } from '../../../cli/dlq/replay.ts';
import { deadLetterHeaders } from '../../../streams/error-handlers.ts';
import { ProcessingError } from '../../../streams/errors.ts';
import type { LogRecord } from '../../../streams/ports.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const original: LogRecord = {
  offset: 41,
  timestampMs: 5,
  key: bytes('D-1'),
  value: Uint8Array.of(0, 0xff, 3),
  headers: [
    ['traceparent', bytes('00-1')],
    ['traceparent', bytes('00-2')],
  ],
};
const error = new ProcessingError('INVALID_ALERT', 'severity is "urgent"');
const source = { topic: 'raw-alerts', partition: 3, offset: 41 };
const headers = deadLetterHeaders({ stage: 'processing', error, source, raw: original }, 'alerts-processor', 1234);
const letter = deadLetterOf(0, { ...original, offset: 7, headers });

describe('a dead letter', () => {
  it('says where it came from and why', () => {
    expect(letter).toMatchObject({
      id: { partition: 0, offset: 7 },
      source,
      errors: { code: 'INVALID_ALERT', stage: 'processing', application: 'alerts-processor', timestampMs: 1234 },
    });
  });

  it('[INV-DLQ-REPLAY] goes back as the very record that failed, to the partition it came from', () => {
    const { key, value } = original;
    expect(originalRecord(letter)).toEqual({
      topic: 'raw-alerts',
      partition: 3,
      key,
      value,
      headers: original.headers,
    });
  });

  it('that does not say where it came from goes nowhere', () => {
    const foreign = deadLetterOf(0, original);
    expect(foreign.source).toBeUndefined();
    expect(foreign.errors.timestampMs).toBeUndefined();
    expect(originalRecord(foreign)).toBeUndefined();
  });

  it('is let through by what it is', () => {
    expect(passes(letter, {})).toBe(true);
    expect(passes(letter, { stage: 'processing', code: 'INVALID_ALERT', topic: 'raw-alerts' })).toBe(true);
    for (const filter of [{ stage: 'sink' }, { code: 'X' }, { topic: 'alert-events' }])
      expect(passes(letter, filter)).toBe(false);
  });

  it('shows bytes as text only where they are text', () => {
    expect([readable(null), readable(bytes('ü')), readable(Uint8Array.of(0xff))]).toEqual([null, 'ü', 'base64:/w==']);
  });
});
