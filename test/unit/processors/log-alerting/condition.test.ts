import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONDITION_NAMES,
  ConditionError,
  type ConditionValues,
  parseCondition,
} from '../../../../processors/log-alerting/condition.ts';

const values: ConditionValues = {
  count: 101,
  total: 400,
  rate: 25.25,
  avg: 120,
  max: 900,
  threshold: 100,
  windowMinutes: 5,
};

describe('a condition', () => {
  it.each([
    ['count > threshold', true],
    ['count>threshold', true],
    ['count <= threshold', false],
    ['count >= 101 and rate < 30', true],
    ['count == 1 or max != 900', false],
    ['count == 1 || max == 900 && total > 1', true],
    ['(count == 1 or max == 900) && total < 1', false],
    ['count / windowMinutes > 20', true],
    ['count - 2 * threshold + 100 >= 1', true],
    ['(count + total) / 0 > 1', true],
    ['avg * 0.5 > 60', false],
  ])('%s is %s', (text, holds) => {
    expect(parseCondition(text).holds(values)).toBe(holds);
  });

  it('says which numbers it looks at and what it is about', () => {
    const condition = parseCondition('rate * 2 > threshold and total > 10');
    expect([...condition.names].sort()).toEqual(['rate', 'threshold', 'total']);
    expect(condition.measured(values)).toBe(50.5);
  });

  it.each([
    ['', 'ends too early'],
    ['count', 'compares nothing'],
    ['count >', 'ends too early'],
    ['count > threshold)', 'has ")" at 18 after its end'],
    ['(count > threshold', 'lacks the ")" to the "(" at 1'],
    ['errors > 1', 'has "errors" at 1; known are numbers and count, total'],
    ['count = 1', 'has "=" at 7, which means nothing'],
    ['count > 1 and total', 'has a number beside "and" at 11'],
    ['(count > 1) + 2 > 1', 'has a comparison beside "+" at 13'],
    ['process.exit()', 'has "." at 8, which means nothing'],
    ['constructor > 1', 'has "constructor" at 1'],
    ['__proto__ > 1', 'has "__proto__" at 1'],
    [`count > ${'9'.repeat(200)}`, 'has 208 characters; 200 are allowed'],
  ])('%j is refused with the place and the reason', (text, why) => {
    expect(() => parseCondition(text)).toThrow(ConditionError);
    expect(() => parseCondition(text)).toThrow(why);
  });

  it('[INV-LOG-CONDITION-SAFE] of any text either is refused or answers with true or false', () => {
    const words = [
      ...CONDITION_NAMES,
      '>',
      '<=',
      '==',
      '+',
      '*',
      '/',
      '(',
      ')',
      'and',
      '||',
      '1',
      '0.5',
      ';',
      '[',
      '"',
    ];
    const texts = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.array(fc.constantFrom(...words)).map((all) => all.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let condition;
        try {
          condition = parseCondition(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConditionError);
          return;
        }
        expect(typeof condition.holds(values)).toBe('boolean');
        expect(typeof condition.measured(values)).toBe('number');
      }),
      { numRuns: 2_000 },
    );
  });
});
