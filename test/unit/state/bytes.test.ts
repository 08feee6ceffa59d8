import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, readInt64, requireTimestamp, Scratch, successor, writeInt64 } from '../../../state/bytes.ts';
import { ValueArena } from '../../../state/value-arena.ts';

const bytes = fc.uint8Array({ maxLength: 6, max: 3 });

describe('bytes', () => {
  it('compares as RocksDB does', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
  });

  it('has nothing between a key and its successor', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(compareBytes(a, successor(a))).toBeLessThan(0);
        expect(compareBytes(a, b) < 0).toBe(compareBytes(successor(a), b) <= 0);
      }),
    );
  });

  it('reads the integers it writes, in the form that BigInt readers know', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const target = Buffer.alloc(10);
        writeInt64(target, value, 1);
        expect(readInt64(target, 1)).toBe(value);
        expect(target.readBigInt64BE(1)).toBe(BigInt(value));
      }),
    );
  });

  it('tells which time is not one', () => {
    expect(() => requireTimestamp('A due time', -1)).toThrow(/A due time .* -1/);
    requireTimestamp('A due time', 0);
  });

  it('has a scratch view of any length', () => {
    const scratch = new Scratch();
    for (const length of [0, 1, 1023, 1024, 5000, 20, 100_000, 1000]) expect(scratch.view(length)).toHaveLength(length);
    expect(scratch.view(7)).toBe(scratch.view(7));
  });
});

describe('ValueArena', () => {
  it('keeps what it took until it is reset, however much that is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 12 }), (lengths) => {
        const arena = new ValueArena();
        for (let round = 0; round < 2; round += 1) {
          const places = lengths.map((length, index) => {
            const start = arena.append(Buffer.alloc(length, index));
            return [start, arena.end] as const;
          });
          places.forEach(([start, end], index) => {
            expect(Buffer.from(arena.view(start, end)).equals(Buffer.alloc(lengths[index]!, index))).toBe(true);
          });
          arena.reset();
          expect(arena.end).toBe(0);
        }
      }),
      { numRuns: 30 },
    );
  });
});
