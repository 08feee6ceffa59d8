import { describe, expect, test } from 'vitest';
import { checkRawAlert } from '../../../processors/raw-alert-check.ts';
import { SEVERITIES } from '../../../schemas/vocabulary.ts';
import { alertAt, START_MS } from './support.ts';

const good = alertAt(START_MS);

describe('a raw alert', () => {
  test.each([
    good,
    { ...good, alertId: '69292914-67a6-41bc-b675-267bd7e6b018' },
    { ...good, alertId: 'Order_7.b' },
    { ...good, metadata: '{}' },
    { ...good, timestamp: 0 },
    { ...good, sourceType: 'anything | at all', metadata: '{"a":{"b":[1,true]}}' },
    ...SEVERITIES.map((severity) => ({ ...good, severity })),
  ])('passes: %j', (alert) => {
    expect(checkRawAlert(alert.driverId, alert)).toBe(alert);
  });

  test.each([
    [{ driverId: '' }, 'driverId is ""; allowed are 1 to 64 characters'],
    [{ driverId: 'x'.repeat(65) }, 'driverId is "xxx'],
    [{ sourceType: '' }, 'sourceType is ""; allowed are 1 to 64 characters'],
    [{ severity: 'urgent' }, 'severity is "urgent"; allowed is one of low, medium, high, critical'],
    [{ severity: 'Medium' }, 'severity is "Medium"'],
    [{ timestamp: -1 }, 'timestamp is -1; allowed are whole UTC epoch milliseconds from 0'],
    [{ timestamp: Number.NaN }, 'timestamp is NaN'],
    [{ timestamp: 1.5 }, 'timestamp is 1.5'],
    [{ timestamp: Date.UTC(10_000, 0) }, 'timestamp is 253402300800000'],
    [{ metadata: '' }, 'metadata is ""; allowed is the text of a JSON object'],
    [{ metadata: '[1]' }, 'metadata is "[1]"'],
    [{ metadata: '{"speed":}' }, 'metadata is'],
    [{ metadata: `{"a":"${'x'.repeat(262_144)}"}` }, 'metadata has 262152 characters; allowed are 262144'],
    [{ alertId: '' }, 'alertId is ""; allowed are 1 to 64 letters'],
    [{ alertId: 'a:1' }, 'alertId is "a:1"'],
    [{ alertId: 'x'.repeat(65) }, 'alertId is'],
  ])('with %j is refused', (bad, expected) => {
    const alert = { ...good, ...bad };
    expect(() => checkRawAlert(alert.driverId, alert)).toThrow(
      expect.objectContaining({ code: 'INVALID_ALERT', recovery: 'skip-record' }),
    );
    expect(() => checkRawAlert(alert.driverId, alert)).toThrow(expected);
  });

  test.each([[''], ['TEST-01']])('under the key %j is refused, since its driver is counted elsewhere', (key) => {
    expect(() => checkRawAlert(key, good)).toThrow('the key must be the driverId');
  });
});
