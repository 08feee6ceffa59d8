import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideAlert, type AlertContext, type AlertDecision } from '../../../processors/decide-alert.ts';
import type { ValidAlert } from '../../../processors/raw-alert-check.ts';
import type { RecentTimes } from '../../../processors/recent-times.ts';
import { alertAt, CASE_RULES, contextOf, GRACE_MS, HOUR, MINUTE, SECOND, START_MS } from './support.ts';

const ID = '019ab52f-f120-7abc-8000-000000000001';
const overspeed = contextOf(CASE_RULES.overspeed);
const feedback = contextOf(CASE_RULES.feedback_negative, {}, 'feedback_negative');
const compliance = contextOf(CASE_RULES.compliance, {}, 'compliance');

/** Decides alerts of one key, one after the other. */
function decideAll(alerts: readonly ValidAlert[], context: AlertContext): AlertDecision[] {
  let known: RecentTimes | undefined;
  return alerts.map((alert) => {
    const decision = decideAlert(ID, alert, known, context);
    known = decision.recent;
    return decision;
  });
}

const outline = ({ events, state, reason }: AlertDecision) => ({
  events: events.map(({ eventType, oldStatus, newStatus, severity }) => [eventType, oldStatus, newStatus, severity]),
  status: state.status,
  severity: state.severity,
  reason,
});

const open = (severity: string, reason: string) => ({
  events: [['CREATED', null, 'OPEN', severity]],
  status: 'OPEN',
  severity,
  reason,
});

const escalated = (from: string, to: string) => ({
  events: [
    ['CREATED', null, 'OPEN', from],
    ['ESCALATED', 'OPEN', 'ESCALATED', to],
  ],
  status: 'ESCALATED',
  severity: to,
  reason: 'count_reached',
});

describe('the rules of the case', () => {
  test('a single overspeed is OPEN', () => {
    const [decision] = decideAll([alertAt(START_MS, { metadata: '{"speed":105}' })], overspeed);
    expect(outline(decision as AlertDecision)).toEqual(open('medium', 'below_count'));
  });

  test('the third overspeed within two minutes escalates by two steps, and so does a fourth', () => {
    const alerts = [0, 4, 7, 9].map((seconds) => alertAt(START_MS + seconds * SECOND));
    expect(decideAll(alerts, overspeed).map(outline)).toEqual([
      open('medium', 'below_count'),
      open('medium', 'below_count'),
      escalated('medium', 'critical'),
      escalated('medium', 'critical'),
    ]);
  });

  test('the window is open at its start: exactly two minutes apart do not meet', () => {
    const at = (ms: number) => alertAt(START_MS + ms);
    expect(decideAll([at(0), at(1), at(2 * MINUTE)], overspeed).map(({ reason }) => reason)).toEqual([
      'below_count',
      'below_count',
      'below_count',
    ]);
    expect(decideAll([at(0), at(1), at(2 * MINUTE - 1)], overspeed).at(-1)?.reason).toBe('count_reached');
  });

  test('the second bad feedback within a day escalates from low to high', () => {
    const at = (ms: number) => alertAt(START_MS + ms, { sourceType: 'feedback_negative', severity: 'low' });
    expect(decideAll([at(0), at(6 * MINUTE)], feedback).map(outline)).toEqual([
      open('low', 'below_count'),
      escalated('low', 'high'),
    ]);
    expect(decideAll([at(0), at(24 * HOUR)], feedback).at(-1)?.reason).toBe('below_count');
  });

  test('a valid document is closed at once and keeps its severity', () => {
    const document = (valid: unknown) =>
      alertAt(START_MS, {
        sourceType: 'compliance',
        severity: 'low',
        metadata: JSON.stringify({ docType: 'DL', document_valid: valid }),
      });
    const [expired, valid] = decideAll([document(false), document(true)], compliance).map(outline);
    expect(expired).toEqual(open('low', 'flag_not_true'));
    expect(valid).toEqual({
      events: [
        ['CREATED', null, 'OPEN', 'low'],
        ['AUTO_CLOSED', 'OPEN', 'AUTO_CLOSED', 'low'],
      ],
      status: 'AUTO_CLOSED',
      severity: 'low',
      reason: 'document_valid',
    });
  });

  test.each(['"true"', '1', 'null', '[true]', '{"document_valid":true}'])('a flag that is %s is not true', (value) => {
    const alert = alertAt(START_MS, { sourceType: 'compliance', metadata: `{"document_valid":${value}}` });
    expect(decideAlert(ID, alert, undefined, compliance).reason).toBe('flag_not_true');
  });

  test('a source type without a rule is OPEN and stays so', () => {
    const alert = alertAt(START_MS, { sourceType: 'fuel "theft"' });
    const decision = decideAlert(ID, alert, undefined, contextOf(undefined));
    expect(outline(decision)).toEqual(open('medium', 'no_rule'));
    expect(decision.state.dueAtMs).toBeUndefined();
    expect(decision.recent).toBeUndefined();
    expect(JSON.parse(decision.events[0]?.metadata ?? '')).toEqual({ reason: 'no_rule', src: 'fuel "theft"' });
  });
});

