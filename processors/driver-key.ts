/**
 * The key under which recent times are kept: one per driver and source type.
 *
 * Invariant: different pairs have different keys, whatever characters the names hold. Keys of one driver lie together.
 */

/** Ends the driver's part. */
const SEPARATOR = '|';
const ESCAPE = '\\';

export const driverKey = (driverId: string, sourceType: string): string => escaped(driverId) + SEPARATOR + sourceType;

/** Only the driver's part has to be escaped: what follows the first bare separator is the source type. */
const escaped = (driverId: string): string =>
  driverId.includes(SEPARATOR) || driverId.includes(ESCAPE)
    ? driverId.replaceAll(ESCAPE, ESCAPE + ESCAPE).replaceAll(SEPARATOR, ESCAPE + SEPARATOR)
    : driverId;
