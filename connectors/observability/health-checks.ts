/**
 * Checks of what a process needs, bounded in time.
 *
 * Invariant: asking never waits longer than the time limit, and a check that hangs is not started a second time before it
 * has ended, however often it is asked.
 */
import { redactText } from './redact.ts';

/** Resolves when all is well; rejects, saying what is wrong. */
export type HealthCheck = () => Promise<void> | void;
export type HealthChecks = Readonly<Record<string, HealthCheck>>;

export interface CheckResult {
  readonly status: 'ok' | 'failed';
  readonly durationMs: number;
  readonly error?: string;
}

export interface HealthReport {
  readonly status: 'ok' | 'unavailable';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

const DEFAULT_TIMEOUT_MS = 2000;

const within = async (running: Promise<void>, timeoutMs: number): Promise<void> => {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`There was no answer within ${timeoutMs} ms.`)), timeoutMs);
  try {
    await Promise.race([running, expired]);
  } finally {
    clearTimeout(timer);
  }
};

/** A function that runs all checks at once and never rejects. */
export const healthReporter = (checks: HealthChecks, timeoutMs = DEFAULT_TIMEOUT_MS): (() => Promise<HealthReport>) => {
  const underWay = new Map<string, Promise<void>>();

  const start = (name: string, check: HealthCheck): Promise<void> => {
    let running = underWay.get(name);
    if (running === undefined) {
      running = Promise.resolve()
        .then(check)
        .finally(() => underWay.delete(name));
      underWay.set(name, running);
    }
    return running;
  };

  const run = async ([name, check]: [string, HealthCheck]): Promise<[string, CheckResult]> => {
    const startMs = performance.now();
    const elapsedMs = (): number => Math.round(performance.now() - startMs);
    try {
      await within(start(name, check), timeoutMs);
      return [name, { status: 'ok', durationMs: elapsedMs() }];
    } catch (error) {
      const message = redactText(error instanceof Error ? error.message : String(error));
      return [name, { status: 'failed', durationMs: elapsedMs(), error: message }];
    }
  };

  return async () => {
    const results = await Promise.all(Object.entries(checks).map(run));
    const healthy = results.every(([, { status }]) => status === 'ok');
    return { status: healthy ? 'ok' : 'unavailable', checks: Object.fromEntries(results) };
  };
};
