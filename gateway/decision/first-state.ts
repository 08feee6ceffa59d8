/**
 * Finds the state an alert has after its decision, in one partition's committed lifecycle events.
 *
 * Invariant [INV-GATEWAY-WHOLE-DECISION]: a state is settled only once all events of its decision were seen. A decision's events
 * stand next to each other in one partition and become visible together, so the decision is whole as soon as an event of another
 * alert follows, or the end of the committed log is reached; no list of reasons has to be kept in step with the rules.
 */

/** An alert and its status after an event. */
export interface AlertState {
  readonly alertId: string;
  readonly status: string;
}

export interface ScanStep {
  /** The state that waits to see whether more events of its decision follow. */
  readonly held: AlertState | undefined;
  readonly settled: AlertState | undefined;
}

/** The next event of the partition; undefined stands for an event of some alert nobody asks about. */
export const nextEvent = (held: AlertState | undefined, event: AlertState | undefined): ScanStep => ({
  held: event,
  settled: held?.alertId === event?.alertId ? undefined : held,
});

/** Every committed event of the partition has been seen. */
export const endOfLog = (held: AlertState | undefined): ScanStep => ({ held: undefined, settled: held });
