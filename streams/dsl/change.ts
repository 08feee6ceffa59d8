/**
 * What flows between the nodes of a table: each update with what it takes the place of.
 */

export interface Change<V> {
  readonly newValue: V | null;
  /** Null when there was none, and when nobody downstream asked for former values. */
  readonly oldValue: V | null;
  /** False for an update of a versioned table that a later one in event time has overtaken already. */
  readonly isLatest: boolean;
}