describe('other rules', () => {
  test('a rule that only closes after a time does not count', () => {
    const decision = decideAlert(ID, alertAt(START_MS), undefined, contextOf({ auto_close_after_mins: 0.5 }));
    expect(outline(decision)).toEqual(open('medium', 'not_counted'));
    expect(decision.state.dueAtMs).toBe(START_MS + 30 * SECOND);
    expect(decision.recent).toBeUndefined();
  });

  test('escalate_if_count 1 escalates every alert', () => {
    const context = contextOf({ escalate_if_count: 1, window_mins: 1 });
    expect(outline(decideAlert(ID, alertAt(START_MS), undefined, context))).toEqual(escalated('medium', 'critical'));
  });

  test('the rule can name the severity', () => {
    const context = contextOf({ escalate_if_count: 1, window_mins: 1, escalate_to: 'high' });
    expect(outline(decideAlert(ID, alertAt(START_MS), undefined, context))).toEqual(escalated('medium', 'high'));
  });

  test('a true flag wins over the count, and the closed alert still counts', () => {
    const context = contextOf({ escalate_if_count: 2, window_mins: 1, auto_close_if: 'settled' });
    const alerts = [
      alertAt(START_MS, { metadata: '{"settled":true}' }),
      alertAt(START_MS + 1, { metadata: '{"settled":true}' }),
      alertAt(START_MS + 2),
    ];
    expect(decideAll(alerts, context).map(({ reason }) => reason)).toEqual(['settled', 'settled', 'count_reached']);
  });
});

describe('what an event carries', () => {
  const third = decideAll(
    [0, 1, 2].map((ms) => alertAt(START_MS + ms)),
    overspeed,
  ).at(-1) as AlertDecision;

  test('the whole alert after the step, a sequence number and a fixed id', () => {
    expect(third.events).toEqual([
      {
        eventId: `${ID}:1`,
        alertId: ID,
        sequence: 1,
        eventType: 'CREATED',
        reason: 'count_reached',
        oldStatus: null,
        newStatus: 'OPEN',
        driverId: 'TEST-02',
        sourceType: 'overspeed',
        severity: 'medium',
        timestamp: START_MS + 2,
        metadata: '{"reason":"count_reached","src":"overspeed"}',
        alertTimestamp: START_MS + 2,
        alertMetadata: '{"speed":121}',
      },
      {
        eventId: `${ID}:2`,
        alertId: ID,
        sequence: 2,
        eventType: 'ESCALATED',
        reason: 'count_reached',
        oldStatus: 'OPEN',
        newStatus: 'ESCALATED',
        driverId: 'TEST-02',
        sourceType: 'overspeed',
        severity: 'critical',
        timestamp: START_MS + 2,
        metadata: '{"reason":"count_reached","src":"overspeed","count":3,"windowMins":2}',
        alertTimestamp: START_MS + 2,
        alertMetadata: '{"speed":121}',
      },
    ]);
  });

  test('what is kept says what time will do', () => {
    expect(third.state).toEqual({
      kind: 'living',
      driverId: 'TEST-02',
      sourceType: 'overspeed',
      severity: 'critical',
      status: 'ESCALATED',
      sequence: 2,
      timestampMs: START_MS + 2,
      metadata: '{"speed":121}',
      givenId: false,
      dueAtMs: START_MS + 2 + 4 * MINUTE,
    });
  });

  test('an alert that is closed at once is purged by the settings in force', () => {
    const alert = alertAt(START_MS, { sourceType: 'compliance', metadata: '{"document_valid":true}' });
    const context = { ...compliance, retention: { purgeAfterMs: 7 * SECOND, archive: true } };
    expect(decideAlert(ID, alert, undefined, context).state.dueAtMs).toBe(START_MS + 7 * SECOND);
  });

  test('metadata of any source type and flag is JSON', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 64 }), fc.boolean(), (sourceType, flagged) => {
        fc.pre(sourceType !== '*' && sourceType !== 'retention' && sourceType !== '__proto__');
        const context = contextOf({ escalate_if_count: 1, window_mins: 0.5, auto_close_if: 'a"b' }, {}, sourceType);
        const alert = alertAt(START_MS, { sourceType, metadata: JSON.stringify({ 'a"b': flagged }) });
        const reason = flagged ? 'a"b' : 'count_reached';
        const { events } = decideAlert(ID, alert, undefined, context);
        expect(JSON.parse(events[0]?.metadata ?? '')).toEqual({ reason, src: sourceType });
        expect(JSON.parse(events[1]?.metadata ?? '')).toEqual(
          flagged ? { reason, src: sourceType } : { reason, src: sourceType, count: 1, windowMins: 0.5 },
        );
      }),
    );
  });
});

