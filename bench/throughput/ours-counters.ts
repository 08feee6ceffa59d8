/**
 * What the threads of our side count together. Invariant: only added to, and read by the process that started them.
 */
export const PROCESSED = 0;
export const LIFECYCLE_EVENTS = 1;
/** When the first record was processed, in epoch milliseconds; 0 before that. */
export const FIRST_RECORD = 2;
export const COUNTERS = 3;

export interface OursThreadData {
  readonly name: string;
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly input: string;
  readonly output: string;
  readonly app: string;
  readonly graceMs: number;
  readonly threads: number;
  readonly counters: BigInt64Array;
}
