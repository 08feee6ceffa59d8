/**
 * The key partitioner against known answers of the Java clients.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { murmur2, partitionForKey } from '../../../streams/partitioner.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
  ['', 275646681],
])('hashes %j as Java does [INV-LOG-PARTITIONER]', (key, hash) => {
  expect(murmur2(bytes(key))).toBe(hash);
});

test('gives a partition that exists, whatever the key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 100 }), (key, count) => {
      const partition = partitionForKey(key, count);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(count);
      expect(Number.isInteger(partition)).toBe(true);
    }),
  );
});

test('depends on the bytes alone, not on where they stand in a buffer', () => {
  const padded = new Uint8Array([9, 9, ...bytes('foobar'), 9]);
  expect(murmur2(padded.subarray(2, 8))).toBe(murmur2(bytes('foobar')));
});
