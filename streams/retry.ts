/**
 * How long to pause before another try: doubling from the first pause up to a bound.
 */
export const backoffMs = (
  failures: number,
  { retryBackoffMs, retryBackoffMaxMs }: { readonly retryBackoffMs: number; readonly retryBackoffMaxMs: number },
): number => Math.min(retryBackoffMaxMs, retryBackoffMs * 2 ** Math.min(failures - 1, 20));
