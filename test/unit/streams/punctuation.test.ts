import { describe, expect, it } from 'vitest';
import { PunctuationQueue } from '../../../streams/punctuation.ts';

const record = () => {
  const fired: number[] = [];
  return { fired, fire: (callback: (timestampMs: number) => void, timestampMs: number) => callback(timestampMs) };
};

describe('PunctuationQueue', () => {
  it('fires a schedule once however many of its intervals have passed, and stays on its grid [INV-PUNCTUATION-GRID]', () => {
    const queue = new PunctuationQueue();
    const { fired, fire } = record();
    queue.schedule(10, 10, (timestampMs) => fired.push(timestampMs));
    for (const nowMs of [5, 10, 57, 59, 60]) queue.punctuate(nowMs, fire);
    expect(fired).toEqual([10, 57, 60]);
  });

  it('fires schedules in the order they fall due', () => {
    const queue = new PunctuationQueue();
    const order: string[] = [];
    const { fire } = record();
    queue.schedule(20, 20, () => order.push('slow'));
    queue.schedule(5, 5, () => order.push('fast'));
    queue.punctuate(20, fire);
    expect(order).toEqual(['fast', 'slow']);
  });

  it('does not fire what was cancelled, even by another callback of the same round', () => {
    const queue = new PunctuationQueue();
    const { fired, fire } = record();
    queue.schedule(1, 10, () => later.cancel());
    const later = queue.schedule(2, 10, (timestampMs) => fired.push(timestampMs));
    queue.punctuate(5, fire);
    expect(fired).toEqual([]);
    expect(queue.nextMs).toBe(11);
  });

  it('refuses an interval below a millisecond', () => {
    expect(() => new PunctuationQueue().schedule(0, 0, () => undefined)).toThrow(RangeError);
  });
});
