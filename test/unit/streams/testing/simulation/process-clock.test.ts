import { describe, expect, it } from 'vitest';
import { ProcessClock } from '../../../../../streams/testing/simulation/process-clock.ts';
import { VirtualClock } from '../../../../../streams/testing/virtual-clock.ts';

const START_MS = 1_000_000;

const start = (skew = { offsetMs: 0, drift: 0 }) => {
  const base = new VirtualClock(START_MS);
  return { base, clock: new ProcessClock(base, skew, START_MS) };
};

describe('ProcessClock', () => {
  it('is off by its offset and drifts away, in whole milliseconds', async () => {
    const { base, clock } = start({ offsetMs: -300, drift: 0.001 });
    expect(clock.now()).toBe(START_MS - 300);
    await base.advance(10_500);
    expect(clock.now()).toBe(START_MS - 300 + 10_510);
  });

  it('sleeps on while it is paused, also when the sleep is interrupted', async () => {
    const { base, clock } = start();
    const woken: string[] = [];
    const controller = new AbortController();
    void clock.sleep(100).then(() => woken.push('slept'));
    void clock.sleep(100_000, controller.signal).then(() => woken.push('interrupted'));
    clock.pause();
    controller.abort();
    await base.advance(1_000);
    expect(woken).toEqual([]);
    clock.resume();
    await base.settle();
    expect(woken.sort()).toEqual(['interrupted', 'slept']);
  });

  it('never wakes up when it is dead', async () => {
    const { base, clock } = start();
    let woken = false;
    void clock.sleep(100).then(() => (woken = true));
    clock.pause();
    clock.kill();
    clock.resume();
    await base.advance(1_000);
    expect(woken).toBe(false);
  });
});
