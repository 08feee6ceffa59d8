import { describe, expect, it } from 'vitest';
import { changedRule, checkLogRule, newRule, type RuleDraft } from '../../../../processors/log-alerting/rule-draft.ts';

const draft = { name: 'High Error Rate', type: 'ERROR_THRESHOLD', threshold: 100, windowMinutes: 5 };

const made = (fields: RuleDraft) => {
  const outcome = newRule(fields, 'rule-1', 1_000);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome.rule;
};

const problems = (fields: RuleDraft): string[] => {
  const outcome = newRule(fields, 'rule-1', 1_000);
  return outcome.ok ? [] : outcome.problems.map(({ field, message }) => `${field} ${message}`);
};

describe('a rule', () => {
  it('has the defaults of its type', () => {
    expect(made(draft)).toEqual({
      ...draft,
      id: 'rule-1',
      description: '',
      condition: 'count > threshold',
      service: null,
      windowType: 'TUMBLING',
      slowerThanMs: null,
      severity: 'HIGH',
      cooldownMinutes: 15,
      enabled: true,
      revision: 1,
      createdAt: 1_000,
      updatedAt: 1_000,
    });
    expect(made({ ...draft, type: 'LATENCY' })).toMatchObject({ slowerThanMs: 1_000 });
    expect(made({ ...draft, type: 'error_rate' })).toMatchObject({ condition: 'rate > threshold and total >= 10' });
    expect(made({ name: 'x', type: 'ABSENCE', windowMinutes: 1 })).toMatchObject({ threshold: 1 });
    expect(made({ ...draft, service: '*', severity: 'critical' })).toMatchObject({
      service: null,
      severity: 'CRITICAL',
    });
  });

  it.each<[RuleDraft, RegExp]>([
    [{ ...draft, name: ' ' }, /^name must be a text of 1 to 200/],
    [{ ...draft, type: 'OTHER' }, /^type must be one of ERROR_THRESHOLD, LATENCY/],
    [{ ...draft, condition: 'count >' }, /^condition ends too early/],
    [{ ...draft, condition: 7 }, /^condition must be a text/],
    [{ ...draft, service: 'a'.repeat(101) }, /^service must be the name/],
    [{ ...draft, threshold: '100' }, /^threshold must be a number that is not negative/],
    [{ ...draft, threshold: undefined }, /^threshold must be a number/],
    [{ ...draft, windowMinutes: 0 }, /^windowMinutes must be a number of minutes/],
    [{ ...draft, windowMinutes: 20_000 }, /^windowMinutes must be a number of minutes/],
    [{ ...draft, windowType: 'HOPPING' }, /^windowType must be one of TUMBLING, SLIDING/],
    [{ ...draft, slowerThanMs: 10 }, /^slowerThanMs belongs to rules of type LATENCY/],
    [{ ...draft, severity: 'URGENT' }, /^severity must be one of LOW/],
    [{ ...draft, cooldownMinutes: -1 }, /^cooldownMinutes must be a number/],
    [{ ...draft, enabled: 'yes' }, /^enabled must be true or false/],
    [{ ...draft, id: 'mine' }, /^id is not a field/],
    [{ ...draft, type: 'ABSENCE', threshold: 1.5 }, /^threshold must be a whole number/],
    [{ ...draft, type: 'ABSENCE', threshold: 1, condition: 'count > 1' }, /^condition must be "count < threshold"/],
  ])('%j is refused with the field and what is allowed', (fields, message) => {
    expect(problems(fields)).toEqual([expect.stringMatching(message)]);
  });

  it('names every bad field at once', () => {
    expect(problems({ ...draft, threshold: -1, severity: 'x' })).toHaveLength(2);
  });
});

describe('a change', () => {
  const rule = made(draft);

  it('touches what it names, and counts as a revision', () => {
    expect(changedRule(rule, { enabled: false }, 2_000)).toEqual({
      ok: true,
      rule: { ...rule, enabled: false, revision: 2, updatedAt: 2_000 },
    });
  });

  it('of the type brings the defaults of the new one', () => {
    const outcome = changedRule(rule, { type: 'LATENCY', threshold: 5 }, 2_000);
    expect(outcome).toMatchObject({ ok: true, rule: { slowerThanMs: 1_000, threshold: 5, name: draft.name } });
  });

  it('that is bad changes nothing', () => {
    expect(changedRule(rule, { threshold: -5 }, 2_000)).toMatchObject({
      ok: false,
      problems: [{ field: 'threshold' }],
    });
  });

  it('leads to a rule that passes the check of the table', () => {
    expect(checkLogRule(rule)).toEqual([]);
  });
});
