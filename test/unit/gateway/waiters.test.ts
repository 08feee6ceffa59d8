/** The places of waiting requests. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecisionWaiters, type Waiter } from '../../../gateway/decision/waiters.ts';

describe('decision waiters', () => {
  it('tell every request that waits for the alert, and no other', async () => {
    const waiters = new DecisionWaiters(10);
    const [first, second, other] = ['a', 'a', 'b'].map((id) => waiters.register(id, 'driver'));
    waiters.settle({ alertId: 'a', status: 'OPEN' });
    expect(await first?.decided).toBe('OPEN');
    expect(await second?.decided).toBe('OPEN');
    expect(await Promise.race([other?.decided, Promise.resolve('waiting')])).toBe('waiting');
  });

  it('[INV-GATEWAY-BOUNDED-WAITERS] never exceed the capacity and leave nothing behind', () => {
    const step = fc.record({
      alert: fc.integer({ min: 0, max: 3 }),
      driver: fc.integer({ min: 0, max: 2 }),
      leave: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 5 }), (steps, capacity) => {
        const waiters = new DecisionWaiters(capacity);
        const present: { waiter: Waiter; driverId: string }[] = [];
        for (const { alert, driver, leave } of steps) {
          const driverId = `driver-${driver}`;
          const waiter = waiters.register(`alert-${alert}`, driverId);
          expect(waiter === undefined).toBe(present.length === capacity);
          if (waiter !== undefined) present.push({ waiter, driverId });
          if (leave % 2 === 0) {
            const [gone] = present.splice(leave % Math.max(1, present.length), 1);
            gone?.waiter.release();
            gone?.waiter.release();
          }
          expect(waiters.size).toBe(present.length);
          for (const each of [0, 1, 2].map((index) => `driver-${index}`)) {
            expect(waiters.awaitsDriver(each)).toBe(present.some((one) => one.driverId === each));
          }
        }
      }),
    );
  });
});
