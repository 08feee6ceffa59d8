/**
 * Waiting, giving up, and what is said about it in the log.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { resolveConfig } from '../../../../connectors/kafka/config.ts';
import { entrySink } from '../../../../connectors/kafka/logger-bridge.ts';
import { Backoff, FaultLog, retryUntil } from '../../../../connectors/kafka/retry.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import type { Logger } from '../../../../streams/ports.ts';

const recordingLogger = (): { logger: Logger; lines: string[] } => {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return { logger, lines };
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('retrying', () => {
  test('pauses longer each time up to a limit, never twice the same for everyone', () => {
    const policy = { initialMs: 10, maxMs: 100 };
    const pauses = Array.from({ length: 500 }, () => {
      const backoff = new Backoff(policy);
      return Array.from({ length: 10 }, () => backoff.next());
    });
    const firsts = pauses.map(([first]) => first as number);
    expect(Math.min(...firsts)).toBeGreaterThanOrEqual(7);
    expect(Math.max(...firsts)).toBeLessThanOrEqual(13);
    expect(new Set(firsts).size).toBeGreaterThan(100);
    expect(Math.max(...pauses.flat())).toBeLessThanOrEqual(130);
    expect(Math.min(...pauses.map((row) => row.at(-1) as number))).toBeGreaterThanOrEqual(70);
  });

  test('ends with the last fault at the deadline, and at once with one that is not retriable', async () => {
    let attempts = 0;
    const failing = (): Promise<never> => {
      attempts++;
      vi.setSystemTime(Date.now() + 40);
      return Promise.reject(new Error(`fault ${attempts}`));
    };
    const deadline = Date.now() + 200;
    await expect(retryUntil(deadline, () => true, failing)).rejects.toThrow(/fault [2-5]/);
    expect(attempts).toBeLessThanOrEqual(5);
    attempts = 0;
    await expect(retryUntil(Date.now() + 60_000, () => false, failing)).rejects.toThrow('fault 1');
  });

  test('stops when its signal aborts', async () => {
    const stop = new AbortController();
    const onFault = (): void => stop.abort();
    const failing = (): Promise<never> => Promise.reject(new Error('fault'));
    const retrying = retryUntil(Date.now() + 60_000, () => true, failing, { signal: stop.signal, onFault });
    await expect(retrying).rejects.toThrow('fault');
  });
});

describe('an outage in the log', () => {
  test('is one line at its beginning, one in ten seconds, and one at its end', () => {
    const { logger, lines } = recordingLogger();
    const faults = new FaultLog(logger);
    for (let i = 0; i < 250; i++) {
      faults.fault('Fetching failed', new Error('refused'));
      vi.setSystemTime(Date.now() + 100);
    }
    faults.recovered('Fetching works again');
    faults.recovered('Fetching works again');
    expect(lines).toEqual([
      ...Array.from({ length: 3 }, () => 'warn Fetching failed; trying again'),
      'info Fetching works again',
    ]);
  });

  test('is no flood of what kafkajs says about it', () => {
    const { logger, lines } = recordingLogger();
    const sink = entrySink(logger);
    for (let i = 0; i < 50; i++) sink({ namespace: 'Connection', level: 1, log: { message: 'Connection error' } });
    sink({ namespace: 'Connection', level: 4, log: { message: 'said by the way' } });
    vi.setSystemTime(Date.now() + 10_000);
    sink({ namespace: 'Connection', level: 1, log: { message: 'Connection error' } });
    expect(lines).toEqual(['warn Connection error', 'debug said by the way', 'warn Connection error']);
  });
});

describe('the configuration', () => {
  test('needs a broker, fills in defaults, and takes "true" for encryption without options', () => {
    const given = { clientId: 'c', logger: silentLogger };
    expect(() => resolveConfig({ ...given, brokers: [] })).toThrow(/name at least one as host:port/);
    expect(resolveConfig({ ...given, brokers: ['a:1'], ssl: true, lingerMs: 7 })).toMatchObject({
      ssl: {},
      lingerMs: 7,
    });
    expect(resolveConfig({ ...given, brokers: ['a:1'] }).transactionTimeoutMs).toBe(60_000);
  });
});
