/**
 * What every state backend keeps, whatever it is made of.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateLockedError } from '../../streams/errors.ts';
import type { KeySpace, StateBackend } from '../../streams/ports.ts';
import type { BackendFixture, BackendKind } from './state-backend-fixtures.ts';

const TASK = '0_3';
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('utf8');
const changelog = { topic: 'app-store-changelog', partition: 3 };

export function stateBackendConformance(kind: BackendKind): void {
  describe(`state backend ${kind.name}`, () => {
    let fixture: BackendFixture;
    let backend: StateBackend;
    let space: KeySpace;

    const reopen = async (): Promise<void> => {
      await backend.close();
      backend = await fixture.factory.open(TASK);
      space = backend.keySpace('store');
    };
    const put = (...entries: [string, string][]): void => {
      const batch = backend.batch();
      for (const [key, value] of entries) batch.put(space, utf8(key), utf8(value));
      backend.write(batch);
    };
    const keys = (bounds: { from?: string; to?: string; reverse?: boolean; limit?: number } = {}): string[] => {
      const { from, to, ...rest } = bounds;
      const range = {
        ...rest,
        ...(from === undefined ? {} : { from: utf8(from) }),
        ...(to === undefined ? {} : { to: utf8(to) }),
      };
      return [...space.range(range)].map(([key]) => text(key)!);
    };

    beforeEach(async () => {
      fixture = await kind.fixture();
      backend = await fixture.factory.open(TASK);
      space = backend.keySpace('store');
    });
    afterEach(async () => {
      await backend.close();
      await fixture.dispose();
    });

    it('reads what was written, one or many at a time', () => {
      put(['a', '1'], ['b', '2']);
      expect(text(space.get(utf8('a')))).toBe('1');
      expect(space.get(utf8('c'))).toBeUndefined();
      expect(space.getMany([utf8('b'), utf8('c'), utf8('a'), utf8('b')]).map(text)).toEqual(['2', undefined, '1', '2']);
      expect(space.getMany([])).toEqual([]);
    });

    it('shows a batch only once it is written [INV-STATE-ATOMIC]', () => {
      const batch = backend.batch();
      batch.put(space, utf8('a'), utf8('1'));
      batch.setPosition(changelog, 7);
      expect(space.get(utf8('a'))).toBeUndefined();
      expect(backend.position(changelog)).toBeUndefined();
      backend.write(batch);
      expect(text(space.get(utf8('a')))).toBe('1');
      expect(backend.position(changelog)).toBe(7);
    });

    it('refuses to write a batch twice', () => {
      const batch = backend.batch();
      backend.write(batch);
      expect(() => backend.write(batch)).toThrow(/another/);
      expect(() => batch.put(space, utf8('a'), utf8('1'))).toThrow(/another/);
    });

    it('applies the changes of a batch in their order', () => {
      put(['a', 'old'], ['b', 'old'], ['c', 'old'], ['d', 'old']);
      const batch = backend.batch();
      batch.put(space, utf8('bb'), utf8('before the range deletion'));
      batch.delete(space, utf8('c'));
      batch.put(space, utf8('c'), utf8('again'));
      batch.deleteRange(space, utf8('a'), utf8('d'));
      batch.put(space, utf8('b'), utf8('after the range deletion'));
      batch.put(space, utf8('d'), utf8('1'));
      batch.put(space, utf8('d'), utf8('2'));
      backend.write(batch);
      expect([...space.range({})].map(([key, value]) => [text(key), text(value)])).toEqual([
        ['b', 'after the range deletion'],
        ['d', '2'],
      ]);
    });

    it('copies what is put, so that buffers can be reused', () => {
      const [key, value] = [Buffer.from('key'), Buffer.from('value')];
      const batch = backend.batch();
      batch.put(space, key, value);
      key.fill('x');
      value.fill('x');
      backend.write(batch);
      expect(text(space.get(utf8('key')))).toBe('value');
    });

    it('keeps data and positions over a restart', async () => {
      put(['a', '1']);
      const batch = backend.batch();
      batch.setPosition(changelog, 42);
      batch.setPosition({ topic: 'stream-time', partition: 0 }, -1);
      batch.setPosition({ topic: 'far', partition: 0 }, Number.MAX_SAFE_INTEGER);
      backend.write(batch);
      await reopen();
      expect(text(space.get(utf8('a')))).toBe('1');
      expect(backend.position(changelog)).toBe(42);
      expect(backend.position({ topic: 'stream-time', partition: 0 })).toBe(-1);
      expect(backend.position({ topic: 'far', partition: 0 })).toBe(Number.MAX_SAFE_INTEGER);
      expect(backend.position({ ...changelog, partition: 4 })).toBeUndefined();
    });

    it('has exactly the written batches after a crash', async () => {
      put(['a', '1']);
      backend.batch().put(space, utf8('b'), utf8('never written'));
      await fixture.crash(TASK, backend);
      backend = await fixture.factory.open(TASK);
      space = backend.keySpace('store');
      expect(keys()).toEqual(['a']);
    });

    it('ranges over half-open bounds, both ways, in byte order', () => {
      put(['b', ''], ['a', ''], ['ab', ''], ['c', ''], ['é', ''], ['\u{1f600}', ''], ['\uffee', '']);
      expect(keys()).toEqual(['a', 'ab', 'b', 'c', 'é', '\uffee', '\u{1f600}']);
      expect(keys({ from: 'ab', to: 'c' })).toEqual(['ab', 'b']);
      expect(keys({ from: 'ab', to: 'c', reverse: true })).toEqual(['b', 'ab']);
      expect(keys({ from: 'aa', limit: 2 })).toEqual(['ab', 'b']);
      expect(keys({ to: 'b', reverse: true, limit: 1 })).toEqual(['ab']);
      expect(keys({ from: 'x', to: 'y' })).toEqual([]);
      expect(keys({ from: 'c', to: 'a' })).toEqual([]);
      expect(keys({ from: 'c', to: 'a', reverse: true })).toEqual([]);
    });

    it('reads a range as it was when it was asked for, whatever is written meanwhile', () => {
      put(
        ...Array.from({ length: 2000 }, (_, index): [string, string] => [`k${String(index).padStart(4, '0')}`, 'old']),
      );
      const range = space.range({});
      const first = range.next();
      const batch = backend.batch();
      batch.deleteRange(space, utf8('k0500'), utf8('k1000'));
      batch.put(space, utf8('k1500'), utf8('changed'));
      batch.put(space, utf8('k1500x'), utf8('added'));
      backend.write(batch);
      const rest = [...range];
      expect(first.done).toBe(false);
      expect(rest).toHaveLength(1999);
      expect(rest.every(([, value]) => text(value) === 'old')).toBe(true);
      expect(keys()).toHaveLength(1501);
    });

    it('lets a range be left early, and a backend be closed with one open', async () => {
      put(['a', '1'], ['b', '2']);
      for (const [key] of space.range({})) {
        expect(text(key)).toBe('a');
        break;
      }
      const open = space.range({});
      open.next();
      await reopen();
      expect(keys()).toEqual(['a', 'b']);
    });

    it('takes any key and any value: empty, binary, large', () => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const large = Buffer.alloc(3 * 1024 * 1024, 'large');
      const odd = [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(0xff), all];
      const batch = backend.batch();
      for (const key of odd) batch.put(space, key, key);
      batch.put(space, utf8('large'), large);
      batch.put(space, large.subarray(0, 5000), utf8('long key'));
      backend.write(batch);
      for (const key of odd) expect(Buffer.from(space.get(key)!).equals(key)).toBe(true);
      expect(Buffer.from(space.get(utf8('large'))!).equals(large)).toBe(true);
      expect(text(space.get(large.subarray(0, 5000)))).toBe('long key');
      expect([...space.range({})]).toHaveLength(odd.length + 2);
    });

    it('keeps key spaces apart, also ones that are added later', async () => {
      const other = backend.keySpace('other');
      const batch = backend.batch();
      batch.put(space, utf8('a'), utf8('store'));
      batch.put(other, utf8('a'), utf8('other'));
      batch.put(other, Uint8Array.of(0xff, 0xff, 0xff), utf8('end'));
      backend.write(batch);
      await reopen();
      const [added, otherAgain] = [backend.keySpace('added'), backend.keySpace('other')];
      expect([...added.range({})]).toEqual([]);
      expect([...otherAgain.range({})].map(([, value]) => text(value))).toEqual(['other', 'end']);
      const clearing = backend.batch();
      clearing.deleteRange(otherAgain, new Uint8Array(0), Uint8Array.of(0xff, 0xff, 0xff, 0xff));
      backend.write(clearing);
      expect([...otherAgain.range({})]).toEqual([]);
      expect(keys()).toEqual(['a']);
    });

    it('keeps the state of tasks apart, lists and destroys it', async () => {
      const other = await fixture.factory.open('1_0');
      put(['a', '1']);
      expect(other.keySpace('store').get(utf8('a'))).toBeUndefined();
      expect([...(await fixture.factory.list())].sort()).toEqual([TASK, '1_0']);
      await other.close();
      await backend.close();
      await fixture.factory.destroy(TASK);
      await fixture.factory.destroy(TASK);
      expect(await fixture.factory.list()).toEqual(['1_0']);
      backend = await fixture.factory.open(TASK);
      expect([...backend.keySpace('store').range({})]).toEqual([]);
    });

    it('lets one open at a time have a task, and none destroy it meanwhile', async () => {
      await expect(fixture.factory.open(TASK)).rejects.toThrow(StateLockedError);
      await expect(fixture.factory.destroy(TASK)).rejects.toThrow(StateLockedError);
      put(['a', '1']);
      await reopen();
      expect(keys()).toEqual(['a']);
    });

    it('empties everything with wipe, for good', async () => {
      put(['a', '1']);
      const batch = backend.batch();
      batch.setPosition(changelog, 5);
      batch.put(backend.keySpace('other'), utf8('b'), utf8('2'));
      backend.write(batch);
      backend.wipe();
      const check = (): void => {
        expect(keys()).toEqual([]);
        expect([...backend.keySpace('other').range({})]).toEqual([]);
        expect(backend.position(changelog)).toBeUndefined();
      };
      check();
      await reopen();
      check();
      put(['c', '3']);
      await reopen();
      expect(keys()).toEqual(['c']);
    });

    it('refuses use after it was closed, and closes twice without harm', async () => {
      await backend.close();
      await backend.close();
      expect(() => space.get(utf8('a'))).toThrow(/closed/);
      expect(() => [...space.range({})]).toThrow(/closed/);
      expect(() => backend.write(backend.batch())).toThrow(/closed/);
    });

    it('agrees with a plain map on any sequence of batches', async () => {
      const key = fc.uint8Array({ maxLength: 3, max: 3 });
      const change = fc.oneof(
        fc.record({ kind: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 4 }) }),
        fc.record({ kind: fc.constant('delete' as const), key }),
        fc.record({ kind: fc.constant('range' as const), from: key, to: key }),
      );
      const batches = fc.array(
        fc.record({ changes: fc.array(change, { maxLength: 8, size: 'max' }), restart: fc.boolean() }),
        {
          maxLength: 8,
          size: 'max',
        },
      );
      let taskNumber = 0;
      await fc.assert(
        fc.asyncProperty(batches, fc.array(fc.tuple(key, key, fc.boolean())), async (steps, queries) => {
          taskNumber += 1;
          const taskId = `9_${taskNumber}`;
          let opened = await fixture.factory.open(taskId);
          const model = new Map<string, Buffer>();
          for (const { changes, restart } of steps) {
            const [batch, target] = [opened.batch(), opened.keySpace('s')];
            for (const step of changes) {
              if (step.kind === 'put') {
                batch.put(target, step.key, step.value);
                model.set(Buffer.from(step.key).toString('hex'), Buffer.from(step.value));
              } else if (step.kind === 'delete') {
                batch.delete(target, step.key);
                model.delete(Buffer.from(step.key).toString('hex'));
              } else {
                batch.deleteRange(target, step.from, step.to);
                for (const name of [...model.keys()]) if (within(name, step.from, step.to)) model.delete(name);
              }
            }
            opened.write(batch);
            if (!restart) continue;
            await fixture.crash(taskId, opened);
            opened = await fixture.factory.open(taskId);
          }
          const target = opened.keySpace('s');
          for (const [from, to, reverse] of queries) {
            const expected = [...model].filter(([name]) => within(name, from, to)).sort(([a], [b]) => byHex(a, b));
            if (reverse) expected.reverse();
            const actual = [...target.range({ from, to, reverse })];
            expect(actual.map(([k, v]) => [Buffer.from(k).toString('hex'), Buffer.from(v)])).toEqual(expected);
          }
          await opened.close();
          await fixture.factory.destroy(taskId);
        }),
        { numRuns: kind.runs },
      );
    });
  });
}

const byHex = (a: string, b: string): number => Buffer.compare(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));

const within = (name: string, from: Uint8Array, to: Uint8Array): boolean => {
  const key = Buffer.from(name, 'hex');
  return Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0;
};
