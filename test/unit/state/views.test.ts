import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { int64Key, stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { RocksDbBackendFactory } from '../../../state/rocksdb-factory.ts';
import { keyValueStore, sessionStore, timedWindowStore, versionedStore, windowStore } from '../../../state/stores.ts';
import type { StateBackend, StateBackendFactory } from '../../../streams/ports.ts';
import { runQuery } from '../../../streams/queries/run-query.ts';
import type { Query, QueryEntry } from '../../../streams/queries/query.ts';
import { int64Serde, stringSerde } from '../../../streams/serdes.ts';
import type { StateStore, StoreBuilder } from '../../../streams/state-store.ts';
import { silentMetrics } from '../../../streams/testing/silent.ts';

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

const rocksDb = async (): Promise<StateBackendFactory> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'views-'));
  directories.push(stateDir);
  return new RocksDbBackendFactory({ stateDir });
};

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A store on a fresh backend, with what has to be done to ask it. */
class Asked<S extends StateStore> {
  readonly store: S;
  streamTimeMs = -1;
  readonly #builder: StoreBuilder<S>;
  readonly #backend: StateBackend;

  constructor(builder: StoreBuilder<S>, backend: StateBackend) {
    this.#builder = builder;
    this.#backend = backend;
    const streamTimeMs = (): number => this.streamTimeMs;
    this.store = builder.build({ taskId: '0_0', backend, metrics: silentMetrics, streamTimeMs });
  }

  commit(): void {
    const batch = this.#backend.batch();
    this.store.stage(batch);
    this.#backend.write(batch);
  }

  /** All pages of that size. */
  ask(query: Query, limit = 1_000): QueryEntry[] {
    const found: QueryEntry[] = [];
    let after: Uint8Array | undefined;
    do {
      const view = this.#builder.view?.({ backend: this.#backend, streamTimeMs: () => this.streamTimeMs });
      if (view === undefined) throw new Error('The store has no view.');
      const page = runQuery(view, { store: 'store', query, limit, ...(after && { after }) });
      found.push(...page.entries);
      after = page.next;
    } while (after !== undefined);
    return found;
  }
}

const MINUTE_MS = 60_000;
const keys = fc.constantFrom('a', 'ab', 'b', 'c');
const starts = fc.integer({ min: 0, max: 60 }).map((minute) => minute * MINUTE_MS);
const limits = fc.integer({ min: 1, max: 5 });

