/**
 * Incident ids: UUIDs of version 7 (RFC 9562) that name the partition the incident lives in.
 *
 * Invariant: whoever has the id finds the partition of its commands and of its state without asking anybody, and an incident
 * never leaves that partition. Ids sort by the time of the incident's opening.
 *
 * Bits: 48 time (ms) | 4 version 7 | 12 chosen | 2 variant | 14 partition | 48 chosen.
 */

const MAX_PARTITION = 0x3fff;

/** What keeps ids of one millisecond apart. */
export interface IdBits {
  /** Below 2^12. */
  readonly high: number;
  /** Below 2^48. */
  readonly low: number;
}

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-([89ab][0-9a-f]{3})-[0-9a-f]{12}$/;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** `epochMs` is a whole number from 0, below 2^48. Throws a `RangeError` for a partition above 16383. */
export const incidentIdOf = (epochMs: number, partition: number, { high, low }: IdBits): string => {
  if (!Number.isInteger(partition) || partition < 0 || partition > MAX_PARTITION) {
    throw new RangeError(`Incident ids carry partitions 0 to ${MAX_PARTITION}, not ${partition}.`);
  }
  const time = hex(epochMs, 12);
  const parts = [time.slice(0, 8), time.slice(8), `7${hex(high, 3)}`, hex(0x8000 | partition, 4), hex(low, 12)];
  return parts.join('-');
};

/** Undefined for what is no incident id. */
export const partitionOfIncident = (id: string): number | undefined => {
  const place = FORM.exec(id)?.[1];
  return place === undefined ? undefined : Number.parseInt(place, 16) & MAX_PARTITION;
};
