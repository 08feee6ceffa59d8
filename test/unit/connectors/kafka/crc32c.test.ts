/**
 * The checksum of record batches against published vectors and against the plain definition.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../../connectors/kafka/crc32c.ts';

const bitByBit = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
};

describe('CRC-32C', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 0],
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 rising bytes', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    ['32 falling bytes', Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
  ])('of %s is the value of RFC 3720', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test('of any part of any buffer is what the definition gives', () => {
    const part = fc.uint8Array({ maxLength: 200 }).chain((bytes) =>
      fc.tuple(fc.constant(bytes), fc.nat(bytes.length), fc.nat(bytes.length)).map(([all, a, b]) => ({
        bytes: all,
        from: Math.min(a, b),
        to: Math.max(a, b),
      })),
    );
    fc.assert(
      fc.property(part, ({ bytes, from, to }) => {
        expect(crc32c(bytes, from, to)).toBe(bitByBit(bytes.subarray(from, to)));
      }),
    );
  });
});
