/**
 * What a key-value store keeps, on any backend.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { pairKey, int64Key, stringKey } from '../../state/codecs.ts';
import { keyValueStore } from '../../state/stores.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import type { BackendKind } from './state-backend-fixtures.ts';
import { live, NaiveState, reusingSerde, StoreHarness, type LifeStep } from './stores-harness.ts';

const KEYS = ['', 'a', 'a\0', 'ab', 'b', 'é', '\uffee', '\u{1f600}', 'z', 'zz'];

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly value: number }
  | { readonly kind: 'delete' | 'get'; readonly key: string }
  | { readonly kind: 'prefetch'; readonly keys: readonly string[] }
  | {
      readonly kind: 'range';
      readonly from: string | undefined;
      readonly to: string | undefined;
      readonly reverse: boolean;
    }
  | { readonly kind: 'prefix'; readonly prefix: Uint8Array; readonly reverse: boolean }
  | { readonly kind: 'life'; readonly step: LifeStep };

const key = fc.constantFrom(...KEYS);
const bound = fc.option(key, { nil: undefined });
/** Whole keys, the first byte of a longer character, and bytes that no key begins with. */
const prefix = fc.oneof(
  key.map((text) => Buffer.from(text)),
  fc.constantFrom(Uint8Array.of(0xc3), Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff)),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('get' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prefetch' as const), keys: fc.array(key) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('range' as const), from: bound, to: bound, reverse: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('prefix' as const), prefix, reverse: fc.boolean() }) },
  { weight: 4, arbitrary: life(['mark', 'undo', 'mark', 'undo', 'commit', 'rollback']) },
  { weight: 1, arbitrary: life(['restart', 'crash', 'crash-within-commit', 'lose-disk']) },
);

function life(steps: readonly LifeStep[]): fc.Arbitrary<{ kind: 'life'; step: LifeStep }> {
  return fc.record({ kind: fc.constant('life' as const), step: fc.constantFrom(...steps) });
}

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes!).toString('utf8');
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function naiveRange(
  current: ReadonlyMap<string, number>,
  from: string | undefined,
  to: string | undefined,
  reverse: boolean,
): { key: string; value: number }[] {
  const entries = [...current]
    .filter(([k]) => (from === undefined || byBytes(k, from) >= 0) && (to === undefined || byBytes(k, to) < 0))
    .sort(([a], [b]) => byBytes(a, b))
    .map(([k, value]) => ({ key: k, value }));
  return reverse ? entries.reverse() : entries;
}

