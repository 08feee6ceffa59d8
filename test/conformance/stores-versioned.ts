/**
 * What a versioned store keeps, on any backend.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { stringKey } from '../../state/codecs.ts';
import { versionedStore } from '../../state/stores.ts';
import type { VersionedKeyValueStore, VersionedValue, VersionScanOptions } from '../../streams/state-store-timed.ts';
import type { BackendKind } from './state-backend-fixtures.ts';
import { isChosen, keyScan, live, NaiveState, reusingSerde, StoreHarness, type LifeStep } from './stores-harness.ts';

const KEYS = ['', 'a', 'a\0', 'ab', 'b'];

interface Version {
  readonly key: string;
  readonly atMs: number;
  readonly value: number | undefined;
}

type Store = VersionedKeyValueStore<string, number>;
type Step =
  | { readonly kind: 'put'; readonly key: string; readonly atMs: number; readonly value: number | undefined }
  | { readonly kind: 'get'; readonly key: string; readonly atMs: number }
  | {
      readonly kind: 'history';
      readonly key: string;
      readonly fromMs: number;
      readonly toMs: number;
      readonly reverse: boolean;
    }
  | { readonly kind: 'all'; readonly options: VersionScanOptions<string> }
  | { readonly kind: 'life'; readonly step: LifeStep };

const key = fc.constantFrom(...KEYS);
const atMs = fc.nat(9);
const value = fc.option(fc.nat(99), { nil: undefined, freq: 4 });
const life = (...steps: LifeStep[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('life' as const), step: fc.constantFrom(...steps) });
const scan: fc.Arbitrary<VersionScanOptions<string>> = fc
  .tuple(keyScan(key), fc.option(atMs, { nil: undefined }))
  .map(([keys, asOfMs]) => (asOfMs === undefined ? keys : { ...keys, asOfMs }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), key, atMs, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get' as const), key, atMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('history' as const),
      key,
      fromMs: atMs,
      toMs: atMs,
      reverse: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('all' as const), options: scan }) },
  { weight: 5, arbitrary: life('mark', 'undo', 'commit', 'commit', 'rollback') },
  { weight: 1, arbitrary: life('restart', 'crash', 'crash-within-commit', 'lose-disk') },
);

export function versionedStoreConformance(kind: BackendKind): void {
  describe(`versioned store ${kind.name}`, () => {
    let harness: StoreHarness<Store> | undefined;
    const builder = (historyRetentionMs = 1_000) =>
      versionedStore<string, number>({ name: 'versions', key: stringKey, value: reusingSerde(), historyRetentionMs });
    const open = async (historyRetentionMs?: number) => {
      harness = await StoreHarness.open(kind, builder(historyRetentionMs));
      return harness;
    };
    const rows = ({ backend }: StoreHarness<Store>): number => [...backend.keySpace('versions').range({})].length;
    afterEach(() => harness?.dispose());

    it('agrees with a list of all versions on any course of events [INV-VERSION-MODEL]', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
          const run = await StoreHarness.open(kind, builder());
          const model = new NaiveState<Version>();
          try {
            for (const each of steps) await apply(each, run, model);
            for (const k of KEYS) expect(run.store.get(k)).toEqual(asOf(model, k, Infinity));
          } finally {
            await run.dispose();
          }
        }),
        { numRuns: kind.runs },
      );
    }, 60_000);

    it('forgets versions that ended its history retention ago, and never the latest', async () => {
      const opened = await open(10);
      opened.store.put('a', 1, 0);
      opened.store.put('a', 2, 5);
      opened.store.put('b', 7, 1);
      opened.store.put('c', 8, 1);
      opened.store.put('c', undefined, 2);
      expect(opened.store.put('a', 3, 15)).toBe('latest');
      opened.commit();
      expect(opened.store.getAsOf('a', 4)).toBeUndefined();
      expect(opened.store.getAsOf('a', 5)).toEqual({ value: 2, validFromMs: 5, validToMs: 15 });
      expect([...opened.store.history('a', 0, 99)].map((version) => version.value)).toEqual([2, 3]);
      expect(opened.store.getAsOf('b', 1)).toEqual({ value: 7, validFromMs: 1, validToMs: undefined });
      expect(opened.store.put('a', 9, 4)).toBe('expired');
      expect(opened.store.put('a', 9, 5)).toBe('past');
      // The first version of "a" is gone, and all of "c".
      expect(rows(opened)).toBe(3);
      await opened.loseDisk();
      expect(opened.store.put('a', 9, 4)).toBe('expired');
      expect([...opened.store.all()].map(({ key: k }) => k)).toEqual(['a', 'b']);
    });
  });
}

/** The versions of a key with how long they were valid, by time. */
function versionsOf(
  { current }: NaiveState<Version>,
  k: string,
): (Version & { readonly validToMs: number | undefined })[] {
  const versions = [...current.values()].filter(({ key: other }) => other === k).sort((a, b) => a.atMs - b.atMs);
  return versions.map((version, index) => ({ ...version, validToMs: versions[index + 1]?.atMs }));
}

const present = (
  version: (Version & { readonly validToMs: number | undefined }) | undefined,
): VersionedValue<number> | undefined =>
  version?.value === undefined
    ? undefined
    : { value: version.value, validFromMs: version.atMs, validToMs: version.validToMs };

const asOf = (model: NaiveState<Version>, k: string, timeMs: number): VersionedValue<number> | undefined =>
  present(versionsOf(model, k).findLast((version) => version.atMs <= timeMs));

async function apply(each: Step, run: StoreHarness<Store>, model: NaiveState<Version>): Promise<void> {
  const { store } = run;
  switch (each.kind) {
    case 'put': {
      const latest = versionsOf(model, each.key).every((version) => version.atMs <= each.atMs);
      expect(store.put(each.key, each.value, each.atMs)).toBe(latest ? 'latest' : 'past');
      model.current.set(`${each.key}@${each.atMs}`, { key: each.key, atMs: each.atMs, value: each.value });
      return;
    }
    case 'get':
      expect(store.getAsOf(each.key, each.atMs)).toEqual(asOf(model, each.key, each.atMs));
      return;
    case 'history': {
      const { key: k, fromMs, toMs, reverse } = each;
      const expected = versionsOf(model, k)
        .filter((version) => version.atMs <= toMs && (version.validToMs === undefined || version.validToMs > fromMs))
        .map(present)
        .filter((version) => version !== undefined);
      if (reverse) expected.reverse();
      expect([...store.history(k, fromMs, toMs, { reverse })]).toEqual(expected);
      return;
    }
    case 'all': {
      const { asOfMs = Infinity, ...keys } = each.options;
      const expected = KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .filter((k) => isChosen(k, keys))
        .map((k) => ({ key: k, value: asOf(model, k, asOfMs) }))
        .filter((entry) => entry.value !== undefined);
      if (keys.reverse) expected.reverse();
      expect([...store.all(each.options)]).toEqual(expected);
      return;
    }
    case 'life':
      await live(each.step, run, model);
  }
}
