/**
 * What a window store keeps, on any backend.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { stringKey } from '../../state/codecs.ts';
import { windowStore } from '../../state/stores.ts';
import { StateCorruptedError } from '../../streams/errors.ts';
import type { KeyScanOptions, StateStore, WindowEntry, WindowStore } from '../../streams/state-store.ts';
import type { BackendKind } from './state-backend-fixtures.ts';
import { isChosen, keyScan, live, NaiveState, reusingSerde, StoreHarness, type LifeStep } from './stores-harness.ts';

/** Two segments long, since a segment is a minute at least. */
const RETENTION_MS = 120_000;
const KEYS = ['', 'a', 'a\0', 'ab', 'b', 'é'];

type Entry = WindowEntry<string, number>;
type Step =
  | { readonly kind: 'put'; readonly key: string; readonly ageMs: number; readonly value: number | undefined }
  | { readonly kind: 'fetch'; readonly key: string; readonly ageMs: number }
  | {
      readonly kind: 'range';
      readonly key: string | undefined;
      readonly ageMs: number;
      readonly lengthMs: number;
      readonly options: KeyScanOptions<string>;
    }
  | { readonly kind: 'advance'; readonly byMs: number }
  | { readonly kind: 'life'; readonly step: LifeStep };

const key = fc.constantFrom(...KEYS);
/** Coarse, so that windows meet again; beyond the retention now and then. */
const ageMs = fc.nat(16).map((number) => number * 10_000);
const life = (...steps: LifeStep[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('life' as const), step: fc.constantFrom(...steps) });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      key,
      ageMs,
      value: fc.option(fc.nat(99), { nil: undefined, freq: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fetch' as const), key, ageMs }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('range' as const),
      key: fc.option(key, { nil: undefined }),
      ageMs,
      lengthMs: fc.constantFrom(0, 9_999, 30_000, 70_000, 1_000_000, Infinity),
      options: keyScan(key),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), byMs: fc.constantFrom(1, 10_000, 50_000, 400_000) }),
  },
  { weight: 5, arbitrary: life('mark', 'undo', 'commit', 'commit', 'rollback') },
  { weight: 1, arbitrary: life('restart', 'crash', 'crash-within-commit', 'lose-disk') },
);

const byKey = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export function windowStoreConformance(kind: BackendKind): void {
  describe(`window store ${kind.name}`, () => {
    let harness: StoreHarness<WindowStore<string, number>> | undefined;
    const builder = (retentionMs = RETENTION_MS, cacheEntries = 16) =>
      windowStore<string, number>({
        name: 'windows',
        key: stringKey,
        value: reusingSerde(),
        retentionMs,
        cacheEntries,
      });
    const open = async () => {
      harness = await StoreHarness.open(kind, builder());
      harness.streamTimeMs = 1_000_000;
      return harness;
    };
    const rows = ({ backend }: StoreHarness<StateStore>): number =>
      [...backend.keySpace('windows').range({ to: Uint8Array.of(0xff) })].length;
    afterEach(() => harness?.dispose());

    it('agrees with a plain map on any course of events [INV-WINDOW-MODEL]', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 60, size: 'max' }),
          fc.constantFrom(2, 100),
          async (steps, cacheEntries) => {
            const run = await StoreHarness.open(kind, builder(RETENTION_MS, cacheEntries));
            run.streamTimeMs = 300_000;
            const model = new NaiveState<Entry>();
            try {
              for (const each of steps) await apply(each, run, model);
              expect([...run.store.fetchAll(-Infinity, Infinity)]).toEqual(naiveWindows(run, model));
            } finally {
              await run.dispose();
            }
          },
        ),
        { numRuns: kind.runs },
      );
    }, 60_000);

    it('refuses a window past its retention and counts it', async () => {
      const { store, counted } = await open();
      expect(store.put('a', 1, 1_000_000 - RETENTION_MS)).toBe(true);
      expect(store.put('a', 1, 1_000_000 - RETENTION_MS - 1)).toBe(false);
      expect(store.put('a', undefined, 0)).toBe(false);
      expect(store.dirtyEntries).toBe(1);
      expect([...counted.values()]).toEqual([2]);
      for (const start of [-1, 0.5, NaN]) expect(() => store.put('a', 1, start)).toThrow(RangeError);
    });

    it('never returns an expired window, deleted or not [INV-WINDOW-EXPIRY]', async () => {
      const opened = await open();
      opened.store.put('a', 1, 995_000);
      opened.commit();
      opened.store.put('a', 2, 1_000_000);
      opened.streamTimeMs = 995_000 + RETENTION_MS;
      expect(opened.store.fetch('a', 995_000)).toBe(1);
      opened.streamTimeMs += 1;
      expect(rows(opened)).toBe(1);
      expect(opened.store.fetch('a', 995_000)).toBeUndefined();
      expect([...opened.store.fetchRange('a', 0, Infinity)].map(({ value }) => value)).toEqual([2]);
      expect([...opened.store.fetchAll(0, Infinity)].map(({ value }) => value)).toEqual([2]);
    });

    it('deletes expired segments as ranges with the next commit, however many windows they have', async () => {
      const opened = await open();
      for (let number = 0; number < 3000; number += 1) opened.store.put(`k${number}`, 1, 900_000 + number * 30);
      opened.commit();
      expect(rows(opened)).toBe(3000);
      opened.streamTimeMs = 960_000 + RETENTION_MS;
      opened.store.put('a', 1, opened.streamTimeMs);
      opened.commit();
      expect(rows(opened)).toBe(1001);
      opened.streamTimeMs += 10 * RETENTION_MS;
      await opened.crash();
      opened.commit();
      expect(rows(opened)).toBe(0);
    });

    it('restores only what has not expired, and what came last', async () => {
      const opened = await open();
      opened.store.put('old', 1, 900_000);
      opened.commit();
      opened.store.put('kept', 1, 1_000_000);
      opened.store.put('gone', 1, 1_000_000);
      opened.commit();
      opened.store.put('gone', undefined, 1_000_000);
      opened.store.put('kept', 2, 1_000_000);
      opened.store.put('newest', 1, 900_000 + RETENTION_MS + 1);
      opened.commit();
      opened.streamTimeMs = -1;
      await opened.loseDisk();
      opened.streamTimeMs = 900_000 + RETENTION_MS + 1;
      expect(rows(opened)).toBe(2);
      expect([...opened.store.fetchAll(0, Infinity)]).toEqual([
        { key: 'kept', windowStartMs: 1_000_000, value: 2 },
        { key: 'newest', windowStartMs: 1_020_001, value: 1 },
      ]);
    });

    it('keeps segments out of the changelog, so that another retention can be restored from it', async () => {
      const opened = await open();
      opened.store.put('a', 1, 995_000);
      opened.commit();
      expect(Buffer.from(opened.log[0]!.key!).toString('hex')).toBe(`61${(995_000).toString(16).padStart(16, '0')}`);
      // Windows would lie elsewhere for this one, so it must not look into that state.
      await expect(opened.rebuild(builder(RETENTION_MS * 10))).rejects.toThrow(StateCorruptedError);
    });

    it('reads a range as it was when asked for', async () => {
      const { store } = await open();
      for (const start of [880_000, 940_000, 999_000]) store.put('a', 1, start);
      const seen: number[] = [];
      for (const { windowStartMs } of store.fetchRange('a', 0, Infinity)) {
        seen.push(windowStartMs);
        store.put('a', undefined, 999_000);
        store.put('a', 1, 999_500);
      }
      expect(seen).toEqual([880_000, 940_000, 999_000]);
      expect([...store.fetchRange('a', 940_001, Infinity)].map(({ windowStartMs }) => windowStartMs)).toEqual([
        999_500,
      ]);
    });
  });
}

