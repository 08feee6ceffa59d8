/** From request bodies to records. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertContext, toRawAlert } from '../../../gateway/alerts/alert-request.ts';
import { parseExactJson } from '../../../gateway/alerts/exact-json.ts';
import { timestampParser } from '../../../gateway/alerts/timestamp.ts';
import { uuidV7 } from '../../../gateway/alerts/uuid-v7.ts';

const arrivalMs = Date.parse('2026-11-24T10:00:00Z');
const context: AlertContext = {
  assignedAlertId: 'assigned',
  arrivalMs,
  futureSkewMs: 300_000,
  parseTimestamp: timestampParser('UTC'),
};
const body = { sourceType: 'overspeed', driverId: 'TEST-02', severity: 'medium' };

describe('alert requests', () => {
  it('become the record of the contract', () => {
    const metadata = parseExactJson('{"speed":121,"limits":[80.0,100]}') as Record<string, unknown>;
    expect(toRawAlert({ ...body, timestamp: '2026-11-24 09:33:24', metadata }, context)).toEqual({
      ok: true,
      alert: {
        ...body,
        alertId: 'assigned',
        timestamp: Date.parse('2026-11-24T09:33:24Z'),
        metadata: '{"speed":121,"limits":[80.0,100]}',
      },
    });
  });

  it('take the time of arrival and empty metadata where none are given, and keep an id that is', () => {
    expect(toRawAlert({ ...body, alertId: 'mine' }, context)).toEqual({
      ok: true,
      alert: { ...body, alertId: 'mine', timestamp: arrivalMs, metadata: '{}' },
    });
  });

  it('may be ahead of the arrival by the allowed skew and not by a second more', () => {
    expect(toRawAlert({ ...body, timestamp: '2026-11-24 10:05:00' }, context).ok).toBe(true);
    expect(toRawAlert({ ...body, timestamp: '2026-11-24 10:05:01' }, context)).toEqual({
      ok: false,
      problems: [{ field: 'timestamp', message: 'is more than 300 s in the future' }],
    });
  });

  it('name the timestamp when it is not a real one', () => {
    expect(toRawAlert({ ...body, timestamp: '2026-02-30 10:00:00' }, context)).toEqual({
      ok: false,
      problems: [{ field: 'timestamp', message: 'is not a real date and time' }],
    });
  });
});

describe('assigned ids', () => {
  const ones = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => bytes.fill(0xff);

  it('are UUIDs of version 7 that carry their time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (epochMs) => {
        const id = uuidV7(epochMs, ones);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7fff-bfff-f{12}$/);
        expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(epochMs);
      }),
    );
  });

  it('sort as their times do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 2 }), (epochMs) => {
        expect(uuidV7(epochMs, ones) < uuidV7(epochMs + 1, (bytes) => bytes.fill(0))).toBe(true);
      }),
    );
  });
});
