/**
 * How many errors a service logged in one bucket of time: the record on `log-error-counts`, keyed by service (UTF-8).
 *
 * Invariant: the same fields, in the same order, as log-error-count.avsc. A record replaces every earlier one of its bucket, so
 * readers may apply it twice or after a gap.
 */
import type { FieldTable } from './field-table.ts';

/** Lengths of buckets in milliseconds; days are UTC. */
export const RESOLUTION_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type Resolution = keyof typeof RESOLUTION_MS;

/** How long the buckets of a resolution are kept, in milliseconds: somewhat longer than the ranges that are asked for. */
export const RESOLUTION_KEPT_MS: Readonly<Record<Resolution, number>> = {
  minute: 2 * 86_400_000,
  hour: 32 * 86_400_000,
  day: 400 * 86_400_000,
};

export interface LogErrorCount {
  readonly service: string;
  readonly resolution: Resolution;
  /** UTC epoch milliseconds. */
  readonly bucketStart: number;
  /** Never less than in an earlier record of the same bucket. */
  readonly count: number;
}

export const LOG_ERROR_COUNT_FIELDS = {
  service: 'string',
  resolution: 'string',
  bucketStart: 'long:timestamp-millis',
  count: 'long',
} as const satisfies FieldTable<LogErrorCount>;
