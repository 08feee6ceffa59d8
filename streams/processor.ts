/**
 * The Processor API: what user code implements and what it is given.
 */
import type { Counter, LogFields, Logger, Metrics } from './ports.ts';
import type { Record, RecordMetadata } from './record.ts';
import type { StateStore } from './state-store.ts';

/**
 * `stream-time`: the highest event time the task has seen, advanced by records only.
 * `wall-clock`: the clock port.
 */
export type PunctuationType = 'stream-time' | 'wall-clock';

export interface Cancellable {
  cancel(): void;
}

export type Punctuator = (timestampMs: number) => void;

/** Called for an entry that is due. It must change or delete the entry, or else the task fails: a timer fires once. */
export type DueHandler<K, V> = (key: K, value: V, dueMs: number) => void;

export interface ProcessorContext<KOut = never, VOut = never> {
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  readonly partition: number;
  /** Of the record being processed; undefined within a punctuator or a timer. */
  readonly recordMetadata: RecordMetadata | undefined;
  /** Highest event time seen by the task; -1 before the first record. */
  readonly streamTimeMs: number;
  /** Wall clock as of this turn of the loop. Not for decisions that a replay must repeat. */
  readonly systemTimeMs: number;
  /** To every child, or to the named one. */
  forward(record: Record<KOut, VOut>, childName?: string): void;
  /** Throws for a store that the processor was not connected to. */
  getStateStore<S extends StateStore>(name: string): S;
  /** `anchorMs` aligns the punctuations: they fall on `anchorMs + n * intervalMs`. */
  schedule(
    intervalMs: number,
    type: PunctuationType,
    callback: Punctuator,
    options?: { anchorMs?: number },
  ): Cancellable;
  /** Names the handler of a store's due entries (a `TimerStore` or `DueKeyValueStore`). One per store. */
  onDue<K, V>(storeName: string, handler: DueHandler<K, V>): void;
  /** Asks for a commit soon, ahead of the interval. */
  requestCommit(): void;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface Processor<KIn = never, VIn = never, KOut = never, VOut = never> {
  init?(context: ProcessorContext<KOut, VOut>): void;
  /** Runs to its end without waiting. When it throws, all its effects are taken back and the record goes to the processing handler. */
  process(record: Record<KIn, VIn>): void;
  /** Sees the records that come next, to prefetch store keys; must have no other effect. Only for processors right behind a source. */
  prefetch?(records: readonly Record<KIn, VIn>[]): void;
  close?(): void;
}

export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>;

export type { Counter, LogFields };