/** The live windows of one key or all, by time and then key. */
function naiveWindows(
  { streamTimeMs }: StoreHarness<StateStore>,
  { current }: NaiveState<Entry>,
  only?: string,
  fromMs = -Infinity,
  toMs = Infinity,
): Entry[] {
  const bound = Math.max(fromMs, streamTimeMs - RETENTION_MS);
  return [...current.values()]
    .filter((entry) => only === undefined || entry.key === only)
    .filter(({ windowStartMs }) => windowStartMs >= bound && windowStartMs <= toMs)
    .sort((a, b) => a.windowStartMs - b.windowStartMs || byKey(a.key, b.key));
}

async function apply(
  each: Step,
  run: StoreHarness<WindowStore<string, number>>,
  model: NaiveState<Entry>,
): Promise<void> {
  const { store, streamTimeMs } = run;
  switch (each.kind) {
    case 'put': {
      const { key: k, value } = each;
      const windowStartMs = streamTimeMs - each.ageMs;
      const taken = windowStartMs >= streamTimeMs - RETENTION_MS;
      expect(store.put(k, value, windowStartMs)).toBe(taken);
      if (taken && value === undefined) model.current.delete(`${windowStartMs}:${k}`);
      else if (taken && value !== undefined)
        model.current.set(`${windowStartMs}:${k}`, { key: k, windowStartMs, value });
      return;
    }
    case 'fetch': {
      const windowStartMs = streamTimeMs - each.ageMs;
      const [expected] = naiveWindows(run, model, each.key, windowStartMs, windowStartMs);
      expect(store.fetch(each.key, windowStartMs)).toBe(expected?.value);
      return;
    }
    case 'range': {
      const fromMs = streamTimeMs - each.ageMs;
      const toMs = fromMs + each.lengthMs;
      const { options } = each;
      const { reverse = false } = options;
      const expected = naiveWindows(run, model, each.key, fromMs, toMs);
      if (reverse) expected.reverse();
      if (each.key !== undefined) {
        expect([...store.fetchRange(each.key, fromMs, toMs, { reverse })]).toEqual(expected);
      } else {
        const chosen = expected.filter(({ key: k }) => isChosen(k, options));
        expect([...store.fetchAll(fromMs, toMs, options)]).toEqual(chosen);
      }
      return;
    }
    case 'advance':
      run.streamTimeMs += each.byMs;
      return;
    case 'life':
      await live(each.step, run, model);
  }
}
