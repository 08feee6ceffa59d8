import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escalatedSeverity } from '../../../processors/severity.ts';
import { SEVERITIES } from '../../../schemas/vocabulary.ts';

describe('severity after an escalation', () => {
  test.each([
    ['low', 'high'],
    ['medium', 'critical'],
    ['high', 'critical'],
    ['critical', 'critical'],
  ] as const)('%s goes two steps up, to %s', (from, to) => {
    expect(escalatedSeverity(from, null)).toBe(to);
  });

  test('the rule can name the severity', () => {
    expect(escalatedSeverity('low', 'medium')).toBe('medium');
    expect(escalatedSeverity('low', 'critical')).toBe('critical');
  });

  test('an escalation never lowers a severity', () => {
    const severity = fc.constantFrom(...SEVERITIES);
    fc.assert(
      fc.property(severity, fc.option(severity), (from, escalateTo) => {
        const to = escalatedSeverity(from, escalateTo);
        expect(SEVERITIES.indexOf(to)).toBeGreaterThanOrEqual(SEVERITIES.indexOf(from));
      }),
    );
  });
});
