/**
 * What the offering thread is told, and how an alert tells its place in the schedule. Invariant: the index survives the way
 * through the whole system in the alert's own id.
 */
export interface Offer {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly schemaId: number;
  /** Alerts per second. */
  readonly rate: number;
  readonly seconds: number;
  /** When the first one is due, in epoch milliseconds. */
  readonly startMs: number;
}

export const OFFERED_DRIVERS = 50_000;

const ID_START = 'bench-';

export const offeredAlertId = (index: number): string => `${ID_START}${index}`;
export const offeredIndex = (alertId: string): number => Number(alertId.slice(ID_START.length));
