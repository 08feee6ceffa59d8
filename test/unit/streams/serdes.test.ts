import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeserializationError } from '../../../streams/errors.ts';
import { bytesSerde, float64Serde, int64Serde, jsonSerde, stringSerde } from '../../../streams/serdes.ts';
import type { Serde } from '../../../streams/serde.ts';

const roundTrips = <T>(serde: Serde<T>, values: fc.Arbitrary<T>): void =>
  fc.assert(
    fc.property(values, (value) => {
      expect(serde.deserialize('t', serde.serialize('t', value))).toEqual(value);
    }),
  );

describe('serdes of plain values', () => {
  it('read back what they wrote', () => {
    roundTrips(stringSerde, fc.string({ unit: 'grapheme' }));
    roundTrips(bytesSerde, fc.uint8Array());
    roundTrips(int64Serde, fc.maxSafeInteger());
    roundTrips(float64Serde, fc.double());
    roundTrips(
      jsonSerde(),
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    );
  });

  it('write numbers as Java clients do', () => {
    expect(Buffer.from(int64Serde.serialize('t', -2)!).toString('hex')).toBe('fffffffffffffffe');
    expect(Buffer.from(float64Serde.serialize('t', 1)!).toString('hex')).toBe('3ff0000000000000');
  });

  it('refuse what they cannot read', () => {
    const refuses = (read: () => unknown): void => expect(read).toThrow(DeserializationError);
    for (const serde of [stringSerde, bytesSerde, int64Serde, float64Serde, jsonSerde()]) {
      refuses(() => serde.deserialize('t', null));
    }
    refuses(() => int64Serde.deserialize('t', Buffer.alloc(7)));
    refuses(() => float64Serde.deserialize('t', Buffer.alloc(9)));
    refuses(() => int64Serde.deserialize('t', Buffer.alloc(8, 0x7f)));
    refuses(() => jsonSerde().deserialize('t', Buffer.from('{')));
  });

  it('refuse to write an integer that is not one', () => {
    for (const value of [0.5, NaN, 2 ** 53]) expect(() => int64Serde.serialize('t', value)).toThrow(TypeError);
  });
});
