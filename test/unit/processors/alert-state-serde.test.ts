import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alertStateSerde } from '../../../processors/alert-state-serde.ts';
import type { AlertState } from '../../../processors/alert-state.ts';
import { ALERT_STATUSES, SEVERITIES } from '../../../schemas/vocabulary.ts';

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const text = fc.string({ unit: 'grapheme', maxLength: 200 });

const living: fc.Arbitrary<AlertState> = fc.record({
  kind: fc.constant('living'),
  driverId: text,
  sourceType: text,
  severity: fc.constantFrom(...SEVERITIES),
  status: fc.constantFrom(...ALERT_STATUSES),
  sequence: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  timestampMs: time,
  metadata: fc.oneof(
    text,
    fc.jsonValue().map((value) => JSON.stringify({ value })),
  ),
  givenId: fc.boolean(),
  dueAtMs: fc.option(time, { nil: undefined }),
});
const remembered: fc.Arbitrary<AlertState> = fc.record({
  kind: fc.constant('remembered'),
  forgetAtMs: time,
  dueAtMs: time,
});

test('an alert’s state comes back from its stored form as it was', () => {
  const serde = alertStateSerde();
  fc.assert(
    fc.property(fc.oneof(living, remembered), (state) => {
      expect(serde.deserialize('alerts', serde.serialize('alerts', state))).toEqual(state);
    }),
  );
});

test('large metadata comes back whole', () => {
  const serde = alertStateSerde();
  const [sample] = fc.sample(living, 1) as [AlertState];
  const state = { ...sample, metadata: JSON.stringify({ note: 'ü'.repeat(100_000) }) };
  expect(serde.deserialize('alerts', serde.serialize('alerts', state))).toEqual(state);
});

test.each([
  ['nothing', null],
  ['another layout', Uint8Array.of(2, 1)],
  ['a status nobody knows', Uint8Array.of(1, 1, 9, 0, 1, 0)],
  ['a text that ends too soon', Uint8Array.of(1, 1, 0, 0, 1, 0, 5, 65)],
])('%s is refused as corrupted state', (_, bytes) => {
  expect(() => alertStateSerde().deserialize('alerts', bytes)).toThrow(
    expect.objectContaining({ code: 'STATE_VALUE_UNREADABLE', recovery: 'rebuild-task' }),
  );
});
