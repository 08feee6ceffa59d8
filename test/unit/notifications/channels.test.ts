/** Channels that fail, hang and recover: the guard of one, and the chain of several. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { DeliveryError } from '../../../connectors/notifications/sender.ts';
import { ChannelGuard, type Failure } from '../../../notifications/channel-guard.ts';
import type { FailureKind } from '../../../notifications/delivery.ts';
import { attempt, chainOf, MAX_CHAIN } from '../../../notifications/fallback-chain.ts';
import { channel } from './support.ts';

const OPTIONS = { timeoutMs: 60_000, maxConcurrent: 2, maxQueued: 1, failures: 3, halfOpenAfterMs: 50 };
const fail = (permanent: boolean) => () => Promise.reject(new DeliveryError('no', { permanent }));
const succeed = (): Promise<void> => Promise.resolve();

describe('the guard of a channel', () => {
  it('[INV-NOTIFY-BREAKER] opens after failures in a row, lets one trial through, and closes when that succeeds', async () => {
    const states: string[] = [];
    const guard = new ChannelGuard(OPTIONS, (state) => void states.push(state));
    for (let failures = 0; failures < 3; failures += 1) expect((await guard.send(fail(false)))?.kind).toBe('transient');
    expect(guard.state).toBe('open');
    const sent = vi.fn(succeed);
    expect((await guard.send(sent))?.kind).toBe('held');
    expect(sent).not.toHaveBeenCalled();
    await vi.waitFor(async () => expect((await guard.send(fail(false)))?.kind).toBe('transient'), { timeout: 10_000 });
    expect(guard.state).toBe('open');
    await vi.waitFor(async () => expect(await guard.send(sent)).toBeUndefined(), { timeout: 10_000 });
    expect(guard.state).toBe('closed');
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
  });

  it('[INV-NOTIFY-BREAKER] is not opened by what can never be delivered', async () => {
    const guard = new ChannelGuard(OPTIONS, () => undefined);
    for (let failures = 0; failures < 9; failures += 1) expect((await guard.send(fail(true)))?.kind).toBe('permanent');
    expect(guard.state).toBe('closed');
  });

  it('gives a send up after its time, and tells it so', async () => {
    const guard = new ChannelGuard({ ...OPTIONS, timeoutMs: 20 }, () => undefined);
    let ended: AbortSignal | undefined;
    const failure = await guard.send((signal) => {
      ended = signal;
      return new Promise(() => undefined);
    });
    expect(failure).toEqual({ kind: 'transient', reason: 'The channel did not answer within 20 ms.' });
    expect(ended?.aborted).toBe(true);
  });

  it('[INV-NOTIFY-BREAKER] refuses more sends at once than it has places', async () => {
    const guard = new ChannelGuard(OPTIONS, () => undefined);
    const release = Promise.withResolvers<void>();
    let begun = 0;
    const sends = [1, 2, 3].map(() =>
      guard.send(() => {
        begun += 1;
        return release.promise;
      }),
    );
    expect(await guard.send(succeed)).toEqual({ kind: 'held', reason: 'The channel is busy.' });
    expect(begun).toBe(2);
    release.resolve();
    expect(await Promise.all(sends)).toEqual([undefined, undefined, undefined]);
    expect(await guard.send(succeed)).toBeUndefined();
  });

  it('takes what nobody foresaw for final', async () => {
    const guard = new ChannelGuard(OPTIONS, () => undefined);
    const failure = await guard.send(() => Promise.reject(new TypeError('x is not a function')));
    expect(failure).toEqual({ kind: 'permanent', reason: 'Unexpected: x is not a function.' });
  });
});

describe('a chain of channels', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  const configured = fc
    .array(fc.record({ fallback: fc.option(fc.constantFrom(...ids)), enabled: fc.boolean() }), {
      minLength: ids.length,
      maxLength: ids.length,
    })
    .map(
      (entries) =>
        new Map(
          entries.map(({ fallback, enabled }, index) => {
            const id = ids[index] ?? '';
            return [id, channel(id, { fallbackId: fallback, enabled })];
          }),
        ),
    );
  const outcomes = fc.dictionary(
    fc.constantFrom(...ids),
    fc.constantFrom<FailureKind>('held', 'transient', 'permanent'),
  );

  it('[INV-NOTIFY-FALLBACK] asks each at most once, in order, until one takes it, also in circles', async () => {
    await fc.assert(
      fc.asyncProperty(configured, outcomes, async (channels, failing) => {
        const chain = chainOf('a', channels);
        const chained = chain.map(({ id }) => id);
        expect(new Set(chained).size).toBe(chained.length);
        expect(chained.length).toBeLessThanOrEqual(MAX_CHAIN);
        expect(chain.every(({ enabled }) => enabled)).toBe(true);
        const asked: string[] = [];
        const { deliveredBy, failure } = await attempt(chain, async ({ id }) => {
          asked.push(id);
          const kind = failing[id];
          return kind === undefined ? undefined : { kind, reason: kind };
        });
        const first = chained.find((id) => failing[id] === undefined);
        expect(deliveredBy).toBe(first);
        expect(asked).toEqual(first === undefined ? chained : chained.slice(0, chained.indexOf(first) + 1));
        if (deliveredBy !== undefined) return;
        const kinds = chained.map((id) => failing[id]);
        const hope = (['transient', 'held', 'permanent'] as const).find((kind) => kinds.includes(kind)) ?? 'permanent';
        expect(failure?.kind).toBe(hope);
      }),
    );
  });

  it('says of each why it failed', async () => {
    const chain = [channel('hook'), channel('mail')];
    const failures: Record<string, Failure> = {
      hook: { kind: 'transient', reason: 'The receiver answered 500.' },
      mail: { kind: 'permanent', reason: 'There is no mail server.' },
    };
    expect((await attempt(chain, async ({ id }) => failures[id])).failure).toEqual({
      kind: 'transient',
      reason: 'hook: The receiver answered 500. mail: There is no mail server.',
    });
  });
});
