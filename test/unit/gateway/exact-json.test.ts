/** JSON that keeps the text of its numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonTextError, MAX_JSON_DEPTH, parseExactJson } from '../../../gateway/alerts/exact-json.ts';

const roundTrip = (text: string): string => JSON.stringify(parseExactJson(text));

describe('exact JSON', () => {
  it('keeps the text of every number', () => {
    const text = '{"a":1.0,"b":12345678901234567890,"c":[1e2,-0,0.10,-1.50E+3],"d":{"e":121},"f":true,"g":null}';
    expect(roundTrip(text)).toBe(text);
  });

  it('reads any JSON value as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, stringUnit: 'binary' }), (text) => {
        expect(JSON.parse(roundTrip(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps __proto__ as an ordinary name and pollutes nothing', () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    expect(roundTrip(text)).toBe(text);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('takes the deepest nesting that is allowed and refuses one level more, brackets in strings not counted', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(roundTrip(nested(MAX_JSON_DEPTH))).toBe(nested(MAX_JSON_DEPTH));
    expect(() => parseExactJson(nested(MAX_JSON_DEPTH + 1))).toThrow(JsonTextError);
    expect(() => parseExactJson('['.repeat(60_000))).toThrow(JsonTextError);
    const quoted = JSON.stringify({ [`"${'['.repeat(50)}\\`]: `\\"${'{'.repeat(50)}` });
    expect(roundTrip(quoted)).toBe(quoted);
  });

  it.each([
    '{"a":1e999}',
    '{"a":-1e400}',
    '{"a":"\\ud800"}',
    '{"\\udc00":1}',
    '{"a":1',
    '',
    'nope',
    '{"a":01}',
    '[1,]',
  ])('refuses %s', (text) => {
    expect(() => parseExactJson(text)).toThrow(JsonTextError);
  });
});
