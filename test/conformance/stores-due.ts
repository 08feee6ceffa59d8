/**
 * What a store with due times keeps, on any backend: key-value stores that order their entries by due time, and timers.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { stringKey } from '../../state/codecs.ts';
import { dueKeyValueStore, timerStore } from '../../state/stores.ts';
import { int64Serde } from '../../streams/serdes.ts';
import type { DueKeyValueStore, StateStore, TimerStore } from '../../streams/state-store.ts';
import type { BackendKind } from './state-backend-fixtures.ts';
import { live, NaiveState, reusingSerde, StoreHarness, type LifeStep } from './stores-harness.ts';

interface Item {
  readonly number: number;
  readonly dueMs?: number;
}

type Reaction = 'delete' | 'move' | 'settle';

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly item: Item }
  | { readonly kind: 'delete' | 'get'; readonly key: string }
  | { readonly kind: 'next' }
  | { readonly kind: 'fire'; readonly untilMs: number; readonly reaction: Reaction; readonly limit: number }
  | { readonly kind: 'life'; readonly step: LifeStep };

const key = fc.constantFrom(...Array.from({ length: 14 }, (_, index) => `k${index}`));
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ number: fc.nat(9), dueMs: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ number: fc.nat(9) }) },
);
const life = (...steps: LifeStep[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('life' as const), step: fc.constantFrom(...steps) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), key, item }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('next' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fire' as const),
      untilMs: fc.nat(35),
      reaction: fc.constantFrom<Reaction>('delete', 'move', 'settle'),
      limit: fc.nat(6),
    }),
  },
  { weight: 5, arbitrary: life('mark', 'undo', 'commit', 'commit', 'rollback') },
  { weight: 1, arbitrary: life('restart', 'crash', 'crash-within-commit', 'lose-disk') },
);

/** The naive order: everything, sorted. */
function naiveDue(current: ReadonlyMap<string, Item>): { key: string; value: Item; dueMs: number }[] {
  return [...current]
    .flatMap(([k, value]) => (value.dueMs === undefined ? [] : [{ key: k, value, dueMs: value.dueMs }]))
    .sort((a, b) => a.dueMs - b.dueMs || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

export function dueStoreConformance(kind: BackendKind): void {
  describe(`due store ${kind.name}`, () => {
    let harness: StoreHarness<StateStore> | undefined;
    const open = async <S extends StateStore>(builder: Parameters<typeof StoreHarness.open<S>>[1]) => {
      const opened = await StoreHarness.open(kind, builder);
      harness = opened;
      return opened;
    };
    const items = (cacheEntries = 16, dueChunk = 1024) =>
      dueKeyValueStore<string, Item>({
        name: 'due',
        key: stringKey,
        value: reusingSerde(),
        dueAtMs: ({ dueMs }) => dueMs,
        cacheEntries,
        dueChunk,
      });
    const timers = (dueChunk?: number) =>
      timerStore<string>({ name: 'timers', key: stringKey, ...(dueChunk === undefined ? {} : { dueChunk }) });
    afterEach(() => harness?.dispose());

    it('agrees with a sorted list on any schedule [INV-DUE-MODEL]', async () => {
      const settings = fc.record({ cacheEntries: fc.constantFrom(2, 100), dueChunk: fc.constantFrom(1, 2, 3, 100) });
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 70, size: 'max' }),
          settings,
          async (steps, { cacheEntries, dueChunk }) => {
            const run = await StoreHarness.open(kind, items(cacheEntries, dueChunk));
            const model = new NaiveState<Item>();
            try {
              for (const each of steps) await apply(each, run, model);
              fire(run.store, model, Infinity, 'delete', Infinity);
              expect(run.store.nextDueMs()).toBeUndefined();
              run.commit();
              expect([...run.backend.keySpace('due/due').range({})]).toEqual([]);
            } finally {
              await run.dispose();
            }
          },
        ),
        { numRuns: kind.runs * 2 },
      );
    }, 120_000);

    it('orders by due time and then by key bytes', async () => {
      const { store } = await open(timers());
      for (const [k, dueMs] of [
        ['b', 5],
        ['é', 5],
        ['a', 5],
        ['z', 4],
        ['a\0', 5],
      ] as const) {
        store.schedule(k, dueMs);
      }
      expect(drain(store)).toEqual(['z', 'a', 'a\0', 'b', 'é']);
    });

    it('has one timer a key; setting it again moves it, cancelling removes it', async () => {
      const opened = await open(timers());
      opened.store.schedule('a', 10);
      opened.store.schedule('b', 20);
      opened.commit();
      opened.store.schedule('a', 30);
      expect(opened.store.nextDueMs()).toBe(20);
      expect(opened.store.scheduled('a')).toBe(30);
      opened.store.cancel('b');
      opened.commit();
      await opened.crash();
      expect(opened.store.scheduled('b')).toBeUndefined();
      expect(opened.store.peekDue(29)).toBeUndefined();
      expect(opened.store.peekDue(30)).toEqual({ key: 'a', value: 30, dueMs: 30 });
      // An entry stays the same until it is changed: the engine tells by that whether a handler did its duty.
      const [first, second] = [opened.store.peekDue(30), opened.store.peekDue(30)];
      expect(first!.key).toBe(second!.key);
      expect(first!.value).toBe(second!.value);
    });

    it('takes back what was due and what fired, with undo and with rollback', async () => {
      const opened = await open(timers());
      opened.store.schedule('a', 10);
      opened.commit();
      opened.store.mark();
      opened.store.cancel('a');
      opened.store.schedule('b', 5);
      expect(opened.store.nextDueMs()).toBe(5);
      opened.store.undo();
      expect(opened.store.nextDueMs()).toBe(10);
      opened.store.cancel('a');
      expect(opened.store.nextDueMs()).toBeUndefined();
      opened.store.rollback();
      expect(opened.store.nextDueMs()).toBe(10);
    });

    it('finds an entry again that was passed over because of a write that is taken back', async () => {
      const opened = await open(timers());
      opened.store.schedule('a', 10);
      opened.store.schedule('b', 30);
      opened.commit();
      for (const takeBack of ['undo', 'rollback'] as const) {
        await opened.restart();
        opened.store.schedule('uncommitted', 25);
        opened.store.mark();
        // The former due time is not read, so only the index knows of it.
        opened.store.schedule('a', 40);
        expect(opened.store.nextDueMs()).toBe(25);
        opened.store.cancel('uncommitted');
        expect(opened.store.nextDueMs()).toBe(30);
        opened.store[takeBack]();
        expect(opened.store.nextDueMs()).toBe(10);
        opened.store.mark();
        opened.store.cancel('a');
        expect(opened.store.nextDueMs()).toBe(takeBack === 'undo' ? 25 : 30);
        opened.store.undo();
        opened.store.schedule('c', 60);
        opened.commit();
        await opened.restart();
        const due = [...takeDue(opened.store, Infinity)].map(([dueMs]) => dueMs);
        expect(due).toEqual(takeBack === 'undo' ? [10, 25, 30, 60] : [10, 30, 60]);
        opened.store.rollback();
        opened.store.cancel('uncommitted');
        opened.commit();
      }
    });

    it('finds an entry again that was passed over and then set back within one commit', async () => {
      const opened = await open(timers());
      opened.store.schedule('a', 10);
      opened.commit();
      await opened.restart();
      opened.store.schedule('a', 40);
      expect(opened.store.nextDueMs()).toBe(40);
      opened.store.schedule('a', 10);
      opened.commit();
      expect(opened.store.nextDueMs()).toBe(10);
      await opened.restart();
      expect(opened.store.nextDueMs()).toBe(10);
    });

    it('orders what is restored into a store that is in use, as a standby does', async () => {
      const opened = await open(timers());
      opened.store.schedule('a', 10);
      opened.commit();
      expect(drain(opened.store)).toEqual(['a']);
      opened.store.schedule('b', 50);
      opened.commit();
      expect(opened.store.nextDueMs()).toBe(50);
      const value = int64Serde.serialize('', 5)!;
      const record = { offset: 9, key: Buffer.from('c'), value, timestampMs: 0, headers: undefined };
      const batch = opened.backend.batch();
      opened.store.restore([record, { ...record, key: Buffer.from('b'), value: null }], batch);
      opened.backend.write(batch);
      expect(opened.store.nextDueMs()).toBe(5);
      expect(drain(opened.store)).toEqual(['c']);
    });

    it('refuses a due time that has no place in the order, where it is put', async () => {
      const { store } = await open(timers());
      for (const dueMs of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
        expect(() => store.schedule('a', dueMs)).toThrow(RangeError);
      }
      expect(store.dirtyEntries).toBe(0);
      store.schedule('a', 0);
      expect(store.nextDueMs()).toBe(0);
    });

    it('fires many more timers than it keeps at hand in order, over commits and crashes', async () => {
      const opened = await open(timers(64));
      const expected: [number, string][] = [];
      for (let number = 0; number < 3000; number += 1) {
        const dueMs = (number * 7919) % 1009;
        const k = `k${String(number).padStart(5, '0')}`;
        opened.store.schedule(k, dueMs);
        expected.push([dueMs, k]);
        if (number % 700 === 699) opened.commit();
        if (number === 1500) expect(opened.store.nextDueMs()).toBe(0);
      }
      expected.sort(([a, k], [b, l]) => a - b || (k < l ? -1 : 1));
      const fired: [number, string][] = [];
      for (let round = 0; round < 3; round += 1) {
        for (const [dueMs, k] of takeDue(opened.store, (round + 1) * 336)) fired.push([dueMs, k]);
        opened.commit();
        await opened.crash();
      }
      expect(fired).toEqual(expected);
      expect(opened.store.nextDueMs()).toBeUndefined();
    });

    it('does not let moved timers pile up in its index', async () => {
      const opened = await open(timers(8));
      for (let round = 0; round < 40; round += 1) {
        for (let number = 0; number < 10; number += 1) opened.store.schedule(`k${number}`, 1000 + round * 10 + number);
        opened.commit();
        if (round % 10 === 9) await opened.restart();
      }
      // Blind moves after a restart may leave a row behind each; all others are replaced.
      expect([...opened.backend.keySpace('timers/due').range({})].length).toBeLessThanOrEqual(40);
      expect(drain(opened.store)).toHaveLength(10);
      opened.commit();
      expect([...opened.backend.keySpace('timers/due').range({})]).toEqual([]);
    });
  });
}

