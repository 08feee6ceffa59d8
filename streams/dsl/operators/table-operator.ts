/**
 * What the node of a table can do for those downstream of it.
 *
 * Invariant: a view answers what the table's last update was, whether the table has a store of its own or is worked out from
 * those it derives from.
 */
import type { ProcessorContext } from '../../processor.ts';
import type { ValueAndTimestamp } from '../../state-store-timed.ts';

export interface TableReader<K, V> {
  get(key: K): ValueAndTimestamp<V> | undefined;
  /** The value that was valid then; the current one where the table keeps no versions. */
  getAsOf(key: K, timestampMs: number): ValueAndTimestamp<V> | undefined;
}

export interface TableView<K, V> {
  /** The stores that a processor must be connected to. */
  readonly stores: readonly string[];
  open(context: ProcessorContext<never, never>): TableReader<K, V>;
}

export interface TableOperator<K, V> {
  /**
   * Asks for the former value with each update. Without `force` only if it costs no store that is not there anyway. Answers
   * whether former values come.
   */
  sendOldValues(force: boolean): boolean;
  /** Gives a table a store if it takes one. */
  view(): TableView<K, V>;
}

export interface Sending {
  readonly oldValues: boolean;
}

/** The later of the two times; -1 stands for none. */
export const laterMs = (a: number, b: number | undefined): number => Math.max(a, b ?? -1);
