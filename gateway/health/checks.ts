/**
 * The checks behind readiness that are the gateway's own.
 */
import type { HealthCheck } from '../../connectors/observability/health-checks.ts';
import type { DecisionTail } from '../decision/decision-tail.ts';

/** The address answers 2xx within `timeoutMs`. */
export const answersOk =
  (url: string, timeoutMs: number): HealthCheck =>
  async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  };

/** The tail follows the events and is at most `maxLag` offsets behind. Fails, too, when the log is out of reach. */
export const caughtUp =
  (tail: DecisionTail, maxLag: number): HealthCheck =>
  async () => {
    const lag = await tail.lag();
    if (lag === undefined) throw new Error('not following the lifecycle events yet');
    if (lag > maxLag) throw new Error(`${lag} offsets behind the lifecycle events`);
  };
