import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  DEFAULT_RETRY,
  type DeliveryState,
  type FailureKind,
  type RetryPolicy,
  retryDelayMs,
} from '../../../notifications/delivery.ts';

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 20 }),
  firstDelayMs: fc.integer({ min: 1, max: 10_000 }),
  maxDelayMs: fc.integer({ min: 10_000, max: 600_000 }),
});
const kinds = fc.constantFrom<FailureKind>('held', 'transient', 'permanent');
const below1 = fc.double({ min: 0, max: 0.999_999, noNaN: true });

describe('the wait before the next attempt', () => {
  it('doubles up to its limit', () => {
    const delays = [1, 2, 3, 9, 10, 1_000_000].map((failures) => retryDelayMs(failures, DEFAULT_RETRY, 0));
    expect(delays).toEqual([500, 1_000, 2_000, 128_000, 150_000, 150_000]);
  });

  it('is spread over its upper half', () => {
    fc.assert(
      fc.property(policies, fc.nat(2_000), below1, (policy, failures, random) => {
        const delay = retryDelayMs(failures, policy, random);
        const [least, most] = [retryDelayMs(failures, policy, 0), retryDelayMs(failures, policy, 1)];
        expect(delay).toBeGreaterThanOrEqual(least);
        expect(delay).toBeLessThanOrEqual(most);
        expect(most).toBeLessThanOrEqual(policy.maxDelayMs);
        expect(Math.abs(most - 2 * least)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a delivery', () => {
  it('[INV-NOTIFY-BOUNDED] ends, however it fails, and waits for a later time until then', () => {
    fc.assert(
      fc.property(
        policies,
        fc.infiniteStream(fc.tuple(kinds, below1)),
        fc.nat(10_000_000),
        (policy, failures, lifeMs) => {
          let nowMs = 0;
          let state: DeliveryState = { status: 'PENDING', attempts: 0, nextAttemptAtMs: 0 };
          let reached = 0;
          // Every wait has a least length, so the time of the delivery holds only so many.
          const most = Math.ceil(lifeMs / (policy.firstDelayMs * 0.5)) + 2;
          for (const [kind, random] of failures) {
            if (state.status !== 'PENDING') break;
            expect((reached += 1)).toBeLessThanOrEqual(most);
            const before: DeliveryState = state;
            state = afterFailure({ attempts: before.attempts, expiresAtMs: lifeMs }, kind, policy, { nowMs, random });
            expect(state.attempts).toBe(before.attempts + (kind === 'held' ? 0 : 1));
            if (kind === 'permanent') expect(state.status).toBe('DEAD');
            if (state.status !== 'PENDING') break;
            expect(state.attempts).toBeLessThan(policy.maxAttempts);
            expect(state.nextAttemptAtMs).toBeGreaterThanOrEqual(nowMs + policy.firstDelayMs * 0.5 - 1);
            expect(state.nextAttemptAtMs).toBeLessThan(lifeMs);
            // The clock of a random life goes on by at least a millisecond.
            nowMs = Math.max(state.nextAttemptAtMs, nowMs + 1);
          }
          expect(state.status).toBe('DEAD');
        },
      ),
      { numRuns: 100 },
    );
  });

  it('[INV-NOTIFY-BOUNDED] uses no attempt up while its channel is held back', () => {
    const at = { nowMs: 1_000, random: 0 };
    const held = afterFailure({ attempts: 9, expiresAtMs: 1e9 }, 'held', DEFAULT_RETRY, at);
    expect(held).toMatchObject({ status: 'PENDING', attempts: 9 });
    expect(afterFailure({ attempts: 9, expiresAtMs: 1e9 }, 'transient', DEFAULT_RETRY, at).status).toBe('DEAD');
  });

  it('is delivered by its first success', () => {
    expect(afterSuccess({ attempts: 2, expiresAtMs: 0 })).toEqual({ status: 'DELIVERED', attempts: 3 });
  });
});
