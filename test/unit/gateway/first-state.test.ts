/** Finding the state after a decision in a partition's events. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertState, endOfLog, nextEvent } from '../../../gateway/decision/first-state.ts';

/** Reads the partition in fetches of the given sizes; every fetch but the last ends before the end of the log. */
const settledStates = (events: readonly (AlertState | undefined)[], fetchEndsAtEndOfLog: readonly boolean[]) => {
  const settled: AlertState[] = [];
  let held: AlertState | undefined;
  events.forEach((event, index) => {
    let step = nextEvent(held, event);
    if (step.settled !== undefined) settled.push(step.settled);
    if (fetchEndsAtEndOfLog[index] === true) {
      step = endOfLog(step.held);
      if (step.settled !== undefined) settled.push(step.settled);
    }
    held = step.held;
  });
  const { settled: last } = endOfLog(held);
  return last === undefined ? settled : [...settled, last];
};

const open = (alertId: string): AlertState => ({ alertId, status: 'OPEN' });

describe('the first state of an alert', () => {
  it('is OPEN when nothing follows, ESCALATED or AUTO_CLOSED when that follows its creation', () => {
    const events = [open('a'), open('b'), { alertId: 'b', status: 'ESCALATED' }, open('c')];
    expect(settledStates(events, [])).toEqual([open('a'), { alertId: 'b', status: 'ESCALATED' }, open('c')]);
  });

  it('is told as soon as another alert follows, without waiting for the end of the log', () => {
    expect(nextEvent(open('a'), undefined).settled).toEqual(open('a'));
    expect(nextEvent(open('a'), open('b')).settled).toEqual(open('a'));
    expect(nextEvent(open('a'), { alertId: 'a', status: 'ESCALATED' }).settled).toBeUndefined();
  });

  it('[INV-GATEWAY-WHOLE-DECISION] is the last of its decision, however the log is cut into fetches', () => {
    const decision = fc.constantFrom<readonly string[]>(['OPEN'], ['OPEN', 'ESCALATED'], ['OPEN', 'AUTO_CLOSED']);
    const alerts = fc.array(fc.tuple(decision, fc.boolean(), fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(alerts, (specs) => {
        const events: (AlertState | undefined)[] = [];
        const ends: boolean[] = [];
        const expected: AlertState[] = [];
        specs.forEach(([statuses, awaited, endsFetch], index) => {
          const alertId = String(index);
          for (const status of statuses) {
            events.push(awaited ? { alertId, status } : undefined);
            // The committed end of the log is never within a decision.
            ends.push(false);
          }
          ends[ends.length - 1] = endsFetch;
          if (awaited) expected.push({ alertId, status: statuses.at(-1) ?? '' });
        });
        expect(settledStates(events, ends)).toEqual(expected);
      }),
    );
  });
});
