import { describe, expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { timerStore } from '../../../state/stores.ts';
import type { KeySpace, StateBackend, StateBatch } from '../../../streams/ports.ts';
import type { TimerStore } from '../../../streams/state-store.ts';

/** Counts the rows and values that come out of a backend. */
function counting(backend: StateBackend): { backend: StateBackend; count: { rows: number; values: number } } {
  const count = { rows: 0, values: 0 };
  const countingSpace = (space: KeySpace): KeySpace => ({
    name: space.name,
    get: (key) => {
      count.values += 1;
      return space.get(key);
    },
    getMany: (keys) => {
      count.values += keys.length;
      return space.getMany(keys);
    },
    *range(bounds) {
      for (const row of space.range(bounds)) {
        count.rows += 1;
        yield row;
      }
    },
    approximateEntries: () => space.approximateEntries(),
  });
  return {
    count,
    backend: {
      keySpace: (name) => countingSpace(backend.keySpace(name)),
      batch: () => backend.batch(),
      write: (batch: StateBatch) => backend.write(batch),
      position: (partition) => backend.position(partition),
      wipe: () => backend.wipe(),
      stats: () => ({}),
      close: () => backend.close(),
    },
  };
}

const metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ record: () => undefined }),
};

const TIMERS = 20_000;

/** A store restarted with many timers, one a millisecond. */
async function manyTimers(): Promise<{
  store: TimerStore<string>;
  count: { rows: number; values: number };
  commit: () => void;
}> {
  const factory = new MemoryBackendFactory();
  const builder = timerStore<string>({ name: 'timers', key: stringKey });
  const context = { taskId: '0_0', metrics, streamTimeMs: () => -1 };
  const first = await factory.open('0_0');
  const filling = builder.build({ ...context, backend: first });
  for (let number = 0; number < TIMERS; number += 1) filling.schedule(`k${number}`, number);
  const batch = first.batch();
  filling.stage(batch);
  first.write(batch);
  await first.close();
  const { backend, count } = counting(await factory.open('0_0'));
  const store = builder.build({ ...context, backend });
  const commit = (): void => {
    const staged = backend.batch();
    store.stage(staged);
    backend.write(staged);
  };
  return { store, count, commit };
}

describe('the cost of due times', () => {
  it('is paid for what is due, not for what waits [INV-DUE-COST]', async () => {
    const { store, count, commit } = await manyTimers();
    for (let turn = 0; turn < 10_000; turn += 1) {
      expect(store.nextDueMs()).toBe(0);
      expect(store.peekDue(-1)).toBeUndefined();
    }
    // One chunk of rows, and the values at its head.
    expect(count.rows).toBeLessThanOrEqual(1024);
    expect(count.values).toBeLessThanOrEqual(64);
    for (let number = 0; number < 5000; number += 1) {
      expect(store.peekDue(4999)?.dueMs).toBe(number);
      store.cancel(`k${number}`);
      if (number % 500 === 499) commit();
    }
    expect(store.peekDue(4999)).toBeUndefined();
    expect(count.rows).toBeLessThanOrEqual(7 * 1024);
    expect(count.values).toBeLessThanOrEqual(5000 + 64);
  });

  it('does not grow with timers that are set beyond what is at hand', async () => {
    const { store, count, commit } = await manyTimers();
    store.nextDueMs();
    for (let number = 0; number < 50_000; number += 1) {
      store.schedule(`later${number % 100}`, TIMERS + number);
      if (number % 1000 === 999) {
        expect(store.nextDueMs()).toBe(0);
        commit();
      }
    }
    expect(count.rows).toBeLessThanOrEqual(1024);
  });

  it('does not read rows twice because of a rollback, once they have been consumed', async () => {
    const { store, count, commit } = await manyTimers();
    for (let number = 0; number < 3000; number += 1) {
      store.peekDue(number);
      store.cancel(`k${number}`);
    }
    commit();
    const before = count.rows;
    for (let round = 0; round < 5; round += 1) {
      store.cancel('k3000');
      expect(store.nextDueMs()).toBe(3001);
      store.rollback();
      expect(store.nextDueMs()).toBe(3000);
    }
    expect(count.rows - before).toBeLessThanOrEqual(5 * 1024);
  });
});
