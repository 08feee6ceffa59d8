import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, InvalidCursorError } from '../../../sink/read-model-cursor.ts';
import { parseMetadata } from '../../../sink/read-model-json.ts';

describe('the cursor', () => {
  it('comes back as the place it was made of', () => {
    const place = fc.record({
      createdAtMs: fc.integer({ min: -30_610_224_000_000, max: 253_402_300_799_999 }),
      alertId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 16 }),
    });
    fc.assert(
      fc.property(place, (given) => {
        expect(decodeCursor(encodeCursor(given))).toEqual(given);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['a letter', 'x'],
    ['what is not base64url', '!!!'],
    ['a place without an id', Buffer.from('12:').toString('base64url')],
    ['a number alone', Buffer.from('123').toString('base64url')],
    ['another spelling of a place', `${encodeCursor({ createdAtMs: 1, alertId: 'a' })}=`],
    ['a very long text', 'a'.repeat(10_000)],
  ])('refuses what no page gave: %s', (_name, cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(InvalidCursorError);
  });
});

describe('parseMetadata', () => {
  it('writes back what it read, digit for digit', () => {
    const text =
      '{"speed":121,"ratio":1.0,"big":12345678901234567890,"tiny":1e-400,"nested":{"list":[0.10,true,null,"ü"]}}';
    expect(JSON.stringify(parseMetadata(text))).toBe(text);
  });

  it('gives plain numbers where a double holds them', () => {
    expect(parseMetadata('{"speed":121,"deep":{"rating":1.5}}')).toEqual({ speed: 121, deep: { rating: 1.5 } });
  });

  it('reads any JSON object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseMetadata(text))).toBe(text);
      }),
    );
  });
});
