/**
 * Why a query has no answer.
 *
 * Invariant: every refusal has a stable code, says what to do, and says whether asking again is of use; with what is needed for
 * that: when, and of whom.
 */
import { StreamsError, type Recovery } from '../errors.ts';

export type QueryErrorCode =
  /** Asking again the same way is of no use. */
  | 'QUERY_INVALID'
  | 'STORE_UNKNOWN'
  | 'PARTITION_UNKNOWN'
  /** It passes. */
  | 'NOT_RUNNING'
  | 'REBALANCING'
  | 'STORE_RESTORING'
  | 'TOO_STALE'
  | 'POSITION_NOT_REACHED'
  | 'COUNTS_NOT_READY'
  | 'BUSY'
  | 'OWNER_UNREACHABLE';

/** As data, for other threads and processes. */
export interface QueryFailure {
  readonly code: QueryErrorCode;
  readonly message: string;
  /** The address of the instance that owns the partition, where one is known. */
  readonly owner?: string;
  /** When to ask again, in milliseconds; undefined: never the same way. */
  readonly retryAfterMs?: number;
}

const NEVER = new Set<QueryErrorCode>(['QUERY_INVALID', 'STORE_UNKNOWN', 'PARTITION_UNKNOWN']);
const RETRY_AFTER_MS = 1_000;

export class QueryError extends StreamsError {
  readonly recovery: Recovery;
  declare readonly code: QueryErrorCode;
  readonly owner: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor({ code, message, owner, retryAfterMs }: QueryFailure, options?: { cause?: unknown }) {
    super(code, message, options);
    this.recovery = NEVER.has(code) ? 'stop' : 'retry';
    this.owner = owner;
    this.retryAfterMs = NEVER.has(code) ? undefined : (retryAfterMs ?? RETRY_AFTER_MS);
  }

  toFailure(): QueryFailure {
    const { code, message, owner, retryAfterMs } = this;
    return {
      code,
      message,
      ...(owner !== undefined && { owner }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  }
}

export const invalidQuery = (message: string): QueryError => new QueryError({ code: 'QUERY_INVALID', message });
