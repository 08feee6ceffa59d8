import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedMap } from '../../../state/sorted-map.ts';

const bytes = (number: number): Uint8Array => {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(number, 0);
  return key;
};
const number = (key: Uint8Array): number => Buffer.from(key).readUInt32BE(0);

type Step =
  | { readonly kind: 'set' | 'delete'; readonly key: number }
  | { readonly kind: 'fill'; readonly key: number; readonly count: number }
  | { readonly kind: 'deleteRange' | 'range' | 'snapshot'; readonly key: number; readonly to: number }
  | { readonly kind: 'clear' };

const key = fc.nat(2000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('set' as const, 'delete' as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fill' as const), key, count: fc.nat(600) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('deleteRange' as const, 'range' as const, 'snapshot' as const),
      key,
      to: key,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

describe('SortedMap', () => {
  it('agrees with a plain map, and its ranges with the moment they were asked for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const map = new SortedMap<number>();
        const model = new Map<number, number>();
        const snapshots: { range: Iterable<readonly [Uint8Array, number]>; expected: number[][] }[] = [];
        const expected = (from: number, to: number): number[][] =>
          [...model].filter(([k]) => k >= from && k < to).sort(([a], [b]) => a - b);
        let version = 0;
        for (const each of steps) {
          version += 1;
          switch (each.kind) {
            case 'set':
              map.set(bytes(each.key), version);
              model.set(each.key, version);
              break;
            case 'delete':
              map.delete(bytes(each.key));
              model.delete(each.key);
              break;
            case 'fill':
              for (let k = each.key; k < each.key + each.count; k += 2) {
                map.set(bytes(k), version);
                model.set(k, version);
              }
              break;
            case 'deleteRange':
              map.deleteRange(bytes(each.key), bytes(each.to));
              for (const k of [...model.keys()]) if (k >= each.key && k < each.to) model.delete(k);
              break;
            case 'clear':
              map.clear();
              model.clear();
              break;
            case 'range': {
              const bounds = { from: bytes(each.key), to: bytes(each.to), limit: 300 };
              const entries = expected(each.key, each.to);
              const plain = [...map.range(bounds)].map(([k, value]) => [number(k), value]);
              expect(plain).toEqual(entries.slice(0, 300));
              const reversed = [...map.range({ ...bounds, reverse: true })].map(([k, value]) => [number(k), value]);
              expect(reversed).toEqual(entries.reverse().slice(0, 300));
              break;
            }
            case 'snapshot':
              snapshots.push({ range: map.range({ from: bytes(each.key) }), expected: expected(each.key, Infinity) });
          }
          expect(map.size).toBe(model.size);
        }
        for (const { range, expected: entries } of snapshots) {
          expect([...range].map(([k, value]) => [number(k), value])).toEqual(entries);
        }
        for (const [k, value] of model) expect(map.get(bytes(k))).toBe(value);
        expect(map.get(bytes(9999))).toBeUndefined();
      }),
    );
  });
});
