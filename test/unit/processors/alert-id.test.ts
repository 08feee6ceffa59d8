import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AlertIds } from '../../../processors/alert-id.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const timestampMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const offset = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const partition = fc.integer({ min: 0, max: 16_383 });

describe('alert ids', () => {
  test('have the shape of a UUIDv7 with the event time first', () => {
    const id = new AlertIds('raw-alerts', 3).idOf(Date.UTC(2025, 10, 24, 9, 33, 24), 77);
    expect(id).toMatch(UUID_V7);
    expect(parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(Date.UTC(2025, 10, 24, 9, 33, 24));
    expect(id.slice(19)).toBe('8003-00000000004d');
  });

  test('[INV-ID-DETERMINISTIC] depend on time and place alone, not on what was asked before', () => {
    fc.assert(
      fc.property(partition, fc.array(fc.tuple(timestampMs, offset), { minLength: 1 }), (of, records) => {
        const one = new AlertIds('raw-alerts', of);
        for (const [time, at] of records) {
          const id = one.idOf(time, at);
          expect(id).toMatch(UUID_V7);
          expect(new AlertIds('raw-alerts', of).idOf(time, at)).toBe(id);
        }
      }),
    );
  });

  test('differ for any two records', () => {
    fc.assert(
      fc.property(timestampMs, partition, offset, timestampMs, partition, offset, (t1, p1, o1, t2, p2, o2) => {
        const same = t1 === t2 && p1 === p2 && o1 === o2;
        expect(new AlertIds('a', p1).idOf(t1, o1) === new AlertIds('a', p2).idOf(t2, o2)).toBe(same);
      }),
    );
  });

  test('sort by event time, then by offset', () => {
    fc.assert(
      fc.property(timestampMs, offset, timestampMs, offset, (t1, o1, t2, o2) => {
        const ids = new AlertIds('raw-alerts', 0);
        const before = t1 < t2 || (t1 === t2 && o1 < o2);
        expect(ids.idOf(t1, o1) < ids.idOf(t2, o2)).toBe(before);
      }),
    );
  });

  test('tell topics apart', () => {
    expect(new AlertIds('raw-alerts', 0).idOf(1, 1)).not.toBe(new AlertIds('raw-alerts-eu', 0).idOf(1, 1));
  });

  test('refuse a partition that does not fit', () => {
    expect(() => new AlertIds('raw-alerts', 16_384)).toThrow('partitions 0 to 16383');
  });
});
