import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRule, InvalidRulesError, parseRules, rulesFileOf, rulesFromFile } from '../../../processors/rules.ts';
import { SETTINGS_SOURCE_TYPE } from '../../../schemas/alert-rule.ts';
import { SEVERITIES } from '../../../schemas/vocabulary.ts';
import { CASE_RULES, ruleOf } from './support.ts';

const none = {
  escalateIfCount: null,
  windowMins: null,
  escalateTo: null,
  autoCloseAfterMins: null,
  autoCloseIf: null,
  purgeAfterMins: null,
  archive: null,
};

const problemsOf = (file: unknown): readonly string[] => {
  try {
    rulesFromFile(file);
  } catch (error) {
    if (error instanceof InvalidRulesError) return error.problems;
    throw error;
  }
  return [];
};

describe('the rules file', () => {
  test('the rules of the case become records', () => {
    expect(parseRules(JSON.stringify(CASE_RULES))).toEqual([
      { ...none, sourceType: 'overspeed', escalateIfCount: 3, windowMins: 2, autoCloseAfterMins: 4 },
      { ...none, sourceType: 'feedback_negative', escalateIfCount: 2, windowMins: 1440, autoCloseAfterMins: 2880 },
      { ...none, sourceType: 'compliance', autoCloseIf: 'document_valid' },
    ]);
  });

  test('minutes may be fractional, the severity may be named, and retention stands at the top', () => {
    const file = {
      overspeed: { escalate_if_count: 1, window_mins: 0.5, auto_close_after_mins: 0.05, escalate_to: 'high' },
      retention: { purge_after_mins: 0.25, archive: false },
    };
    expect(rulesFromFile(file)).toEqual([
      {
        ...none,
        sourceType: 'overspeed',
        escalateIfCount: 1,
        windowMins: 0.5,
        autoCloseAfterMins: 0.05,
        escalateTo: 'high',
      },
      { ...none, sourceType: SETTINGS_SOURCE_TYPE, purgeAfterMins: 0.25, archive: false },
    ]);
    expect(rulesFileOf(rulesFromFile(file))).toEqual(file);
  });

  test('every valid file comes back in its shape', () => {
    const minutes = fc.integer({ min: 1, max: 400_000 }).map((value) => value / 10);
    const rule = fc.tuple(
      fc.option(fc.record({ escalate_if_count: fc.integer({ min: 1, max: 1000 }), window_mins: minutes }), { nil: {} }),
      fc.record(
        { auto_close_after_mins: minutes, auto_close_if: fc.constantFrom('document_valid', 'paid') },
        { requiredKeys: ['auto_close_after_mins'] },
      ),
      fc.option(fc.constantFrom(...SEVERITIES), { nil: undefined }),
    );
    const entry = rule.map(([counting, closing, to]) => ({
      ...counting,
      ...closing,
      ...('window_mins' in counting && to !== undefined ? { escalate_to: to } : {}),
    }));
    const names = fc.constantFrom('overspeed', 'compliance', 'fuel | drop', 'Bremse ü');
    fc.assert(
      fc.property(fc.dictionary(names, entry), (file) => {
        expect(rulesFileOf(rulesFromFile(file))).toEqual(file);
      }),
    );
  });

  test.each([
    [{ escalate_if_count: 0, window_mins: 2 }, 'escalate_if_count is 0; allowed is a whole number from 1 to 1000.'],
    [{ escalate_if_count: 2.5, window_mins: 2 }, 'escalate_if_count is 2.5;'],
    [{ escalate_if_count: '3', window_mins: 2 }, 'escalate_if_count is "3";'],
    [{ escalate_if_count: 3, window_mins: -2 }, 'window_mins is -2; allowed is minutes, fractions allowed'],
    [{ escalate_if_count: 3, window_mins: 0 }, 'window_mins is 0;'],
    [{ escalate_if_count: 3, window_mins: 99_999 }, 'window_mins is 99999;'],
    [{ escalate_if_count: 3 }, 'escalate_if_count is set without window_mins; set both or neither.'],
    [{ window_mins: 3 }, 'window_mins is set without escalate_if_count; set both or neither.'],
    [{ auto_close_after_mins: 0 }, 'auto_close_after_mins is 0;'],
    [{ auto_close_after_mins: 4, escalate_to: 'high' }, 'escalate_to needs escalate_if_count'],
    [
      { escalate_if_count: 3, window_mins: 2, escalate_to: 'CRITICAL' },
      'escalate_to is "CRITICAL"; allowed is one of low',
    ],
    [{ auto_close_if: '' }, 'auto_close_if is "";'],
    [{ auto_close_if: 'below_count' }, 'auto_close_if is "below_count";'],
    [{ auto_close_if: null }, 'auto_close_if is null; leave it out instead.'],
    [
      { escalate_if_cuont: 3 },
      'unknown field "escalate_if_cuont"; allowed are escalate_if_count, window_mins, escalate_to',
    ],
    [{ purge_after_mins: 3 }, 'unknown field "purge_after_mins"; allowed are escalate_if_count'],
    [{}, 'nothing is set; allowed are escalate_if_count'],
    [null, 'Rule "overspeed" is null; allowed is an object'],
    [[3], 'Rule "overspeed" is [3]; allowed is an object'],
  ])('refuses %j and says why', (entry, expected) => {
    const problems = problemsOf({ overspeed: entry });
    expect(problems.join('\n')).toContain(expected);
    expect(problems[0]).toContain('Rule "overspeed"');
  });

  test.each([
    [{ retention: { purge_after_mins: -1 } }, '"retention": purge_after_mins is -1; allowed is minutes'],
    [{ retention: { archive: 'yes' } }, '"retention": archive is "yes"; allowed is true or false.'],
    [
      { retention: { window_mins: 2 } },
      '"retention": unknown field "window_mins"; allowed are purge_after_mins, archive.',
    ],
    [{ '*': { auto_close_after_mins: 1 } }, 'settings of all stand under "retention"'],
    [{ '': { auto_close_after_mins: 1 } }, 'the source type is ""; allowed is a name of 1 to 64 characters.'],
    [[], 'It must be an object with one entry per source type.'],
  ])('refuses %j and says why', (file, expected) => {
    expect(problemsOf(file).join('\n')).toContain(expected);
  });

  test('lists every problem at once', () => {
    const file = { overspeed: { window_mins: -1 }, compliance: { auto_close_iff: 'x' } };
    expect(problemsOf(file)).toHaveLength(4);
  });

  test('what is not JSON is refused with the place', () => {
    expect(() => parseRules('{"overspeed": {,}}')).toThrow(/The rules file is not JSON:\n.*position/s);
  });
});

describe('a rule from the topic', () => {
  const rule = ruleOf(CASE_RULES.overspeed);

  test('passes when it is complete', () => {
    expect(() => checkRule('overspeed', rule)).not.toThrow();
    expect(() => checkRule('*', { ...none, sourceType: '*', purgeAfterMins: 0 })).not.toThrow();
  });

  test.each([
    ['overspeed', { ...rule, windowMins: Number.NaN }, 'windowMins is null'],
    ['overspeed', { ...rule, windowMins: null }, 'escalateIfCount is set without windowMins'],
    ['overspeed', { ...rule, escalateTo: 'urgent' }, 'escalateTo is "urgent"'],
    ['overspeed', { ...rule, archive: true }, 'archive is allowed only under "*".'],
    ['*', { ...rule, sourceType: '*' }, 'escalateIfCount is allowed only in the rule of a source type.'],
    ['overspeed', { ...none, sourceType: 'overspeed' }, 'nothing is set; allowed are escalateIfCount'],
    ['speeding', rule, 'key and source type must be the same'],
  ])('under %s is refused: %j', (key, bad, expected) => {
    expect(() => checkRule(key, bad)).toThrow(expected);
  });
});
