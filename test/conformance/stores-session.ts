/**
 * What a session store keeps, on any backend.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { stringKey } from '../../state/codecs.ts';
import { sessionStore } from '../../state/stores.ts';
import type { KeyScanOptions } from '../../streams/state-store.ts';
import type { SessionEntry, SessionStore } from '../../streams/state-store-timed.ts';
import type { BackendKind } from './state-backend-fixtures.ts';
import { isChosen, keyScan, live, NaiveState, reusingSerde, StoreHarness, type LifeStep } from './stores-harness.ts';

const RETENTION_MS = 10_000_000;
const SLOT_MS = 50_000;
const KEYS = ['', 'a', 'a\0', 'ab', 'b'];

type Entry = SessionEntry<string, number>;
type Step =
  /** A session lies within a slot, and a key has one in each slot at most, so that sessions of a key never overlap. */
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly slot: number;
      readonly lengthMs: number;
      readonly value: number;
    }
  | { readonly kind: 'remove'; readonly key: string; readonly slot: number }
  | {
      readonly kind: 'find';
      readonly key: string;
      readonly fromMs: number;
      readonly toMs: number;
      readonly reverse: boolean;
    }
  | {
      readonly kind: 'by-end';
      readonly fromMs: number;
      readonly toMs: number;
      readonly options: KeyScanOptions<string>;
    }
  | { readonly kind: 'life'; readonly step: LifeStep };

const key = fc.constantFrom(...KEYS);
const slot = fc.nat(5);
const timeMs = fc.nat(12).map((half) => (half * SLOT_MS) / 2);
const life = (...steps: LifeStep[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('life' as const), step: fc.constantFrom(...steps) });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      key,
      slot,
      lengthMs: fc.constantFrom(0, 1, 20_000, 49_999),
      value: fc.nat(99),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), key, slot }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('find' as const),
      key,
      fromMs: timeMs,
      toMs: timeMs,
      reverse: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('by-end' as const), fromMs: timeMs, toMs: timeMs, options: keyScan(key) }),
  },
  { weight: 5, arbitrary: life('mark', 'undo', 'commit', 'commit', 'rollback') },
  { weight: 1, arbitrary: life('restart', 'crash', 'crash-within-commit', 'lose-disk') },
);

const place = (k: string, number: number): string => `${number}:${k}`;
const byTime = (a: Entry, b: Entry): number =>
  a.session.endMs - b.session.endMs ||
  a.session.startMs - b.session.startMs ||
  Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));

export function sessionStoreConformance(kind: BackendKind): void {
  describe(`session store ${kind.name}`, () => {
    let harness: StoreHarness<SessionStore<string, number>> | undefined;
    const builder = (retentionMs = RETENTION_MS) =>
      sessionStore<string, number>({ name: 'sessions', key: stringKey, value: reusingSerde(), retentionMs });
    const open = async (retentionMs?: number) => {
      harness = await StoreHarness.open(kind, builder(retentionMs));
      return harness;
    };
    afterEach(() => harness?.dispose());

    it('agrees with a list of all sessions on any course of events [INV-SESSION-MODEL]', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
          const run = await StoreHarness.open(kind, builder());
          const model = new NaiveState<Entry>();
          try {
            for (const each of steps) await apply(each, run, model);
            const all = [...model.current.values()].sort(byTime);
            expect([...run.store.findSessionsByEnd(0, Infinity)]).toEqual(all);
            for (const { key: k, session, value } of all) expect(run.store.fetchSession(k, session)).toBe(value);
          } finally {
            await run.dispose();
          }
        }),
        { numRuns: kind.runs },
      );
    }, 60_000);

    it('forgets sessions that ended its retention before the latest one, also when it is restored', async () => {
      const opened = await open(1_000);
      expect(opened.store.put('a', { startMs: 0, endMs: 500 }, 1)).toBe(true);
      expect(opened.store.put('b', { startMs: 1_400, endMs: 1_501 }, 2)).toBe(true);
      expect(opened.store.put('c', { startMs: 0, endMs: 500 }, 3)).toBe(false);
      expect([...opened.counted.values()]).toEqual([1]);
      opened.commit();
      await opened.loseDisk();
      expect(opened.store.fetchSession('a', { startMs: 0, endMs: 500 })).toBeUndefined();
      expect([...opened.store.findSessionsByEnd(0, Infinity)].map(({ key: k }) => k)).toEqual(['b']);
      expect(opened.store.put('c', { startMs: 0, endMs: 500 }, 3)).toBe(false);
    });

    it('knows the event time that its operator had seen after a crash, and not what was taken back', async () => {
      const opened = await open();
      opened.store.observe(700);
      opened.store.put('a', { startMs: 0, endMs: 500 }, 1);
      opened.commit();
      opened.store.observe(900);
      await opened.crash();
      expect(opened.store.observedTimeMs).toBe(700);
    });

    it('refuses a session that ends before it starts', async () => {
      const { store } = await open();
      expect(() => store.put('a', { startMs: 2, endMs: 1 }, 1)).toThrow(RangeError);
      expect(() => store.put('a', { startMs: -1, endMs: 1 }, 1)).toThrow(RangeError);
    });
  });
}

async function apply(
  each: Step,
  run: StoreHarness<SessionStore<string, number>>,
  model: NaiveState<Entry>,
): Promise<void> {
  const { store } = run;
  switch (each.kind) {
    case 'put':
    case 'remove': {
      const former = model.current.get(place(each.key, each.slot));
      if (former !== undefined) store.remove(each.key, former.session);
      model.current.delete(place(each.key, each.slot));
      if (each.kind === 'remove') return;
      const startMs = each.slot * SLOT_MS;
      const session = { startMs, endMs: startMs + each.lengthMs };
      expect(store.put(each.key, session, each.value)).toBe(true);
      model.current.set(place(each.key, each.slot), { key: each.key, session, value: each.value });
      return;
    }
    case 'find': {
      const { key: k, fromMs, toMs, reverse } = each;
      const expected = [...model.current.values()]
        .filter(({ key: other, session }) => other === k && session.endMs >= fromMs && session.startMs <= toMs)
        .sort(byTime);
      if (reverse) expected.reverse();
      expect([...store.findSessions(k, fromMs, toMs, { reverse })]).toEqual(expected);
      return;
    }
    case 'by-end': {
      const { fromMs, toMs, options } = each;
      const expected = [...model.current.values()]
        .filter(({ session }) => session.endMs >= fromMs && session.endMs <= toMs)
        .filter(({ key: k }) => isChosen(k, options))
        .sort(byTime);
      if (options.reverse) expected.reverse();
      expect([...store.findSessionsByEnd(fromMs, toMs, options)]).toEqual(expected);
      return;
    }
    case 'life':
      await live(each.step, run, model);
  }
}
