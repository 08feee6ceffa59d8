/**
 * What the threads of our side count, each in a row of its own. Invariant: a row has one writer, so counting needs no lock and
 * costs the measured thread next to nothing; the process that started the threads only reads.
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
  /** The row of this thread. */
  readonly counters: Float64Array;
}