describe('late alerts', () => {
  const at = (ms: number) => alertAt(START_MS + ms);

  test('within the grace period are decided as if they had come in time', () => {
    const decisions = decideAll([at(0), at(30 * SECOND), at(80 * SECOND), at(20 * SECOND), at(40 * SECOND)], overspeed);
    expect(decisions.map(({ reason, late }) => [reason, late])).toEqual([
      ['below_count', false],
      ['below_count', false],
      ['count_reached', false],
      ['below_count', false],
      ['count_reached', false],
    ]);
  });

  test('beyond it are decided on what is kept, said to be late, and never dropped', () => {
    const decisions = decideAll(
      [at(0), at(10 * MINUTE), at(1), at(10 * MINUTE - GRACE_MS), at(9 * MINUTE - 1)],
      overspeed,
    );
    expect(decisions.map(({ reason, late }) => [reason, late])).toEqual([
      ['below_count', false],
      ['below_count', false],
      ['below_count', true],
      ['below_count', false],
      ['below_count', true],
    ]);
  });

  test('count for the alerts that come after them', () => {
    const day = (ms: number) => alertAt(START_MS + ms, { sourceType: 'feedback_negative' });
    const decisions = decideAll([day(2 * HOUR), day(HOUR), day(24 * HOUR + 90 * MINUTE)], {
      ...feedback,
      rule: contextOf({ escalate_if_count: 2, window_mins: 1440 }).rule,
    });
    expect(decisions.map(({ reason, late }) => [reason, late])).toEqual([
      ['below_count', false],
      ['below_count', true],
      ['count_reached', false],
    ]);
  });

  test('a key is forgotten by stream time, whether or not its timer has come by', () => {
    const known = decideAlert(ID, at(0), undefined, overspeed).recent;
    const alert = at(1);
    const inTime = { ...overspeed, streamTimeMs: START_MS + 2 * MINUTE + 24 * HOUR - 1 };
    const past = { ...overspeed, streamTimeMs: START_MS + 2 * MINUTE + 24 * HOUR };
    const kept = decideAlert(ID, alert, known, inTime);
    expect(kept.recent?.timesMs).toEqual([START_MS, START_MS + 1]);
    expect(decideAlert(ID, alert, known, past)).toEqual(decideAlert(ID, alert, undefined, past));
    expect(kept.late).toBe(true);
  });
});

describe('rule changes', () => {
  test('a changed rule holds for the next alert, on what was kept under the former one', () => {
    const first = decideAlert(ID, alertAt(START_MS), undefined, overspeed);
    const changed = contextOf({ escalate_if_count: 2, window_mins: 10 });
    const second = decideAlert(ID, alertAt(START_MS + 5 * MINUTE), first.recent, changed);
    expect(second.reason).toBe('count_reached');
    expect(second.state.dueAtMs).toBeUndefined();
    expect(first.state.dueAtMs).toBe(START_MS + 4 * MINUTE);
  });

  test('what the former window let go is not counted by a longer one', () => {
    const [, second] = decideAll([alertAt(START_MS), alertAt(START_MS + 5 * MINUTE)], overspeed);
    const longer = contextOf({ escalate_if_count: 3, window_mins: 10 });
    const third = decideAlert(ID, alertAt(START_MS + 6 * MINUTE), second?.recent, longer);
    expect(third.reason).toBe('below_count');
  });
});

test('[INV-DETERMINISTIC] the same input gives the same decision, and leaves what was kept as it was', () => {
  const steps = fc.array(fc.integer({ min: -90_000, max: 60_000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(steps, (through) => {
      const alerts = through.map((step, index) => alertAt(START_MS + index * SECOND + step));
      const first = decideAll(alerts, overspeed);
      const frozen = JSON.stringify(first);
      expect(decideAll(alerts, overspeed)).toEqual(first);
      expect(JSON.stringify(first)).toBe(frozen);
    }),
  );
});
