import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonObjectText, MAX_JSON_DEPTH } from '../../../processors/json-text.ts';

const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;

const parses = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};

const hasOverflow = (text: string): boolean => {
  let overflow = false;
  JSON.parse(text, (_, value: unknown) => {
    overflow ||= value === Infinity || value === -Infinity;
    return value;
  });
  return overflow;
};

describe('a JSON object as text', () => {
  test.each([
    '{}',
    ' { } ',
    '{"speed":121}',
    '{"docType":"DL","document_valid":false}',
    '{"a":[1,-0,2.5e3,[],{}],"b":null,"c":"\\u00e9\\ud83d\\ude00\\n\\/"}',
    '{"":"","":1}',
    '{"a":1E+2,"b":-1.5e-7}',
    nested(MAX_JSON_DEPTH),
  ])('passes: %s', (text) => {
    expect(isJsonObjectText(text)).toBe(true);
  });

  test.each([
    '',
    'null',
    '[]',
    '"{}"',
    '121',
    '{',
    '{}}',
    '{} x',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":+1}',
    '{"a":1e}',
    '{"a":NaN}',
    '{"a":tru}',
    '{"a":"x\ty"}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"open',
    '{"a":[1 2]}',
    '\ufeff{}',
  ])('does not pass: %s', (text) => {
    expect(isJsonObjectText(text)).toBe(false);
    expect(parses(text)).toBe(false);
  });

  test.each([
    '{"a":"\\ud800"}',
    '{"a":"\\udc00"}',
    '{"a":"\\ud800\\u0041"}',
    '{"a":1e999}',
    nested(MAX_JSON_DEPTH + 1),
  ])('does not pass although JSON.parse takes it, since a database would not: %s', (text) => {
    expect(parses(text)).toBe(true);
    expect(isJsonObjectText(text)).toBe(false);
  });

  test('digits without an exponent overflow a double too', () => {
    expect(isJsonObjectText(`{"a":${'9'.repeat(308)}}`)).toBe(true);
    expect(isJsonObjectText(`{"a":${'9'.repeat(400)}}`)).toBe(false);
  });

  test('every object that JSON.stringify writes passes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 6 })), fc.constantFrom(0, 2), (value, indent) => {
        expect(isJsonObjectText(JSON.stringify(value, null, indent))).toBe(true);
      }),
    );
  });

  test('never passes what JSON.parse refuses, and agrees with it on broken texts', () => {
    const pieces = ['{', '}', '[', ']', '"a"', '"', ':', ',', '1', '-', '0', '.', 'e', '+', 'true', 'null', ' ', '\\n'];
    const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => `{"a":${parts.join('')}}`);
    const broken = fc
      .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), fc.constantFrom(...pieces))
      .map(([value, at, piece]) => {
        const text = JSON.stringify(value);
        const index = at % (text.length + 1);
        return text.slice(0, index) + piece + text.slice(index + 1);
      });
    fc.assert(
      fc.property(fc.oneof(soup, broken), (text) => {
        expect(isJsonObjectText(text)).toBe(parses(text) && !hasOverflow(text));
      }),
      { numRuns: 1000 },
    );
  });
});
