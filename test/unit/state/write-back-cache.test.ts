import { describe, expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { WriteBackCache } from '../../../state/write-back-cache.ts';
import type { KeySpace } from '../../../streams/ports.ts';
import { stringSerde } from '../../../streams/serdes.ts';

/** A key space that answers every key with itself and counts what it is asked for. */
function echoSpace(): KeySpace & { reads: number; rounds: number; closed: number } {
  return {
    name: 'echo',
    reads: 0,
    rounds: 0,
    closed: 0,
    get(key) {
      this.reads += 1;
      return Buffer.from(key);
    },
    getMany(keys) {
      this.rounds += 1;
      this.reads += keys.length;
      return keys.map((key) => Buffer.from(key));
    },
    range() {
      const entries = [Buffer.from('a'), Buffer.from('b')].map((key) => [key, key] as const).values();
      return Object.assign(entries, {
        return: () => {
          this.closed += 1;
          return { done: true as const, value: undefined };
        },
      });
    },
    approximateEntries: () => 0,
  };
}

const cacheOf = (space: KeySpace, cacheEntries: number): WriteBackCache<string, string> =>
  new WriteBackCache({ storeName: 's', space, key: stringKey, value: stringSerde, cacheEntries });

describe('WriteBackCache', () => {
  it('does not read for a put, nor again for what it holds', () => {
    const space = echoSpace();
    const cache = cacheOf(space, 100);
    cache.put('a', '1');
    cache.put('b', undefined);
    expect([cache.get('a'), cache.get('b')]).toEqual(['1', undefined]);
    expect(space.reads).toBe(0);
    cache.get('c');
    cache.get('c');
    expect(space.reads).toBe(1);
  });

  it('prefetches in one round, each missing key once', () => {
    const space = echoSpace();
    const cache = cacheOf(space, 100);
    cache.put('a', '1');
    cache.get('b');
    cache.prefetch(['a', 'b', 'c', 'c', 'd']);
    cache.prefetch(['c', 'd']);
    expect([space.rounds, space.reads]).toEqual([1, 3]);
    expect(cache.lacks('d')).toBe(false);
    expect(cache.lacks('e')).toBe(true);
  });

  it('forgets clean entries beyond its capacity, those not used lately first, and never dirty ones', () => {
    const space = echoSpace();
    const cache = cacheOf(space, 20);
    cache.put('dirty', '1');
    cache.get('hot');
    for (let number = 0; number < 1000; number += 1) {
      cache.get(`k${number}`);
      cache.get('hot');
    }
    const before = space.reads;
    cache.get('hot');
    expect(cache.get('dirty')).toBe('1');
    expect(space.reads).toBe(before);
    const held = Array.from({ length: 1000 }, (_, number) => `k${number}`).filter((key) => !cache.lacks(key));
    expect(held.length).toBeLessThanOrEqual(22);
    expect(held).toContain('k999');
  });

  it('closes the range below when one of its own is left early', () => {
    const space = echoSpace();
    const cache = cacheOf(space, 20);
    for (const [key] of cache.range(undefined, undefined, false)) {
      expect(String(key)).toBe('a');
      break;
    }
    expect(space.closed).toBe(1);
  });

  it('says so when a serde writes null', () => {
    const cache = new WriteBackCache<string, string>({
      storeName: 's',
      space: echoSpace(),
      key: stringKey,
      value: { serialize: () => null, deserialize: () => '' },
      cacheEntries: 2,
    });
    cache.put('a', '1');
    expect(() => cache.flush({ append: () => undefined }, 0)).toThrow(/wrote null/);
  });

  it('has nothing to undo to without a mark', () => {
    const cache = cacheOf(echoSpace(), 2);
    cache.put('a', '1');
    expect(() => cache.undo()).toThrow(/no mark/);
  });
});
