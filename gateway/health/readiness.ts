/**
 * Whether everything between a request and its row in the database works.
 *
 * Invariant: an answer comes within the time limit whatever hangs; a report names each check but nothing of the inside, since
 * anybody may ask. Why a check fails is for the log: one line when it starts to fail and one when it passes again.
 */
import type { Logger } from '../../connectors/log.ts';
import {
  type CheckResult,
  healthReporter,
  type HealthChecks,
  type UpOrDown,
} from '../../connectors/observability/health-checks.ts';

export interface ReadinessReport {
  readonly status: UpOrDown;
  readonly checks: Readonly<Record<string, { readonly status: UpOrDown; readonly durationMs: number }>>;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
}

export type Readiness = () => Promise<ReadinessReport>;

const changeNoter = (logger: Logger): ((name: string, result: CheckResult) => void) => {
  const failing = new Set<string>();
  return (name, { status, error }) => {
    if (status === 'UP') {
      if (failing.delete(name)) logger.info('a check passes again', { check: name });
    } else if (!failing.has(name)) {
      failing.add(name);
      logger.warn('a check fails', { check: name, error });
    }
  };
};

/** `timeoutMs`: for each check; they run side by side. The answer never rejects. */
export const readiness = (checks: HealthChecks, timeoutMs: number, logger: Logger): Readiness => {
  const report = healthReporter(checks, timeoutMs);
  const noteChange = changeNoter(logger);
  return async () => {
    const { checks: results, ...whole } = await report();
    const reported = Object.entries(results).map(([name, result]) => {
      noteChange(name, result);
      return [name, { status: result.status, durationMs: result.durationMs }] as const;
    });
    return { ...whole, checks: Object.fromEntries(reported) };
  };
};
