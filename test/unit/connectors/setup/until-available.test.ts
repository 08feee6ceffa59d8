import { describe, expect, it } from 'vitest';
import { untilAvailable } from '../../../../connectors/setup/until-available.ts';
import { FatalLogError, RetriableLogError } from '../../../../streams/errors.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const away = (): RetriableLogError => new RetriableLogError('AWAY', 'connection refused');

const waitFor = (action: () => Promise<string>) => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const waiting = untilAvailable(
    { service: 'Kafka at h:1', waitMs: 60_000, clock, say: (line) => void lines.push(line) },
    action,
  );
  return { clock, lines, result: clock.runUntil(waiting) };
};

describe('waiting for a service', () => {
  it('goes on as soon as it answers', async () => {
    let attempts = 0;
    const { clock, result } = waitFor(async () => {
      if (++attempts < 4) throw away();
      return 'ready';
    });
    expect(await result).toBe('ready');
    expect(clock.now()).toBe(1500);
  });

  it('says at once and then now and then what it is waiting for and why', async () => {
    let attempts = 0;
    const { lines, result } = waitFor(async () => {
      if (++attempts <= 22) throw away();
      return 'ready';
    });
    await result;
    expect(lines).toEqual([
      'Waiting for Kafka at h:1 (0 of 60 s): connection refused',
      'Waiting for Kafka at h:1 (5 of 60 s): connection refused',
      'Waiting for Kafka at h:1 (10 of 60 s): connection refused',
    ]);
  });

  it('ends when the time is over, with the last reason', async () => {
    const { clock, result } = waitFor(() => Promise.reject(away()));
    await expect(result).rejects.toThrow('Kafka at h:1 was not available within 60 s: connection refused');
    expect(clock.now()).toBe(60_000);
  });

  it('does not wait for what waiting does not heal', async () => {
    const { clock, result } = waitFor(() => Promise.reject(new FatalLogError('DENIED', 'wrong password')));
    await expect(result).rejects.toThrow('wrong password');
    expect(clock.now()).toBe(0);
  });
});
