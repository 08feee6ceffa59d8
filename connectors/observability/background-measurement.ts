/**
 * Measurements that a service has to be asked for: a database, a broker.
 *
 * Invariant: a metrics page never waits for them. Asking goes on beside it, one at a time and at most once an interval; an answer that is
 * older than a few intervals is left out, so an outage shows as no figure and not as an old one.
 */
import type { Clock, Logger, Measurement } from '../../streams/ports.ts';

export interface BackgroundMeasurementOptions {
  /** Bounded in time. */
  readonly ask: () => Promise<readonly Measurement[]>;
  /** What is asked for, for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 10_000;
const MAX_AGE_INTERVALS = 4;

export const measuredInBackground = ({
  ask,
  what,
  clock,
  logger,
  intervalMs = DEFAULT_INTERVAL_MS,
}: BackgroundMeasurementOptions): (() => readonly Measurement[]) => {
  let answer: readonly Measurement[] = [];
  let answeredMs = -Infinity;
  let askedMs = -Infinity;
  let asking = false;
  const refresh = async (): Promise<void> => {
    asking = true;
    askedMs = clock.now();
    try {
      answer = await ask();
      answeredMs = clock.now();
    } catch (error) {
      logger.debug(`${what} cannot be measured at the moment`, { err: error });
    } finally {
      asking = false;
    }
  };
  return () => {
    const nowMs = clock.now();
    if (!asking && nowMs - askedMs >= intervalMs) void refresh();
    return nowMs - answeredMs <= MAX_AGE_INTERVALS * intervalMs ? answer : [];
  };
};