export function keyValueStoreConformance(kind: BackendKind): void {
  describe(`key-value store ${kind.name}`, () => {
    let harness: StoreHarness<KeyValueStore<string, number>> | undefined;
    const open = async (cacheEntries = 16) => {
      const serde = reusingSerde<number>();
      const builder = keyValueStore({ name: 'kv', key: stringKey, value: serde, cacheEntries });
      harness = await StoreHarness.open(kind, builder);
      return { harness, serde, store: () => harness!.store };
    };
    afterEach(() => harness?.dispose());

    it('agrees with a plain map on any sequence of steps [INV-STORE-MODEL]', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 60, size: 'max' }),
          fc.constantFrom(0, 2, 4, 100),
          async (steps, cacheEntries) => {
            const builder = keyValueStore<string, number>({
              name: 'kv',
              key: stringKey,
              value: reusingSerde(),
              cacheEntries,
            });
            const run = await StoreHarness.open(kind, builder);
            const model = new NaiveState<number>();
            try {
              for (const each of steps) await apply(each, run, model);
              for (const reverse of [false, true]) {
                expect([...run.store.all({ reverse })]).toEqual(
                  naiveRange(model.current, undefined, undefined, reverse),
                );
              }
              for (const each of KEYS) expect(run.store.get(each)).toBe(model.current.get(each));
            } finally {
              await run.dispose();
            }
          },
        ),
        { numRuns: kind.runs },
      );
    }, 60_000);

    it('writes one changelog record per changed key and commit, the last value of each [INV-STORE-COALESCE]', async () => {
      const { harness, store } = await open();
      harness.streamTimeMs = 1234;
      const written = (): unknown[] => harness.log.map(({ key, value }) => [text(key), value && text(value)]);
      for (let round = 0; round < 5; round += 1) store().put('a', round);
      store().put('b', 1);
      store().delete('b');
      expect(store().get('c')).toBeUndefined();
      store().put('c', 1);
      store().delete('c');
      harness.commit();
      // What is known never to have been there leaves no trace; of "b" that is not known.
      expect(written()).toEqual([
        ['a', '4'],
        ['b', null],
      ]);
      expect(harness.log[0]!.timestampMs).toBe(1234);
      store().delete('a');
      store().delete('a');
      harness.commit();
      expect(written().slice(2)).toEqual([['a', null]]);
      harness.commit();
      expect(harness.log).toHaveLength(3);
    });

    it('encodes a value once per commit and decodes it once while it is held', async () => {
      const { harness, store, serde } = await open();
      store().put('a', 1);
      store().put('a', 2);
      harness.commit();
      expect(serde.encoded).toBe(1);
      store().get('a');
      expect(serde.decoded).toBe(0);
      await harness.restart();
      const before = serde.decoded;
      store().prefetch(['a', 'a']);
      store().get('a');
      store().get('a');
      store().put('b', 1);
      expect(serde.decoded - before).toBe(1);
    });

    it('keeps uncommitted writes out of the backend until the batch is written [INV-STORE-UNCOMMITTED]', async () => {
      const { harness, store } = await open();
      const space = harness.backend.keySpace('kv');
      store().put('a', 1);
      store().flush({ append: () => undefined });
      expect([...space.range({})]).toEqual([]);
      const batch = harness.backend.batch();
      store().stage(batch);
      expect([...space.range({})]).toEqual([]);
      harness.backend.write(batch);
      expect([...space.range({})]).toHaveLength(1);
      expect(store().dirtyEntries).toBe(0);
    });

    it('undoes again after an undo, as far as the same mark', async () => {
      const { store } = await open();
      store().put('a', 1);
      store().mark();
      for (let round = 0; round < 3; round += 1) {
        store().put('a', 2);
        store().put('b', 2);
        store().undo();
        expect([...store().all()]).toEqual([{ key: 'a', value: 1 }]);
        expect(store().dirtyEntries).toBe(1);
      }
    });

    it('forgets what it had read of a key that is restored while it is in use, as a standby does', async () => {
      const { harness, store } = await open();
      store().put('a', 1);
      harness.commit();
      expect([store().get('a'), store().get('b')]).toEqual([1, undefined]);
      const record = { offset: 9, timestampMs: 0, headers: undefined, value: Buffer.from('7') };
      const batch = harness.backend.batch();
      store().restore(
        [
          { ...record, key: Buffer.from('a') },
          { ...record, key: Buffer.from('b') },
        ],
        batch,
      );
      harness.backend.write(batch);
      expect([store().get('a'), store().get('b')]).toEqual([7, 7]);
    });

    it('stages without a flush, for a store that is not logged', async () => {
      const { harness, store } = await open();
      store().put('a', 1);
      store().put('b', 2);
      const batch = harness.backend.batch();
      store().stage(batch);
      harness.backend.write(batch);
      await harness.restart();
      expect([store().get('a'), store().get('b')]).toEqual([1, 2]);
    });

    it('refuses writes between flush and stage, which would escape the transaction', async () => {
      const { store } = await open();
      store().put('a', 1);
      store().flush({ append: () => undefined });
      expect(() => store().put('b', 1)).toThrow(/being committed/);
      store().rollback();
      store().put('b', 1);
      expect(store().get('a')).toBeUndefined();
    });

    it('holds more uncommitted entries than its cache, and gives them all to the commit', async () => {
      const { harness, store } = await open(8);
      for (let number = 0; number < 5000; number += 1) store().put(`k${number}`, number);
      expect(store().dirtyEntries).toBe(5000);
      expect(store().get('k17')).toBe(17);
      harness.commit();
      await harness.crash();
      expect([...store().all()]).toHaveLength(5000);
      expect(store().get('k4999')).toBe(4999);
    });

    it('reads a range as it was when asked for, while it is written and even committed', async () => {
      const { harness, store } = await open();
      for (const k of ['a', 'c', 'e']) store().put(k, 1);
      harness.commit();
      store().put('b', 1);
      const range = store().all();
      const seen: string[] = [];
      for (const { key: k } of range) {
        seen.push(k);
        store().delete(k);
        store().put(`${k}x`, 2);
        if (k === 'c') harness.commit();
      }
      expect(seen).toEqual(['a', 'b', 'c', 'e']);
      expect([...store().all()].map(({ key: k }) => k)).toEqual(['ax', 'bx', 'cx', 'ex']);
    });

    it('refuses a key that could not be written where it is used, not in the commit', async () => {
      const { store } = await open();
      expect(() => store().put('\ud800', 1)).toThrow(/surrogate/);
      expect(() => store().get('\ud800')).toThrow(/surrogate/);
      expect(store().dirtyEntries).toBe(0);
    });

    it('orders typed keys by their meaning', async () => {
      const builder = keyValueStore<readonly [string, number], number>({
        name: 'pairs',
        key: pairKey(stringKey, int64Key),
        value: reusingSerde(),
      });
      const run = await StoreHarness.open(kind, builder);
      const keys: [string, number][] = [
        ['a', -5],
        ['a', 0],
        ['a', 300],
        ['a\0b', 1],
        ['ab', -1],
        ['b', 2],
      ];
      for (const each of keys.toReversed()) run.store.put(each, 1);
      run.commit();
      run.store.put(['a', 7], 1);
      expect([...run.store.range(['a', -5], ['a\0', 0])].map(({ key: k }) => k[1])).toEqual([-5, 0, 7, 300]);
      expect([...run.store.all({ reverse: true })].map(({ key: k }) => k)).toEqual(
        [...keys.slice(0, 2), ['a', 7], ...keys.slice(2)].reverse(),
      );
      await run.dispose();
    });
  });
}

async function apply(
  each: Step,
  run: StoreHarness<KeyValueStore<string, number>>,
  model: NaiveState<number>,
): Promise<void> {
  const { store } = run;
  switch (each.kind) {
    case 'put':
      store.put(each.key, each.value);
      model.current.set(each.key, each.value);
      return;
    case 'delete':
      store.delete(each.key);
      model.current.delete(each.key);
      return;
    case 'get':
      expect(store.get(each.key)).toBe(model.current.get(each.key));
      return;
    case 'prefetch':
      store.prefetch(each.keys);
      return;
    case 'range':
      expect([...store.range(each.from, each.to, { reverse: each.reverse })]).toEqual(
        naiveRange(model.current, each.from, each.to, each.reverse),
      );
      return;
    case 'prefix':
      expect([...store.prefixScan(each.prefix, { reverse: each.reverse })]).toEqual(
        naiveRange(model.current, undefined, undefined, each.reverse).filter(({ key: k }) =>
          Buffer.from(k).subarray(0, each.prefix.length).equals(each.prefix),
        ),
      );
      return;
    case 'life':
      await live(each.step, run, model);
  }
}
