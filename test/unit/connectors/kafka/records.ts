/**
 * Arbitrary records for the tests of encoding and decoding.
 */
import fc from 'fast-check';
import type { HeaderList } from '../../../../streams/record.ts';

export interface TestRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  readonly headers: HeaderList | undefined;
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array | null> =>
  fc.option(
    fc.uint8Array({ maxLength }).map((array) => Buffer.from(array)),
    { nil: null },
  );

/** Timestamps far apart as well as close together: their differences take one to eight bytes. */
const timestampMs = fc.oneof(fc.nat(4_102_444_800_000), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }));

const headers: fc.Arbitrary<HeaderList | undefined> = fc.option(
  fc.array(
    fc.tuple(
      fc.string({ maxLength: 8, unit: 'grapheme' }),
      fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
    ),
    { minLength: 1, maxLength: 3 },
  ),
  { nil: undefined },
);

export const anyRecord: fc.Arbitrary<TestRecord> = fc.record({
  key: bytes(40),
  value: bytes(300),
  timestampMs,
  headers,
});
