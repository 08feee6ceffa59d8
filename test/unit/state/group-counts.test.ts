import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { dueKeyValueStore } from '../../../state/stores.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import type { DueKeyValueStore } from '../../../streams/state-store.ts';
import { silentMetrics } from '../../../streams/testing/silent.ts';

type Store = DueKeyValueStore<string, string>;

/** The group is the first letter; a value in capitals belongs to none. */
const groupOf = (value: string): string | undefined => (value === value.toUpperCase() ? undefined : value.slice(0, 1));

const open = async (maxGroups?: number) => {
  const backend = await new MemoryBackendFactory().open('0_0');
  const builder = dueKeyValueStore<string, string>({
    ...{ name: 'things', key: stringKey, value: stringSerde, dueAtMs: () => undefined, cacheEntries: 4 },
    counted: { groupOf, unreadIsNew: false, ...(maxGroups !== undefined && { maxGroups }) },
  });
  const store: Store = builder.build({ taskId: '0_0', backend, metrics: silentMetrics, streamTimeMs: () => 0 });
  const commit = (): void => {
    const batch = backend.batch();
    store.stage(batch);
    backend.write(batch);
  };
  return { store, commit, backend };
};

const write = fc.record({
  key: fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8'),
  value: fc.option(fc.constantFrom('apple', 'avocado', 'banana', 'CHERRY'), { nil: undefined }),
});
const step = fc.oneof(
  { weight: 5, arbitrary: write.map((put) => ({ put })) },
  { weight: 2, arbitrary: fc.constant('commit' as const) },
  { weight: 1, arbitrary: fc.constant('rollback' as const) },
  { weight: 1, arbitrary: fc.constant('undo' as const) },
  { weight: 2, arbitrary: fc.constant('advance' as const) },
);

describe('GroupCounts', () => {
  it('counts the committed entries of each group, whatever is written while they are gone through [INV-QUERY-COUNTS]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { store, commit, backend } = await open();
        for (const one of steps) {
          if (one === 'commit') commit();
          else if (one === 'rollback') store.rollback();
          else if (one === 'advance') store.groupCounter?.advance(2);
          else if (one === 'undo') {
            store.mark();
            store.put('k1', 'banana');
            store.undo();
          } else if (one.put.value === undefined) store.delete(one.put.key);
          else store.put(one.put.key, one.put.value);
        }
        while (store.groupCounter?.advance(2) !== true);
        const rows = [...backend.keySpace('things').range({})].map(([, value]) => Buffer.from(value).toString());
        for (const group of ['a', 'b']) {
          expect(store.groupCounter?.count(group)).toBe(rows.filter((value) => groupOf(value) === group).length);
        }
        store.close();
      }),
    );
  });

  it('counts nothing before it is asked, and no more groups than it may keep', async () => {
    const { store, commit } = await open(2);
    store.put('k1', 'apple');
    commit();
    expect(store.groupCounter?.count('a')).toBeUndefined();
    while (store.groupCounter?.advance(10) !== true);
    expect(store.groupCounter?.count('a')).toBe(1);
    store.put('k2', 'banana');
    store.put('k3', 'cherry');
    commit();
    expect(store.groupCounter?.exceeded).toBe(true);
    expect(store.groupCounter?.count('a')).toBeUndefined();
    store.close();
  });

  it('follows what a warm copy restores', async () => {
    const { store, backend } = await open();
    while (store.groupCounter?.advance(10) !== true);
    const record = (key: string, value: string | null) => ({
      ...{ offset: 0, timestampMs: 0, headers: undefined },
      ...{ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) },
    });
    for (const records of [
      [record('k1', 'apple'), record('k2', 'avocado')],
      [record('k1', 'APPLE'), record('k2', null)],
    ]) {
      const batch = backend.batch();
      store.restore(records, batch);
      backend.write(batch);
      expect(store.groupCounter?.count('a')).toBe(records[0]?.value?.toString() === 'apple' ? 2 : 0);
    }
    store.close();
  });
});
