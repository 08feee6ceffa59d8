/**
 * The virtual clock: time moves only when told to, and always wakes the same sleepers in the same order.
 */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

/** A chain of promises that takes many turns of the microtask queue. */
const longChain = async (turns: number): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
};

test('stands still until it is advanced', async () => {
  const clock = new VirtualClock(1_000);
  let awake = false;
  const sleep = clock.sleep(10).then(() => (awake = true));
  await clock.settle();
  expect([clock.now(), awake]).toEqual([1_000, false]);
  await clock.advance(9);
  expect([clock.now(), awake]).toEqual([1_009, false]);
  await clock.advance(1);
  expect([clock.now(), awake]).toEqual([1_010, true]);
  await sleep;
});

test('wakes sleepers by due time, then in the order of falling asleep, each at its own time [INV-CLOCK-ORDER]', async () => {
  const clock = new VirtualClock();
  const woken: string[] = [];
  const sleep = (name: string, ms: number): Promise<number> =>
    clock.sleep(ms).then(() => woken.push(`${name}@${clock.now()}`));
  const all = Promise.all([sleep('late', 30), sleep('a', 10), sleep('b', 10), sleep('first', 5), sleep('c', 10)]);
  await clock.advance(100);
  await all;
  expect(woken).toEqual(['first@5', 'a@10', 'b@10', 'c@10', 'late@30']);
  expect(clock.now()).toBe(100);
});

test('lets all that follows from one sleeper run before it wakes the next', async () => {
  const clock = new VirtualClock();
  const steps: string[] = [];
  const first = clock.sleep(10).then(async () => {
    await longChain(5_000);
    steps.push(`first done at ${clock.now()}`);
  });
  const second = clock.sleep(10).then(() => steps.push('second'));
  const later = clock.sleep(11).then(() => steps.push('later'));
  await clock.advance(20);
  expect(steps).toEqual(['first done at 10', 'second', 'later']);
  await Promise.all([first, second, later]);
});

test('wakes those who fall asleep on the way, when they are due', async () => {
  const clock = new VirtualClock();
  const ticks: number[] = [];
  const ticking = (async () => {
    for (let tick = 0; tick < 5; tick++) {
      await clock.sleep(10);
      ticks.push(clock.now());
    }
  })();
  await clock.advance(35);
  expect(ticks).toEqual([10, 20, 30]);
  await clock.advance(15);
  expect(ticks).toEqual([10, 20, 30, 40, 50]);
  await ticking;
});

test('ends a sleep at once when its signal aborts, and forgets it', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const sleep = clock.sleep(1_000, stop.signal);
  expect(clock.sleeping).toBe(1);
  stop.abort();
  await sleep;
  await clock.sleep(1_000, stop.signal);
  expect([clock.now(), clock.sleeping]).toEqual([0, 0]);
});

test('never goes back', async () => {
  const clock = new VirtualClock(50);
  await clock.advanceTo(10);
  expect(clock.now()).toBe(50);
});

test('moves as far as a promise needs and no further', async () => {
  const clock = new VirtualClock();
  void clock.sleep(10_000);
  const work = async (): Promise<string> => {
    await clock.sleep(300);
    await longChain(1_000);
    await clock.sleep(0);
    return 'done';
  };
  expect(await clock.runUntil(work())).toBe('done');
  expect(clock.now()).toBe(300);
});

test('passes a rejection on', async () => {
  const clock = new VirtualClock();
  const work = clock.sleep(5).then(() => Promise.reject(new Error('failed')));
  await expect(clock.runUntil(work)).rejects.toThrow('failed');
});

test('waits for work of the host while nobody sleeps', async () => {
  const clock = new VirtualClock();
  const hostWork = new Promise<string>((resolve) => setTimeout(() => resolve('from the host'), 5));
  expect(await clock.runUntil(hostWork)).toBe('from the host');
});

test('gives up on what takes too long, can never end, or goes round in circles', async () => {
  const clock = new VirtualClock();
  await expect(clock.runUntil(clock.sleep(1_001), { maxElapsedMs: 1_000 })).rejects.toThrow(/within 1000 ms/);
  const idle = new VirtualClock();
  await expect(idle.runUntil(new Promise(() => undefined))).rejects.toThrow(/never finish/);
  const circling = new VirtualClock();
  let stopped = false;
  const circle = (async () => {
    while (!stopped) await circling.sleep(0);
  })();
  await expect(circling.runUntil(circle)).rejects.toThrow(/without time moving/);
  stopped = true;
});

test('refuses two drivers at once', async () => {
  const clock = new VirtualClock();
  const first = clock.advance(10);
  await expect(clock.advance(10)).rejects.toThrow(/advanced already/);
  await first;
  expect(clock.now()).toBe(10);
});
