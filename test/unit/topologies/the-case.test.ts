import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { AlertSystem } from '../../support/alert-system.ts';
import { CASE_RULES, HOUR, MINUTE } from '../processors/support.ts';

const at = (time: string): number => Date.parse(`2025-11-24T${time}Z`);

const raw = (
  time: string,
  driverId: string,
  sourceType: string,
  severity: string,
  metadata: Record<string, unknown>,
): RawAlert => ({
  alertId: null,
  driverId,
  sourceType,
  severity,
  timestamp: at(time),
  metadata: JSON.stringify(metadata),
});

const rude = { rating: 1, comment: 'Rude driver' };
const again = { rating: 1, comment: 'Bad behaviour again' };
const expired = { docType: 'DL', document_valid: false };
const valid = { docType: 'DL', document_valid: true };

const alerts = [
  raw('09:31:32', 'TEST-01', 'overspeed', 'medium', { speed: 105 }),
  raw('09:33:17', 'TEST-02', 'overspeed', 'medium', { speed: 120 }),
  raw('09:33:21', 'TEST-02', 'overspeed', 'medium', { speed: 120 }),
  raw('09:33:24', 'TEST-02', 'overspeed', 'medium', { speed: 120 }),
  raw('09:35:03', 'TEST-03', 'feedback_negative', 'low', rude),
  raw('09:35:34', 'TEST-04', 'compliance', 'low', expired),
  raw('09:37:02', 'TEST-04', 'compliance', 'low', valid),
  raw('09:40:55', 'TEST-03', 'feedback_negative', 'low', again),
];

const row = ({ driverId, sourceType, severity, newStatus, timestamp, alertMetadata }: LifecycleEvent) =>
  [driverId, sourceType, severity, newStatus, new Date(timestamp).toISOString().slice(11, 19), alertMetadata].join(' ');

const speed = (value: number) => JSON.stringify({ speed: value });