async function apply(
  each: Step,
  run: StoreHarness<DueKeyValueStore<string, Item>>,
  model: NaiveState<Item>,
): Promise<void> {
  const { store } = run;
  switch (each.kind) {
    case 'put':
      store.put(each.key, each.item);
      model.current.set(each.key, each.item);
      return;
    case 'delete':
      store.delete(each.key);
      model.current.delete(each.key);
      return;
    case 'get':
      expect(store.get(each.key)).toEqual(model.current.get(each.key));
      return;
    case 'next':
      expect(store.nextDueMs()).toBe(naiveDue(model.current)[0]?.dueMs);
      return;
    case 'fire':
      fire(store, model, each.untilMs, each.reaction, each.limit);
      return;
    case 'life':
      await live(each.step, run, model);
  }
}

/** Takes what is due from both sides, one by one, the way a handler would. */
function fire(
  store: DueKeyValueStore<string, Item>,
  model: NaiveState<Item>,
  untilMs: number,
  reaction: Reaction,
  limit: number,
): void {
  for (let fired = 0; fired < limit; fired += 1) {
    const [first] = naiveDue(model.current);
    const expected = first !== undefined && first.dueMs <= untilMs ? first : undefined;
    const due = store.peekDue(untilMs);
    expect(due).toEqual(expected);
    if (due === undefined) return;
    if (reaction === 'delete') {
      store.delete(due.key);
      model.current.delete(due.key);
      continue;
    }
    const next = reaction === 'move' ? { ...due.value, dueMs: due.dueMs + 4 } : { number: due.value.number };
    store.put(due.key, next);
    model.current.set(due.key, next);
  }
}

function* takeDue(store: TimerStore<string>, untilMs: number): Generator<[number, string], undefined> {
  for (let due = store.peekDue(untilMs); due !== undefined; due = store.peekDue(untilMs)) {
    store.cancel(due.key);
    yield [due.dueMs, due.key];
  }
}

const drain = (store: TimerStore<string>): string[] => [...takeDue(store, Infinity)].map(([, k]) => k);
