import { describe, expect, it } from 'vitest';
import { Comparison, type AlertDifference, type Side } from '../../../cli/replay/comparison.ts';
import { ComparisonCounter } from '../../../cli/replay/summary.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { lifecycleEvent } from '../../support/sink-events.ts';

type Said = readonly [side: Side, event: Partial<LifecycleEvent>];

const compare = (...said: Said[]) => {
  const reported: AlertDifference[] = [];
  const comparison = new Comparison((difference) => reported.push(difference));
  for (const [side, event] of said) comparison.add(side, lifecycleEvent({ alertId: 'a-1', ...event }));
  const early = reported.length;
  comparison.finish();
  return { early, changes: reported.map(({ changes }) => changes) };
};

const escalated = (side: Side, severity: LifecycleEvent['severity'] = 'high'): Said => [
  side,
  { eventType: 'ESCALATED', severity },
];
const closed = (side: Side, timestamp: number, reason = 'timeout'): Said => [
  side,
  { eventType: 'AUTO_CLOSED', timestamp, reason },
];
const purged = (side: Side): Said => [side, { eventType: 'PURGED' }];

describe('comparing what two sets of rules do', () => {
  it.each<[string, Said[], readonly string[][]]>([
    ['the same, at the same time', [escalated('current'), escalated('candidate')], []],
    ['the same, one ahead of the other', [closed('candidate', 5), purged('candidate'), closed('current', 5)], []],
    ['only created', [['current', { eventType: 'CREATED' }]], []],
    ['purged at another time', [closed('current', 5), closed('candidate', 5), purged('current')], []],
    ['an escalation more', [escalated('candidate')], [['would escalate']]],
    ['an escalation less', [escalated('current')], [['would not escalate']]],
    [
      'another severity',
      [escalated('current'), escalated('candidate', 'critical')],
      [['would escalate to another severity']],
    ],
    ['closed by one alone', [closed('candidate', 5)], [['would be closed']]],
    ['not closed any more', [closed('current', 5)], [['would not be closed']]],
    ['closed later', [closed('current', 5), closed('candidate', 9)], [['would be closed at another time']]],
    [
      'closed for something else',
      [closed('current', 5), closed('candidate', 5, 'done')],
      [['would be closed for another reason']],
    ],
    ['both', [escalated('candidate'), closed('current', 5)], [['would escalate', 'would not be closed']]],
  ])('%s', (_what, said, changes) => expect(compare(...said).changes).toEqual(changes));

  it('reports an alert as soon as both have purged it, and once', () => {
    const both = [closed('current', 5), purged('current'), closed('candidate', 9), purged('candidate')];
    expect(compare(...both)).toEqual({ early: 1, changes: [['would be closed at another time']] });
    expect(compare(...both.slice(0, 3)).early).toBe(0);
  });
});

describe('counting differences', () => {
  it('counts by source, and by what changes', () => {
    const counter = new ComparisonCounter();
    for (const side of ['current', 'candidate'] as const)
      counter.event(side, lifecycleEvent({ eventType: 'CREATED', sourceType: 'a' }));
    counter.event('candidate', lifecycleEvent({ eventType: 'ESCALATED', sourceType: 'a' }));
    counter.event('current', lifecycleEvent({ eventType: 'AUTO_CLOSED', sourceType: 'b' }));
    const about = { alertId: 'a-1', driverId: 'D', happenedMs: 0, current: [], candidate: [] };
    counter.difference({ ...about, sourceType: 'a', changes: ['would escalate', 'would not be closed'] });
    expect(counter.summary).toMatchObject({
      differing: 1,
      changes: { 'would escalate': 1, 'would not be closed': 1 },
      sources: [
        { sourceType: 'a', alerts: 1, escalated: { current: 0, candidate: 1 }, differing: 1 },
        { sourceType: 'b', alerts: 0, closed: { current: 1, candidate: 0 }, differing: 0 },
      ],
    });
  });

  it('keeps a bounded number of examples and sources', () => {
    const counter = new ComparisonCounter();
    for (let index = 0; index < 3_000; index++) {
      const about = { alertId: `a-${index}`, driverId: 'D', happenedMs: 0, current: [], candidate: [] };
      counter.difference({ ...about, sourceType: `s-${index}`, changes: ['would escalate'] });
    }
    const { differing, examples, sources } = counter.summary;
    expect([differing, examples.length, sources.length]).toEqual([3_000, 1_000, 1_001]);
    expect(sources[0]).toMatchObject({ sourceType: '(others)', differing: 2_000 });
  });
});
