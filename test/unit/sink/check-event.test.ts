import { describe, expect, it } from 'vitest';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { MAX_LENGTHS, problemWith } from '../../../sink/check-event.ts';
import { lifecycleEvent, lifeOf } from '../../support/sink-events.ts';

const withId = (alertId: string): LifecycleEvent => lifecycleEvent({ alertId, eventId: `${alertId}:1` });

describe('problemWith', () => {
  it('finds nothing wrong with the whole life of an alert', () => {
    expect(lifeOf('a').map(problemWith)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  it.each([
    ['an empty id', withId(''), /alertId is empty/],
    ['an id that the database would take for another', withId('a '), /ends with a space/],
    ['an id that is too long', withId('x'.repeat(65)), /alertId has 65 characters, at most 64/],
    ['a sequence below 1', lifecycleEvent({ sequence: 0, eventId: 'alert-1:0' }), /sequence is 0/],
    ['an event id of another event', lifecycleEvent({ eventId: 'alert-1:2' }), /eventId is not/],
    ['a time that DATETIME cannot hold', lifecycleEvent({ timestamp: Date.UTC(10_000, 0, 1) }), /years 1000 to 9999/],
    ['an alert time before all calendars', lifecycleEvent({ alertTimestamp: -8.64e15 }), /alertTimestamp/],
    ['a time that is not a whole number', lifecycleEvent({ timestamp: 1.5 }), /timestamp 1.5/],
    ['a source type that is too long', lifecycleEvent({ sourceType: 'x'.repeat(129) }), /sourceType has 129/],
  ])('refuses %s', (_name, event, problem) => {
    expect(problemWith(event)).toMatch(problem);
  });

  it('accepts texts that just fit', () => {
    const full = Object.fromEntries(Object.entries(MAX_LENGTHS).map(([field, length]) => [field, 'x'.repeat(length)]));
    const alertId = 'x'.repeat(MAX_LENGTHS.alertId);
    expect(problemWith(lifecycleEvent({ ...full, alertId, eventId: `${alertId}:1` }))).toBeUndefined();
  });
});