describe.each([
  ['memory', async () => new MemoryBackendFactory()],
  ['RocksDB', rocksDb],
] as const)('views of stores on %s', (_name, factoryOf) => {
  it('of key-value stores find keys, ranges and prefixes of what is committed [INV-QUERY-VIEWS]', async () => {
    const backend = await (await factoryOf()).open('0_0');
    const asked = new Asked(
      keyValueStore({ name: 'kv', key: stringKey, value: stringSerde, cacheEntries: 8 }),
      backend,
    );
    for (const key of ['a', 'ab', 'abc', 'b', 'ÿz']) asked.store.put(key, key.toUpperCase());
    asked.commit();
    asked.store.put('ab', 'uncommitted');
    asked.store.delete('a');
    for (const limit of [1, 2, 10]) {
      const keysOf = (query: Query) => asked.ask(query, limit).map(({ key }) => key);
      expect(keysOf({ kind: 'prefix', prefix: bytes('a') })).toEqual(['a', 'ab', 'abc']);
      expect(keysOf({ kind: 'prefix', prefix: bytes('a'), reverse: true })).toEqual(['abc', 'ab', 'a']);
      expect(keysOf({ kind: 'range', from: bytes('ab'), to: bytes('b') })).toEqual(['ab', 'abc']);
      expect(keysOf({ kind: 'range', reverse: true })).toEqual(['ÿz', 'b', 'abc', 'ab', 'a']);
      expect(asked.ask({ kind: 'key', key: bytes('ab') }, limit)).toEqual([{ key: 'ab', value: 'AB' }]);
      expect(asked.ask({ kind: 'key', key: bytes('no') }, limit)).toEqual([]);
    }
    asked.store.close();
    await backend.close();
  });

  it('of window stores answer as the stores do, in pages of any size [INV-QUERY-VIEWS]', async () => {
    const factory = await factoryOf();
    let runs = 0;
    const puts = fc.array(fc.record({ key: keys, startMs: starts, value: fc.nat(9) }), { maxLength: 30 });
    const property = fc.asyncProperty(puts, starts, starts, limits, async (windows, one, other, limit) => {
      const backend = await factory.open(`0_${(runs += 1)}`);
      const spec = { key: stringKey, value: int64Serde, retentionMs: 20 * MINUTE_MS, cacheEntries: 8 };
      const plain = new Asked(windowStore({ ...spec, name: 'windows' }), backend);
      const timed = new Asked(timedWindowStore({ ...spec, name: 'timed' }), backend);
      for (const { key, startMs, value } of windows) {
        plain.streamTimeMs = Math.max(plain.streamTimeMs, startMs);
        for (const { store } of [plain, timed]) store.put(key, value, startMs);
      }
      const [fromMs, toMs] = [Math.min(one, other), Math.max(one, other)];
      for (const asked of [plain, timed]) {
        asked.commit();
        const expected = [...asked.store.fetchRange('a', fromMs, toMs)].map(
          ({ windowStartMs, ...entry }): QueryEntry => ({ ...entry, startMs: windowStartMs }),
        );
        expect(asked.ask({ kind: 'window', key: bytes('a'), fromMs, toMs }, limit)).toEqual(expected);
        const all = asked.ask({ kind: 'windows', fromMs, toMs }, limit);
        const sorted = all
          .map(({ key, startMs, value }) => `${String(startMs).padStart(9, '0')} ${key as string} ${value as number}`)
          .sort();
        const first = asked === timed ? Math.max(fromMs, plain.streamTimeMs - spec.retentionMs + 1) : fromMs;
        expect(sorted).toEqual(
          [...asked.store.fetchAll(first, toMs)].map(
            ({ key, windowStartMs, value }) => `${String(windowStartMs).padStart(9, '0')} ${key} ${value}`,
          ),
        );
        asked.store.close();
      }
      await backend.close();
    });
    await fc.assert(property, { numRuns: 15 });
  });

  it('of session stores find the sessions that have a moment in the stretch of time [INV-QUERY-VIEWS]', async () => {
    const backend = await (await factoryOf()).open('0_0');
    const spec = { name: 'sessions', key: stringKey, value: stringSerde, retentionMs: 3_600_000, cacheEntries: 8 };
    const asked = new Asked(sessionStore(spec), backend);
    for (const [startMs, endMs] of [
      [0, 10],
      [100, 200],
      [300_000, 400_000],
    ] as const)
      asked.store.put('a', { startMs, endMs }, `${startMs}`);
    asked.store.put('b', { startMs: 5, endMs: 150 }, 'b');
    asked.commit();
    const inside = (fromMs: number, toMs: number) =>
      asked.ask({ kind: 'window', key: bytes('a'), fromMs, toMs }, 1).map(({ startMs, endMs }) => [startMs, endMs]);
    expect(inside(10, 100)).toEqual([
      [0, 10],
      [100, 200],
    ]);
    expect(inside(11, 99)).toEqual([]);
    expect(inside(350_000, 360_000)).toEqual([[300_000, 400_000]]);
    const ending = asked.ask({ kind: 'windows', fromMs: 100, toMs: 200 }, 1);
    expect(ending.map(({ key, value }) => `${key as string} ${value as string}`).sort()).toEqual(['a 100', 'b b']);
    asked.store.close();
    await backend.close();
  });

  it('of versioned stores find the version of a time [INV-QUERY-VIEWS]', async () => {
    const backend = await (await factoryOf()).open('0_0');
    const spec = { name: 'versions', key: int64Key, value: stringSerde, historyRetentionMs: 1_000, cacheEntries: 8 };
    const asked = new Asked(versionedStore(spec), backend);
    asked.store.put(7, 'first', 100);
    asked.store.put(7, 'second', 500);
    asked.store.put(8, 'gone', 100);
    asked.store.put(8, undefined, 600);
    asked.commit();
    const versionOf = (key: number, asOfMs?: number) =>
      asked.ask({ kind: 'version', key: int64Key.encode(key), ...(asOfMs !== undefined && { asOfMs }) });
    expect(versionOf(7)).toEqual([{ key: 7, value: 'second', validFromMs: 500 }]);
    expect(versionOf(7, 499)).toEqual([{ key: 7, value: 'first', validFromMs: 100, validToMs: 500 }]);
    expect([versionOf(7, 99), versionOf(8), versionOf(9)]).toEqual([[], [], []]);
    expect(versionOf(8, 599)).toMatchObject([{ value: 'gone' }]);
    asked.store.close();
    await backend.close();
  });
});
