import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../../../streams/testing/simulation/random.ts';

const sequence = (seed: number, stream?: number): number[] => {
  const random = new SeededRandom(seed, stream);
  return Array.from({ length: 1_000 }, () => random.next());
};

describe('SeededRandom', () => {
  it('says the same for the same seed and something else for another seed or stream', () => {
    expect(sequence(7, 1)).toEqual(sequence(7, 1));
    const firsts = [sequence(7, 1), sequence(8, 1), sequence(7, 2), sequence(7 + 2 ** 32, 1)].map(([first]) => first);
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('is spread evenly over [0, 1)', () => {
    for (let seed = 0; seed < 20; seed++) {
      const numbers = sequence(seed);
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...numbers)).toBeLessThan(1);
      const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
    }
  });

  it('gives whole numbers between both bounds, items of a list, and items by weight', () => {
    const random = new SeededRandom(1);
    const rolls = new Set(Array.from({ length: 300 }, () => random.between(1, 6)));
    expect([...rolls].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b'])))).toEqual(new Set(['a', 'b']));
    const weighted = Array.from({ length: 1_000 }, () => random.weighted({ often: 9, never: 0, rarely: 1 }));
    expect(new Set(weighted)).toEqual(new Set(['often', 'rarely']));
    expect(weighted.filter((item) => item === 'often').length).toBeGreaterThan(800);
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
