import { describe, expect, it } from 'vitest';
import { progressLine } from '../../../cli/replay/progress.ts';
import { cut, duration, plural, table } from '../../../cli/text.ts';

describe('text for the terminal', () => {
  it('lines columns up, numbers to the right, without blanks at the end', () => {
    const text = table(
      ['name', 'lag'],
      [
        ['a', '1,000'],
        ['longer', '7'],
      ],
      ['lag'],
    );
    expect(text.split('\n')).toEqual(['name      lag', '------  -----', 'a       1,000', 'longer      7']);
    expect(table(['a', 'b'], [['x', '']])).toBe('a  b\n-  -\nx');
  });

  it.each([
    [0, '0.0 s'],
    [9_940, '9.9 s'],
    [59_400, '59 s'],
    [61_000, '1 min 1 s'],
    [7_260_000, '2 h 1 min'],
    [200 * 3_600_000, '8 d 8 h'],
  ])('words %i ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('counts and cuts', () => {
    expect([plural(1, 'alert'), plural(1234, 'alert'), plural(2, 'entry', 'entries')]).toEqual([
      '1 alert',
      '1,234 alerts',
      '2 entries',
    ]);
    expect([cut('abc', 3), cut('abcd', 3)]).toEqual(['abc', 'ab…']);
  });
});

describe('a progress line', () => {
  it('tells the share, the rate and the time left', () => {
    expect(progressLine({ done: 500, total: 2_000, elapsedMs: 1_000 }, 'records')).toBe(
      '[######------------------]  25 %  500 of 2,000 records  500/s  ETA 3.0 s',
    );
  });

  it('has nothing to divide by at the start, and is whole where there is nothing to do', () => {
    expect(progressLine({ done: 0, total: 10, elapsedMs: 0 }, 'records')).toMatch(/0 %  0 of 10 records$/);
    expect(progressLine({ done: 0, total: 0, elapsedMs: 5 }, 'records')).toContain('100 %');
  });
});