describe('the case, as it comes in', () => {
  let system: AlertSystem;

  beforeAll(async () => {
    system = await AlertSystem.start({ rules: CASE_RULES, driver: { startTimeMs: at('09:30:00') } });
  });
  afterAll(() => system.close());

  const sendThrough = async (last: number): Promise<void> => {
    for (const alert of alerts.splice(0, last)) {
      await system.until(alert.timestamp);
      await system.send(alert);
    }
  };
  const table = () => system.table().map(row).sort();

  test('one overspeed is OPEN; three within two minutes are OPEN, OPEN and ESCALATED', async () => {
    await sendThrough(4);
    expect(table()).toEqual([
      `TEST-01 overspeed medium OPEN 09:31:32 ${speed(105)}`,
      `TEST-02 overspeed critical ESCALATED 09:33:24 ${speed(120)}`,
      `TEST-02 overspeed medium OPEN 09:33:17 ${speed(120)}`,
      `TEST-02 overspeed medium OPEN 09:33:21 ${speed(120)}`,
    ]);
  });

  test('four minutes after their timestamps the overspeeds are AUTO_CLOSED, at their due times', async () => {
    await system.until(at('09:35:31') + 999);
    expect(table()[0]).toBe(`TEST-01 overspeed medium OPEN 09:31:32 ${speed(105)}`);
    await sendThrough(3);
    await system.until(at('09:37:24'));
    expect(table()).toEqual([
      `TEST-01 overspeed medium AUTO_CLOSED 09:35:32 ${speed(105)}`,
      `TEST-02 overspeed critical AUTO_CLOSED 09:37:24 ${speed(120)}`,
      `TEST-02 overspeed medium AUTO_CLOSED 09:37:17 ${speed(120)}`,
      `TEST-02 overspeed medium AUTO_CLOSED 09:37:21 ${speed(120)}`,
      `TEST-03 feedback_negative low OPEN 09:35:03 ${JSON.stringify(rude)}`,
      `TEST-04 compliance low AUTO_CLOSED 09:37:02 ${JSON.stringify(valid)}`,
      `TEST-04 compliance low OPEN 09:35:34 ${JSON.stringify(expired)}`,
    ]);
  });

  test('the closing events carry the old status and say why', () => {
    const closings = system.events.filter(({ eventType }) => eventType === 'AUTO_CLOSED');
    expect(closings.map(({ driverId, oldStatus, metadata }) => [driverId, oldStatus, metadata])).toEqual([
      ['TEST-01', 'OPEN', '{"reason":"timeout","src":"overspeed"}'],
      ['TEST-04', 'OPEN', '{"reason":"document_valid","src":"compliance"}'],
      ['TEST-02', 'OPEN', '{"reason":"timeout","src":"overspeed"}'],
      ['TEST-02', 'OPEN', '{"reason":"timeout","src":"overspeed"}'],
      ['TEST-02', 'ESCALATED', '{"reason":"timeout","src":"overspeed"}'],
    ]);
  });

  test('the second bad feedback within a day is ESCALATED to high, the first stays', async () => {
    await sendThrough(1);
    expect(table().filter((line) => line.startsWith('TEST-03'))).toEqual([
      `TEST-03 feedback_negative high ESCALATED 09:40:55 ${JSON.stringify(again)}`,
      `TEST-03 feedback_negative low OPEN 09:35:03 ${JSON.stringify(rude)}`,
    ]);
  });

  test('five minutes after closing the alerts are gone, each with one PURGED event that says to archive it', async () => {
    await system.until(at('09:42:24'));
    expect(table()).toEqual([
      `TEST-03 feedback_negative high ESCALATED 09:40:55 ${JSON.stringify(again)}`,
      `TEST-03 feedback_negative low OPEN 09:35:03 ${JSON.stringify(rude)}`,
      `TEST-04 compliance low OPEN 09:35:34 ${JSON.stringify(expired)}`,
    ]);
    const purges = system.events.filter(({ eventType }) => eventType === 'PURGED');
    expect(purges.map(({ driverId, timestamp, metadata }) => [driverId, timestamp, metadata])).toEqual([
      ['TEST-01', at('09:40:32'), '{"reason":"purged","src":"overspeed","archive":true}'],
      ['TEST-04', at('09:42:02'), '{"reason":"purged","src":"compliance","archive":true}'],
      ['TEST-02', at('09:42:17'), '{"reason":"purged","src":"overspeed","archive":true}'],
      ['TEST-02', at('09:42:21'), '{"reason":"purged","src":"overspeed","archive":true}'],
      ['TEST-02', at('09:42:24'), '{"reason":"purged","src":"overspeed","archive":true}'],
    ]);
  });

  test('an escalated alert’s whole life is four numbered events', () => {
    const life = system.eventsOf(system.events.find(({ eventType }) => eventType === 'ESCALATED')?.alertId ?? '');
    expect(
      life.map(({ sequence, eventType, oldStatus, newStatus }) => [sequence, eventType, oldStatus, newStatus]),
    ).toEqual([
      [1, 'CREATED', null, 'OPEN'],
      [2, 'ESCALATED', 'OPEN', 'ESCALATED'],
      [3, 'AUTO_CLOSED', 'ESCALATED', 'AUTO_CLOSED'],
      [4, 'PURGED', 'AUTO_CLOSED', 'AUTO_CLOSED'],
    ]);
    expect(life[1]?.metadata).toBe('{"reason":"count_reached","src":"overspeed","count":3,"windowMins":2}');
  });

  test('two days later the feedbacks are closed too; the expired document stays OPEN', async () => {
    await system.until(at('09:40:55') + 48 * HOUR + 5 * MINUTE);
    expect(table()).toEqual([`TEST-04 compliance low OPEN 09:35:34 ${JSON.stringify(expired)}`]);
    expect(await system.deadLetters()).toEqual([]);
  });
});
