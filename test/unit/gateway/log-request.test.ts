import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../../gateway/alerts/exact-json.ts';
import { timestampParser } from '../../../gateway/alerts/timestamp.ts';
import { toLogEvent } from '../../../gateway/logs/log-request.ts';

const ARRIVAL_MS = Date.UTC(2026, 10, 24, 9, 30);
const context = { arrivalMs: ARRIVAL_MS, futureSkewMs: 60_000, parseTimestamp: timestampParser('UTC') };

/** As a body that holds the entry arrives. */
const read = (entry: object) => toLogEvent(parseExactJson(JSON.stringify(entry)), context);
const log = { service: 'auth-service', level: 'error', message: 'Failed' };

describe('a log that a service sends', () => {
  it('becomes a record with its own time, or that of its arrival', () => {
    expect(read(log)).toEqual({
      ok: true,
      log: { ...log, timestamp: ARRIVAL_MS, statusCode: null, responseTime: null, meta: '{}' },
    });
    expect(read({ ...log, timestamp: '2026-11-24T08:00:00.5Z' })).toMatchObject({
      log: { timestamp: Date.UTC(2026, 10, 24, 8, 0, 0, 500) },
    });
  });

  it.each(['ERROR', 'Error', 'error'])('has its level in any case: %s', (level) => {
    expect(read({ ...log, level })).toMatchObject({ log: { level: 'error' } });
  });

  it('keeps any JSON as its meta, numbers as they were written', () => {
    const text =
      '{"service":"a","level":"info","message":"m","meta":[1.0,12345678901234567890,{"x":null}],"statusCode":5e2}';
    expect(toLogEvent(parseExactJson(text), context)).toMatchObject({
      log: { meta: '[1.0,12345678901234567890,{"x":null}]', statusCode: 500 },
    });
  });

  it.each<[string, object, string]>([
    ['no service', { level: 'info', message: 'm' }, 'service'],
    ['a blank service', { ...log, service: ' ' }, 'service'],
    ['an unknown level', { ...log, level: 'loud' }, 'level'],
    ['an empty message', { ...log, message: '' }, 'message'],
    ['a message that is no text', { ...log, message: 7 }, 'message'],
    ['a time that is none', { ...log, timestamp: 'yesterday' }, 'timestamp'],
    ['a time in the future', { ...log, timestamp: '2026-11-24T09:31:01Z' }, 'timestamp'],
    ['a time beyond the retention', { ...log, timestamp: '2026-10-01T00:00:00Z' }, 'timestamp'],
    ['a status code that is none', { ...log, statusCode: 1000 }, 'statusCode'],
    ['a fractional status code', { ...log, statusCode: 200.5 }, 'statusCode'],
    ['a negative response time', { ...log, responseTime: -1 }, 'responseTime'],
    ['a response time that is a text', { ...log, responseTime: '5' }, 'responseTime'],
    ['a field that nobody knows', { ...log, hostname: 'a' }, 'hostname'],
  ])('is refused with %s, by the name of the field', (_name, entry, field) => {
    expect(read(entry)).toMatchObject({ ok: false, problems: [{ field }] });
  });

  it.each([null, 7, 'text', [log]])('is an object, not %j', (entry) => {
    expect(toLogEvent(parseExactJson(JSON.stringify(entry)), context)).toMatchObject({ ok: false });
  });
});
