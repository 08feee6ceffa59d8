import { describe, expect, it } from 'vitest';
import { lagMeasurements } from '../../../sink/lag.ts';

describe('how far the tables are behind', () => {
  const at = { topic: 'alert-events', partition: 3 };
  const labels = { topic: 'alert-events', partition: '3' };
  const measure = (readTo: number, end: number) =>
    lagMeasurements({ at, readTo, sinceMs: 60_000 }, { beginning: 0, end }, 90_000);

  it('is what lies between the end of the log and what was read, and how long ago that came', () => {
    expect(measure(10, 25)).toEqual([
      { name: 'sink_lag_records', labels, value: 15 },
      { name: 'sink_lag_seconds', labels, value: 30 },
    ]);
  });

  it('is nothing once everything was read, however long nothing has come', () => {
    expect(measure(25, 25).map(({ value }) => value)).toEqual([0, 0]);
    expect(measure(26, 25).map(({ value }) => value)).toEqual([0, 0]);
  });
});
