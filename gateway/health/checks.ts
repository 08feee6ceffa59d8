/**
 * The checks behind readiness that need nothing but a port or an address.
 */
import type { DecisionTail } from '../decision/decision-tail.ts';
import type { Check } from './readiness.ts';

/** The address answers 2xx. */
export const answersOk =
  (url: string): Check =>
  async (signal) => {
    const response = await fetch(url, { signal, redirect: 'error' });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  };

/** The tail follows the events and is at most `maxLag` offsets behind. Fails, too, when the log is out of reach. */
export const caughtUp =
  (tail: DecisionTail, maxLag: number): Check =>
  async () => {
    const lag = await tail.lag();
    if (lag === undefined) throw new Error('not following the lifecycle events yet');
    if (lag > maxLag) throw new Error(`${lag} offsets behind the lifecycle events`);
  };
