/**
 * The few statistics that results are made of. Invariant: pure, and NaN (null in JSON) for nothing at all.
 */
export const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The upper one of two middle values, so that it is always a value that was measured. */
export const median = (values: readonly number[]): number => sorted(values)[values.length >> 1] ?? Number.NaN;

/** The smallest value that at least `share` of all do not exceed. `ascending` is sorted. */
export const quantile = (ascending: readonly number[], share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.max(0, Math.ceil(share * ascending.length) - 1))] ?? Number.NaN;

export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

export function summarizeLatencies(latenciesMs: readonly number[]): LatencySummary {
  const ascending = sorted(latenciesMs);
  const at = (share: number): number => tenths(quantile(ascending, share));
  return { count: ascending.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
}

/** A figure with as many digits as mean anything. */
export const rounded = (value: number, digits = 3): number =>
  Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
