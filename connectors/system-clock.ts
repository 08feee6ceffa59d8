/**
 * The clock of this machine, behind the engine's port.
 */
import type { Clock } from '../streams/ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      // A timer of 0 ms takes at least one; a busy loop that only lets others have their turn must not pay that.
      if (ms <= 0) {
        setImmediate(resolve);
        return;
      }
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
};
