import { describe, expect, test } from 'vitest';
import { INITIAL_STATUS, LIFECYCLE, transition } from '../../../processors/lifecycle.ts';
import { ALERT_STATUSES, EVENT_TYPES, isAlertStatus } from '../../../schemas/vocabulary.ts';

describe('the lifecycle table', () => {
  test('[INV-LIFECYCLE-COMPLETE] every status has a cell for every event: a next status or a named refusal', () => {
    expect(Object.keys(LIFECYCLE)).toEqual([...ALERT_STATUSES]);
    for (const status of ALERT_STATUSES) {
      expect(Object.keys(LIFECYCLE[status])).toEqual([...EVENT_TYPES]);
      for (const event of EVENT_TYPES) {
        const cell = transition(status, event);
        expect('next' in cell ? isAlertStatus(cell.next) : /^[a-z_]+$/.test(cell.refused)).toBe(true);
      }
    }
  });

  test('an alert starts OPEN', () => {
    expect(INITIAL_STATUS).toBe('OPEN');
  });

  test.each(ALERT_STATUSES)('%s: an alert is created once', (status) => {
    expect(transition(status, 'CREATED')).toEqual({ refused: 'already_created' });
  });

  test.each(ALERT_STATUSES)('%s: a comment leaves the status', (status) => {
    expect(transition(status, 'COMMENTED')).toEqual({ next: status });
  });

  test.each([
    ['OPEN', { next: 'AUTO_CLOSED' }],
    ['ESCALATED', { next: 'AUTO_CLOSED' }],
    ['ACKNOWLEDGED', { refused: 'in_hand' }],
    ['RESOLVED', { refused: 'already_resolved' }],
    ['AUTO_CLOSED', { refused: 'already_closed' }],
  ] as const)('%s: a timeout gives %o', (status, expected) => {
    expect(transition(status, 'AUTO_CLOSED')).toEqual(expected);
  });

  test.each(ALERT_STATUSES)('%s: only what was auto-closed is purged', (status) => {
    const expected = status === 'AUTO_CLOSED' ? { next: 'AUTO_CLOSED' } : { refused: 'not_auto_closed' };
    expect(transition(status, 'PURGED')).toEqual(expected);
  });

  test('only OPEN escalates', () => {
    expect(ALERT_STATUSES.filter((status) => 'next' in transition(status, 'ESCALATED'))).toEqual(['OPEN']);
  });
});
