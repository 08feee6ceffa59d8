/**
 * Rules speak of minutes, the engine of milliseconds.
 *
 * Invariant: this is the only place that converts, rounding to the nearest millisecond.
 */
export const MS_PER_MINUTE = 60_000;

export const minutesToMs = (minutes: number): number => Math.round(minutes * MS_PER_MINUTE);
