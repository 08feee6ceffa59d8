/**
 * Checks of what a process needs, bounded in time, and the report of them: `{"status":"UP","checks":{…},"timestamp":…}`.
 *
 * Invariant [INV-HEALTH-BOUNDED]: asking never waits longer than the time limit, and a check that hangs is not started a second time
 * before it has ended, however often it is asked.
 */
import { redactText } from './redact.ts';

/** Resolves when all is well; rejects, saying what is wrong. */
export type HealthCheck = () => Promise<void> | void;
export type HealthChecks = Readonly<Record<string, HealthCheck>>;

export type UpOrDown = 'UP' | 'DOWN';

export interface CheckResult {
  readonly status: UpOrDown;
  readonly durationMs: number;
  readonly error?: string;
}

export interface HealthReport {
  /** UP when every check is. */
  readonly status: UpOrDown;
  readonly checks: Readonly<Record<string, CheckResult>>;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
}

export type HealthReporter = () => Promise<HealthReport>;

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

const reportOf = (checks: HealthReport['checks']): HealthReport => ({
  status: Object.values(checks).every(({ status }) => status === 'UP') ? 'UP' : 'DOWN',
  checks,
  timestamp: new Date().toISOString(),
});

/** A function that runs all checks at once and never rejects. */
export const healthReporter = (checks: HealthChecks, timeoutMs = DEFAULT_TIMEOUT_MS): HealthReporter => {
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
      return [name, { status: 'UP', durationMs: elapsedMs() }];
    } catch (error) {
      const message = redactText(error instanceof Error ? error.message : String(error));
      return [name, { status: 'DOWN', durationMs: elapsedMs(), error: message }];
    }
  };

  return async () => reportOf(Object.fromEntries(await Promise.all(Object.entries(checks).map(run))));
};

/** All reports as one. */
export const mergedReport = (reports: readonly HealthReport[]): HealthReport =>
  reportOf(Object.fromEntries(reports.flatMap(({ checks }) => Object.entries(checks))));
