import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesKey, int64Key, pairKey, stringKey, type KeyCodec } from '../../../state/codecs.ts';

const wellFormed = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed());
const integer = fc.maxSafeInteger();
const compare = (a: Uint8Array, b: Uint8Array): number => Math.sign(Buffer.compare(a, b));

/** The two rules of `KeyCodec`, and that the bytes sort as the codec says. */
function keepsTheRules<K>(codec: KeyCodec<K>, key: fc.Arbitrary<K>, order: (a: K, b: K) => number): void {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(codec.decode(codec.encode(a))).toEqual(a);
      const same = order(a, b) === 0;
      expect(codec.cacheKey(a) === codec.cacheKey(b)).toBe(same);
      expect(compare(codec.encode(a), codec.encode(b))).toBe(Math.sign(order(a, b)));
    }),
  );
}

const byCodePoints = (a: string, b: string): number => compare(Buffer.from(a), Buffer.from(b));
const nearZeros = fc
  .uint8Array({ maxLength: 4, max: 2 })
  .map((bytes) => Uint8Array.from(bytes, (b) => (b === 2 ? 255 : b)));

describe('key codecs', () => {
  it('round-trip and order text by code points', () => keepsTheRules(stringKey, wellFormed, byCodePoints));

  it('round-trip and order integers by number', () => {
    keepsTheRules(int64Key, integer, (a, b) => (a < b ? -1 : a > b ? 1 : 0));
    for (const edge of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -(2 ** 32), 2 ** 32]) {
      expect(int64Key.decode(int64Key.encode(edge))).toBe(edge);
    }
  });

  it('round-trip and order bytes', () => {
    fc.assert(
      fc.property(nearZeros, nearZeros, (a, b) => {
        expect(Buffer.from(bytesKey.decode(bytesKey.encode(a)))).toEqual(Buffer.from(a));
        expect(bytesKey.cacheKey(a) === bytesKey.cacheKey(b)).toBe(compare(a, b) === 0);
      }),
    );
  });

  it('round-trip and order pairs by the first, then the second, whatever bytes they have', () => {
    const parts = nearZeros.map((bytes) => Buffer.from(bytes).toString('latin1'));
    const latin1: KeyCodec<string> = {
      encode: (text) => Buffer.from(text, 'latin1'),
      decode: (bytes) => Buffer.from(bytes).toString('latin1'),
      cacheKey: (text) => text,
    };
    const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    keepsTheRules(pairKey(latin1, latin1), fc.tuple(parts, parts), ([a, b], [c, d]) => order(a, c) || order(b, d));
    keepsTheRules(
      pairKey(pairKey(latin1, int64Key), stringKey),
      fc.tuple(fc.tuple(parts, fc.integer({ min: -2, max: 2 })), wellFormed),
      ([[a, n], s], [[b, m], t]) => order(a, b) || n - m || byCodePoints(s, t),
    );
  });

  it('give bytes that do not change when the next key is encoded', () => {
    const first = stringKey.encode('first');
    stringKey.encode('other');
    expect(Buffer.from(first).toString()).toBe('first');
    const source = Uint8Array.of(1, 2);
    const kept = bytesKey.encode(source);
    source[0] = 9;
    expect([...kept]).toEqual([1, 2]);
  });

  it('refuse what they cannot write at the first use', () => {
    expect(() => stringKey.cacheKey('\udc00')).toThrow(TypeError);
    expect(() => int64Key.cacheKey(0.5)).toThrow(TypeError);
    expect(() => pairKey(stringKey, int64Key).cacheKey(['a', 2 ** 53])).toThrow(TypeError);
    expect(() => pairKey(stringKey, stringKey).decode(Buffer.from('no terminator'))).toThrow(TypeError);
  });
});
