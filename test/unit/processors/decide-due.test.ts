import { describe, expect, test } from 'vitest';
import { decideAlert } from '../../../processors/decide-alert.ts';
import { decideDue, decideQuietKey } from '../../../processors/decide-due.ts';
import { decideDuplicate } from '../../../processors/decide-duplicate.ts';
import type { LivingAlert, RememberedAlert } from '../../../processors/alert-state.ts';
import type { RecentTimes } from '../../../processors/recent-times.ts';
import { alertAt, CASE_RULES, contextOf, dueContext, HOUR, MINUTE, START_MS } from './support.ts';

const ID = '019ab52f-f120-7abc-8000-000000000001';
const opened = decideAlert(ID, alertAt(START_MS), undefined, contextOf(CASE_RULES.overspeed)).state;
const DUE_MS = START_MS + 4 * MINUTE;

describe('an alert whose time to close has come', () => {
  test.each([
    ['OPEN', 1, 'medium'],
    ['ESCALATED', 2, 'critical'],
  ] as const)('%s is AUTO_CLOSED at its due time', (status, sequence, severity) => {
    const alert: LivingAlert = { ...opened, status, sequence, severity };
    const { state, event } = decideDue(ID, alert, DUE_MS, dueContext({ nowMs: DUE_MS + HOUR }));
    expect(event).toEqual({
      eventId: `${ID}:${sequence + 1}`,
      alertId: ID,
      sequence: sequence + 1,
      eventType: 'AUTO_CLOSED',
      reason: 'timeout',
      oldStatus: status,
      newStatus: 'AUTO_CLOSED',
      driverId: 'TEST-02',
      sourceType: 'overspeed',
      severity,
      timestamp: DUE_MS,
      metadata: '{"reason":"timeout","src":"overspeed"}',
      alertTimestamp: START_MS,
      alertMetadata: '{"speed":121}',
    });
    expect(state).toEqual({ ...alert, status: 'AUTO_CLOSED', sequence: sequence + 1, dueAtMs: DUE_MS + 5 * MINUTE });
  });

  test.each(['ACKNOWLEDGED', 'RESOLVED'] as const)('%s is left alone for good', (status) => {
    const alert: LivingAlert = { ...opened, status, sequence: 2 };
    expect(decideDue(ID, alert, DUE_MS, dueContext())).toEqual({
      state: { ...alert, dueAtMs: undefined },
      event: undefined,
    });
  });
});

describe('an alert whose time to be purged has come', () => {
  const closed: LivingAlert = { ...opened, status: 'AUTO_CLOSED', sequence: 2, dueAtMs: DUE_MS + 5 * MINUTE };
  const purgeMs = DUE_MS + 5 * MINUTE;

  test.each([true, false])('is PURGED and nothing of it is kept (archive: %s)', (archive) => {
    const context = dueContext({ retention: { purgeAfterMs: 5 * MINUTE, archive } });
    const { state, event } = decideDue(ID, closed, purgeMs, context);
    expect(state).toBeUndefined();
    expect(event).toMatchObject({
      eventId: `${ID}:3`,
      sequence: 3,
      eventType: 'PURGED',
      reason: 'purged',
      oldStatus: 'AUTO_CLOSED',
      newStatus: 'AUTO_CLOSED',
      timestamp: purgeMs,
      metadata: `{"reason":"purged","src":"overspeed","archive":${archive}}`,
      alertTimestamp: START_MS,
    });
  });

  test('an id that its producer chose is remembered for a while', () => {
    const { state } = decideDue(ID, { ...closed, givenId: true }, purgeMs, dueContext());
    expect(state).toMatchObject({ kind: 'remembered', forgetAtMs: purgeMs + 24 * HOUR });
  });
});

describe('a remembered id', () => {
  const forgetAtMs = START_MS + 24 * HOUR;
  const remembered: RememberedAlert = { kind: 'remembered', forgetAtMs, dueAtMs: forgetAtMs + HOUR };

  test('is forgotten when stream time has passed', () => {
    const context = dueContext({ streamTimeMs: forgetAtMs });
    expect(decideDue(ID, remembered, remembered.dueAtMs, context)).toEqual({ state: undefined, event: undefined });
  });

  test('is looked at again later when only the wall clock has passed', () => {
    const context = dueContext({ streamTimeMs: forgetAtMs - 1, nowMs: forgetAtMs + 48 * HOUR });
    expect(decideDue(ID, remembered, remembered.dueAtMs, context)).toEqual({
      state: { ...remembered, dueAtMs: forgetAtMs + 72 * HOUR },
      event: undefined,
    });
  });

  test('is a duplicate until it is to be forgotten, and an alert of its own from then on', () => {
    expect(decideDuplicate(undefined, START_MS)).toBe('first');
    expect(decideDuplicate(opened, START_MS + 48 * HOUR)).toBe('duplicate');
    expect(decideDuplicate(remembered, forgetAtMs - 1)).toBe('duplicate');
    expect(decideDuplicate(remembered, forgetAtMs)).toBe('first');
  });
});

describe('a quiet key', () => {
  const recent: RecentTimes = { timesMs: [START_MS], windowMs: 2 * MINUTE, collectAtMs: START_MS + 26 * HOUR };
  const forgetAtMs = START_MS + 2 * MINUTE + 24 * HOUR;

  test('goes when stream time has left it behind', () => {
    expect(decideQuietKey(recent, recent.collectAtMs, dueContext({ streamTimeMs: forgetAtMs }))).toBeUndefined();
  });

  test('stays as it is, with a later look, when it has been in use since', () => {
    const used = { ...recent, timesMs: [START_MS, START_MS + 20 * HOUR] };
    const kept = decideQuietKey(used, recent.collectAtMs, dueContext({ streamTimeMs: START_MS + 26 * HOUR }));
    expect(kept).toEqual({ ...used, collectAtMs: forgetAtMs + 20 * HOUR + HOUR });
  });

  test('stays when only the wall clock has moved on, and is not looked at all the time', () => {
    const nowMs = START_MS + 1000 * HOUR;
    const kept = decideQuietKey(recent, recent.collectAtMs, dueContext({ streamTimeMs: START_MS, nowMs }));
    expect(kept).toEqual({ ...recent, collectAtMs: nowMs + 24 * HOUR });
  });
});
