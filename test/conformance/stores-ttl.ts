/**
 * What a key-value store with a time to live keeps, and one of timestamped values, on any backend.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { stringKey } from '../../state/codecs.ts';
import { timestampedKeyValueStore, ttlKeyValueStore } from '../../state/stores.ts';
import type { Query } from '../../streams/queries/query.ts';
import { runQuery } from '../../streams/queries/run-query.ts';
import type { StoreView } from '../../streams/queries/store-view.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import type { BackendKind } from './state-backend-fixtures.ts';
import { live, NaiveState, reusingSerde, StoreHarness, type LifeStep } from './stores-harness.ts';

const TTL_MS = 100;
const KEYS = ['', 'a', 'a\0', 'ab', 'b'];

interface Written {
  readonly key: string;
  readonly value: number;
  readonly expiresAtMs: number;
}

type Store = KeyValueStore<string, number>;
type Step =
  | { readonly kind: 'put'; readonly key: string; readonly value: number }
  | { readonly kind: 'delete' | 'get'; readonly key: string }
  | { readonly kind: 'scan'; readonly prefix: string | undefined; readonly reverse: boolean }
  | { readonly kind: 'advance'; readonly byMs: number }
  | { readonly kind: 'life'; readonly step: LifeStep };

const key = fc.constantFrom(...KEYS);
const life = (...steps: LifeStep[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('life' as const), step: fc.constantFrom(...steps) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      prefix: fc.option(key, { nil: undefined }),
      reverse: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), byMs: fc.constantFrom(1, 30, 70, 100) }) },
  { weight: 5, arbitrary: life('mark', 'undo', 'commit', 'commit', 'rollback') },
  { weight: 1, arbitrary: life('restart', 'crash', 'crash-within-commit', 'lose-disk') },
);

export function ttlStoreConformance(kind: BackendKind): void {
  describe(`key-value store with a time to live ${kind.name}`, () => {
    let harness: StoreHarness<Store> | undefined;
    const builder = () =>
      ttlKeyValueStore<string, number>({ name: 'ttl', key: stringKey, value: reusingSerde(), ttlMs: TTL_MS });
    const open = async () => {
      harness = await StoreHarness.open(kind, builder());
      harness.streamTimeMs = 1_000;
      return harness;
    };
    afterEach(() => harness?.dispose());

    it('agrees with a map of what has not expired on any course of events [INV-TTL-MODEL]', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
          const run = await StoreHarness.open(kind, builder());
          run.streamTimeMs = 1_000;
          const model = new NaiveState<Written>();
          try {
            for (const each of steps) await apply(each, run, model);
            expect([...run.store.all()]).toEqual(unexpired(run, model));
          } finally {
            await run.dispose();
          }
        }),
        { numRuns: kind.runs },
      );
    }, 60_000);

    it('removes what has expired, in the changelog too, while it is written', async () => {
      const opened = await open();
      for (let number = 0; number < 100; number += 1) opened.store.put(`k${number}`, number);
      opened.commit();
      opened.streamTimeMs += TTL_MS;
      expect([...opened.store.all()]).toEqual([]);
      for (let number = 0; number < 10; number += 1) opened.store.put('new', number);
      opened.commit();
      expect([...opened.backend.keySpace('ttl').range({})]).toHaveLength(1);
      expect(opened.log.filter(({ value }) => value === null)).toHaveLength(100);
    });

    it('shows queries what has not expired, page by page', async () => {
      const opened = await open();
      for (const k of ['a', 'b', 'c']) opened.store.put(k, 1);
      opened.streamTimeMs += 60;
      for (const k of ['ab', 'b', 'd']) opened.store.put(k, 2);
      opened.commit();
      opened.streamTimeMs += 60;
      const view = builder().view?.({ backend: opened.backend, streamTimeMs: () => opened.streamTimeMs });
      const ask = (query: Query, after?: Uint8Array) =>
        runQuery(view as StoreView, { store: 'ttl', query, limit: 2, ...(after && { after }) });
      const first = ask({ kind: 'range' });
      expect(first.entries).toEqual([
        { key: 'ab', value: 2 },
        { key: 'b', value: 2 },
      ]);
      expect(ask({ kind: 'range' }, first.next).entries).toEqual([{ key: 'd', value: 2 }]);
      expect(ask({ kind: 'prefix', prefix: Buffer.from('a'), reverse: true }).entries).toEqual([
        { key: 'ab', value: 2 },
      ]);
      expect(ask({ kind: 'key', key: Buffer.from('a') }).entries).toEqual([]);
    });

    it('refuses a time to live that is none', () => {
      for (const ttlMs of [0, -1, 0.5, NaN]) {
        const refused = ttlKeyValueStore<string, number>({ name: 'ttl', key: stringKey, value: reusingSerde(), ttlMs });
        expect(() => refused.build({} as never)).toThrow(RangeError);
      }
    });
  });

  describe(`timestamped key-value store ${kind.name}`, () => {
    it('keeps the time of each value with it, over a restore', async () => {
      const builder = timestampedKeyValueStore<string, number>({ name: 'ts', key: stringKey, value: reusingSerde() });
      const harness = await StoreHarness.open(kind, builder);
      harness.store.put('a', { value: 1, timestampMs: 5 });
      harness.store.put('b', { value: 2, timestampMs: Number.MAX_SAFE_INTEGER });
      harness.commit();
      await harness.loseDisk();
      expect([...harness.store.all({ reverse: true })]).toEqual([
        { key: 'b', value: { value: 2, timestampMs: Number.MAX_SAFE_INTEGER } },
        { key: 'a', value: { value: 1, timestampMs: 5 } },
      ]);
      await harness.dispose();
    });
  });
}

const unexpired = ({ streamTimeMs }: StoreHarness<Store>, { current }: NaiveState<Written>) =>
  [...current.values()]
    .filter(({ expiresAtMs }) => expiresAtMs > streamTimeMs)
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
    .map(({ key: k, value }) => ({ key: k, value }));

async function apply(each: Step, run: StoreHarness<Store>, model: NaiveState<Written>): Promise<void> {
  const { store } = run;
  switch (each.kind) {
    case 'put':
      store.put(each.key, each.value);
      model.current.set(each.key, { key: each.key, value: each.value, expiresAtMs: run.streamTimeMs + TTL_MS });
      return;
    case 'delete':
      store.delete(each.key);
      model.current.delete(each.key);
      return;
    case 'get':
      expect(store.get(each.key)).toBe(unexpired(run, model).find(({ key: k }) => k === each.key)?.value);
      return;
    case 'scan': {
      const { prefix, reverse } = each;
      const expected = unexpired(run, model).filter(({ key: k }) => k.startsWith(prefix ?? ''));
      const found = prefix === undefined ? store.all({ reverse }) : store.prefixScan(Buffer.from(prefix), { reverse });
      expect([...found]).toEqual(reverse ? expected.reverse() : expected);
      return;
    }
    case 'advance':
      run.streamTimeMs += each.byMs;
      return;
    case 'life':
      await live(each.step, run, model);
  }
}
