import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeRows, planBatch } from '../../../sink/plan-batch.ts';
import {
  ALERT_COLUMNS,
  alertValues,
  chunkRows,
  EVENT_COLUMNS,
  eventValues,
  toDatetime,
} from '../../../sink/sql-rows.ts';
import type { SqlValues } from '../../../sink/sql-rows.ts';
import { lifecycleEvent } from '../../support/sink-events.ts';

describe('rows for statements', () => {
  it('has a value for each column', () => {
    const event = lifecycleEvent();
    const [row] = planBatch([event]).alerts;
    expect(alertValues(row!)).toHaveLength(ALERT_COLUMNS.split(',').length);
    expect(eventValues(event)).toHaveLength(EVENT_COLUMNS.split(',').length);
  });

  it('writes times in UTC with milliseconds', () => {
    expect(toDatetime(Date.UTC(2026, 10, 24, 9, 33, 24, 7))).toBe('2026-11-24 09:33:24.007');
    expect(toDatetime(-1)).toBe('1969-12-31 23:59:59.999');
  });

  it('keeps every row, in order, in statements of bounded size', () => {
    const rows = fc.array(fc.tuple(fc.string({ maxLength: 50 }), fc.nat({ max: 400_000 })), { maxLength: 1_200 });
    fc.assert(
      fc.property(rows, (sizes) => {
        const values: SqlValues[] = sizes.map(([id, size]) => [id, 'x'.repeat(size)]);
        const chunks = chunkRows(values);
        expect(chunks.flat()).toEqual(values);
        for (const chunk of chunks) {
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.length).toBeLessThanOrEqual(500);
          const chars = chunk.flat().reduce<number>((sum, value) => sum + String(value).length, 0);
          if (chunk.length > 1) expect(chars).toBeLessThanOrEqual(1 << 20);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('mergeRows', () => {
  it('is commutative, associative and idempotent over the events of one alert', () => {
    const event = fc.record({ sequence: fc.integer({ min: 1, max: 9 }), changes: fc.boolean() });
    const rowOf = ({ sequence, changes }: { sequence: number; changes: boolean }) =>
      planBatch([
        lifecycleEvent({
          sequence,
          timestamp: sequence * 1_000,
          severity: sequence % 2 === 0 ? 'high' : 'low',
          oldStatus: changes ? null : 'OPEN',
        }),
      ]).alerts[0]!;
    // One event has one sequence: what two events with the same number differ in is not defined.
    const rows = fc.uniqueArray(event, { minLength: 3, maxLength: 3, selector: ({ sequence }) => sequence });
    fc.assert(
      fc.property(rows, (events) => {
        const [a, b, c] = events.map(rowOf) as [
          ReturnType<typeof rowOf>,
          ReturnType<typeof rowOf>,
          ReturnType<typeof rowOf>,
        ];
        expect(mergeRows(a, b)).toEqual(mergeRows(b, a));
        expect(mergeRows(mergeRows(a, b), c)).toEqual(mergeRows(a, mergeRows(b, c)));
        expect(mergeRows(a, a)).toEqual(a);
      }),
    );
  });
});
