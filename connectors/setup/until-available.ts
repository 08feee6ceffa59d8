/**
 * Waiting for a service that is still starting.
 *
 * Invariant: only faults that pass are waited out, and never longer than the limit; everything else is passed on at once.
 */
import { RetriableLogError, recoveryOf } from '../../streams/errors.ts';
import type { Clock } from '../../streams/ports.ts';

export interface WaitOptions {
  /** The service, to begin a sentence with, such as `Kafka at 127.0.0.1:9092`. */
  readonly service: string;
  readonly waitMs: number;
  readonly clock: Clock;
  /** Gets a line now and then while the service is awaited. */
  readonly say: (line: string) => void;
}

const PAUSE_MS = 500;
const LINE_EVERY_MS = 5000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Repeats an idempotent action until it succeeds. An attempt has to be bounded by itself. Rejects with `RetriableLogError`
 * when the time is over, and with the action's own error when repeating is no use.
 */
export const untilAvailable = async <T>(options: WaitOptions, action: () => Promise<T>): Promise<T> => {
  const { service, waitMs, clock, say } = options;
  const startMs = clock.now();
  let saidMs = -Infinity;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (recoveryOf(error) !== 'retry') throw error;
      const waitedMs = clock.now() - startMs;
      if (waitedMs >= waitMs) {
        throw new RetriableLogError(
          'SERVICE_UNAVAILABLE',
          `${service} was not available within ${waitMs / 1000} s: ${messageOf(error)}`,
          { cause: error },
        );
      }
      if (waitedMs - saidMs >= LINE_EVERY_MS) {
        saidMs = waitedMs;
        say(`Waiting for ${service} (${Math.round(waitedMs / 1000)} of ${waitMs / 1000} s): ${messageOf(error)}`);
      }
    }
    await clock.sleep(PAUSE_MS);
  }
};
