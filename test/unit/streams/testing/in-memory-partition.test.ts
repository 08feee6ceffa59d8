/**
 * One partition of the in-memory log against a naive model, and what compaction and deletion leave of it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FatalLogError, OffsetOutOfRangeError } from '../../../../streams/errors.ts';
import { InMemoryPartition } from '../../../../streams/testing/in-memory-partition.ts';
import type { AppendedRecord } from '../../../../streams/testing/in-memory-partition.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | null): string | null => value && new TextDecoder().decode(value);

const record = (value: string, key: string | null = value): AppendedRecord => ({
  key: key === null ? null : bytes(key),
  value: bytes(value),
  timestampMs: 1,
  headers: undefined,
});

const partitionOf = (settings: Partial<ConstructorParameters<typeof InMemoryPartition>[1]> = {}): InMemoryPartition =>
  new InMemoryPartition({ topic: 'topic', partition: 0 }, { compacted: false, logAppendTime: false, ...settings });

const valuesFrom = (partition: InMemoryPartition, offset = 0): (string | null)[] =>
  partition.fetch(offset, Number.POSITIVE_INFINITY).records.map(({ value }) => text(value));

type Step =
  | { readonly kind: 'append'; readonly producer: number | undefined; readonly count: number }
  | { readonly kind: 'end'; readonly producer: number; readonly outcome: 'committed' | 'aborted' };

const producers = fc.integer({ min: 0, max: 2 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('append' as const),
      producer: fc.option(producers, { nil: undefined }),
      count: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      kind: fc.constant('end' as const),
      producer: producers,
      outcome: fc.constantFrom('committed' as const, 'aborted' as const),
    }),
  ),
  { maxLength: 30 },
);

/** A slot per offset: a record with the fate of its transaction, or a marker. */
interface Slot {
  readonly value: string | undefined;
  producer: number | undefined;
  fate: 'open' | 'committed' | 'aborted';
}

const modelOf = (script: readonly Step[]): Slot[] => {
  const slots: Slot[] = [];
  for (const step of script) {
    if (step.kind === 'append') {
      for (let index = 0; index < step.count; index++) {
        const fate = step.producer === undefined ? 'committed' : 'open';
        slots.push({ value: `${slots.length}`, producer: step.producer, fate });
      }
      continue;
    }
    const open = slots.filter(({ producer, fate }) => producer === step.producer && fate === 'open');
    for (const slot of open) slot.fate = step.outcome;
    if (open.length > 0) slots.push({ value: undefined, producer: undefined, fate: 'committed' });
  }
  return slots;
};

const play = (script: readonly Step[]): InMemoryPartition => {
  const partition = partitionOf();
  let offset = 0;
  const open = new Set<number>();
  for (const step of script) {
    if (step.kind === 'append') {
      const records = Array.from({ length: step.count }, () => record(`${offset++}`));
      partition.append(records, 0, step.producer === undefined ? undefined : `${step.producer}`);
      if (step.producer !== undefined) open.add(step.producer);
    } else {
      partition.endTransaction(`${step.producer}`, step.outcome);
      if (open.delete(step.producer)) offset += 1;
    }
  }
  return partition;
};

describe('a partition', () => {
  test('shows what the model shows, in chunks of any size [INV-LOG-COMMITTED-ONLY]', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (script, chunk) => {
        const slots = modelOf(script);
        const firstOpen = slots.findIndex(({ fate }) => fate === 'open');
        const stable = firstOpen < 0 ? slots.length : firstOpen;
        const partition = play(script);
        expect(partition.range).toEqual({ beginning: 0, end: stable });
        const seen: (readonly [number, string | null])[] = [];
        for (let position = 0; position < stable;) {
          const batch = partition.fetch(position, chunk);
          seen.push(...batch.records.map(({ offset, value }) => [offset, text(value)] as const));
          expect(batch.nextOffset).toBeGreaterThan(position);
          expect(batch.endOffset).toBe(stable);
          expect(batch.records.length).toBeLessThanOrEqual(chunk);
          position = batch.nextOffset;
        }
        const visible = slots
          .slice(0, stable)
          .flatMap(({ value, fate }, offset) => (value !== undefined && fate === 'committed' ? [[offset, value]] : []));
        expect(seen).toEqual(visible);
      }),
    );
  });

  test('never gives records at or beyond the offset a fetch goes up to', () => {
    fc.assert(
      fc.property(steps, fc.nat(40), fc.nat(40), (script, one, other) => {
        const partition = play(script);
        const end = partition.lastStableOffset;
        const [from, until] = [Math.min(one, other, end), Math.max(one, other)];
        const batch = partition.fetch(from, 100, until);
        expect(batch.records.every(({ offset }) => offset >= from && offset < until)).toBe(true);
        expect(batch.nextOffset).toBe(Math.max(from, Math.min(until, end)));
      }),
    );
  });

  test('refuses offsets before its beginning and after its end', () => {
    const partition = partitionOf();
    partition.append(
      ['a', 'b', 'c'].map((value) => record(value)),
      0,
    );
    partition.deleteBefore(2);
    expect(partition.range).toEqual({ beginning: 2, end: 3 });
    expect(() => partition.fetch(1, 10)).toThrow(OffsetOutOfRangeError);
    expect(() => partition.fetch(4, 10)).toThrow(OffsetOutOfRangeError);
    expect(partition.hasNews(1)).toBe(true);
    expect(valuesFrom(partition, 2)).toEqual(['c']);
    partition.deleteBefore(1);
    expect(partition.range.beginning).toBe(2);
    expect(() => partition.deleteBefore(4)).toThrow(OffsetOutOfRangeError);
  });

  test('stamps records with the time of their append when set so', () => {
    const partition = partitionOf({ logAppendTime: true });
    partition.append([record('a')], 77);
    expect(partition.fetch(0, 1)).toMatchObject({ logAppendTime: true, records: [{ timestampMs: 77 }] });
  });

  test('keeps only the last committed record of each key when compacted, at its offset', () => {
    const partition = partitionOf({ compacted: true });
    partition.append([record('a1', 'a'), record('b1', 'b'), record('a2', 'a')], 0);
    partition.append([record('b2', 'b')], 0, 'aborts');
    partition.endTransaction('aborts', 'aborted');
    partition.append([{ ...record('', 'c'), value: null }], 0);
    partition.append([record('a3', 'a')], 0, 'open');
    partition.compact();
    const { records, nextOffset } = partition.fetch(0, 10);
    expect(records.map(({ offset, value }) => [offset, text(value)])).toEqual([
      [1, 'b1'],
      [2, 'a2'],
      [5, null],
    ]);
    expect(nextOffset).toBe(6);
    partition.endTransaction('open', 'committed');
    partition.compact();
    expect(valuesFrom(partition)).toEqual(['b1', null, 'a3']);
    expect(partition.range).toEqual({ beginning: 0, end: 8 });
    expect(partition.append([record('d', 'd')], 0)).toBe(8);
  });

  test('steps over what compaction took away at the end', () => {
    const partition = partitionOf({ compacted: true });
    partition.append([record('a', 'a')], 0);
    partition.append([record('gone', 'x')], 0, 'aborts');
    partition.endTransaction('aborts', 'aborted');
    partition.compact();
    expect(partition.fetch(1, 10)).toMatchObject({ records: [], nextOffset: 3 });
  });

  test('refuses records without key where it is compacted', () => {
    const partition = partitionOf({ compacted: true });
    expect(() => partition.append([record('a', null)], 0)).toThrow(FatalLogError);
    expect(partition.range.end).toBe(0);
  });
});
