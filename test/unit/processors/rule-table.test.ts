import { describe, expect, test } from 'vitest';
import { RuleTable } from '../../../processors/rule-table.ts';
import type { AlertRule } from '../../../schemas/alert-rule.ts';
import { CASE_RULES, GRACE_MS, ruleOf } from './support.ts';

const tableOf = (records: Map<string, AlertRule>): RuleTable => new RuleTable(records, GRACE_MS);
const overspeed = ruleOf(CASE_RULES.overspeed);
const settings = (purgeAfterMins: number): AlertRule => ({
  ...overspeed,
  sourceType: '*',
  escalateIfCount: null,
  windowMins: null,
  autoCloseAfterMins: null,
  purgeAfterMins,
});

describe('the rules in force', () => {
  test('are prepared once for each record of the store', () => {
    const records = new Map([['overspeed', overspeed]]);
    const table = tableOf(records);
    const rule = table.ruleOf('overspeed');
    expect(rule?.count).toMatchObject({ escalateAt: 3, windowMs: 120_000, graceMs: GRACE_MS });
    expect(table.ruleOf('overspeed')).toBe(rule);
    records.set('overspeed', { ...overspeed, escalateIfCount: 4 });
    expect(table.ruleOf('overspeed')?.count?.escalateAt).toBe(4);
    records.delete('overspeed');
    expect(table.ruleOf('overspeed')).toBeUndefined();
  });

  test('the settings of all have defaults, follow the store, and are no rule of any source type', () => {
    const records = new Map<string, AlertRule>();
    const table = tableOf(records);
    expect(table.retention()).toEqual({ purgeAfterMs: 300_000, archive: true });
    records.set('*', settings(0.5));
    expect(table.retention()).toEqual({ purgeAfterMs: 30_000, archive: true });
    records.set('*', { ...settings(2), archive: false });
    expect(table.retention()).toEqual({ purgeAfterMs: 120_000, archive: false });
    records.delete('*');
    expect(table.retention().archive).toBe(true);
    records.set('*', settings(1));
    expect(table.ruleOf('*')).toBeUndefined();
  });
});
