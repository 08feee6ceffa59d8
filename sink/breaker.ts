/**
 * A circuit breaker around the database: after a few failures in a row, calls are refused here instead of being sent, for
 * growing, randomly spread times.
 *
 * Invariant: only outages count; a refused value or a moved position says nothing about the database's health.
 */
import {
  BrokenCircuitError,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleType,
} from 'cockatiel';
import type { Logger, Metrics } from '../connectors/log.ts';
import type { MysqlDatabase } from '../connectors/mysql/database.ts';
import { DatabaseUnavailableError } from '../connectors/mysql/errors.ts';

export interface BreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** About how long it stays open at first, and at most, in milliseconds. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

/** The code of the errors that a breaker answers with while its circuit is open. */
export const CIRCUIT_OPEN = 'CIRCUIT_OPEN';

export const DEFAULT_BREAKER: BreakerOptions = { failures: 3, initialDelayMs: 250, maxDelayMs: 5_000 };

/** The same database behind a breaker. While the circuit is open, every call rejects with `DatabaseUnavailableError` at once. */
export const withBreaker = (
  database: MysqlDatabase,
  logger: Logger,
  metrics: Metrics,
  { failures, initialDelayMs, maxDelayMs }: BreakerOptions = DEFAULT_BREAKER,
): MysqlDatabase => {
  const breaker = circuitBreaker(handleType(DatabaseUnavailableError), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: initialDelayMs, maxDelay: maxDelayMs }),
  });
  const gauge = metrics.gauge('sink_breaker_open');
  gauge.set(0);
  breaker.onStateChange((state) => {
    gauge.set(state === CircuitState.Closed ? 0 : 1);
    if (state === CircuitState.Open) logger.warn('database circuit open: calls are held back');
    if (state === CircuitState.Closed) logger.info('database circuit closed: calls go through');
  });
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await breaker.execute(work);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      throw new DatabaseUnavailableError(
        'CIRCUIT_OPEN',
        'The database failed repeatedly; the next try is due shortly.',
        {
          cause: error,
        },
      );
    }
  };
  return {
    query: (sql, values) => call(() => database.query(sql, values)),
    change: (sql, values) => call(() => database.change(sql, values)),
    transaction: (work) => call(() => database.transaction(work)),
    session: (work) => call(() => database.session(work)),
    close: () => database.close(),
  };
};
