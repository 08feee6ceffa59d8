/**
 * Logs with random levels, status codes and response times.
 *
 * Invariant: the same seed gives the same logs, so what must come out of them can be counted beforehand.
 */
import type { LogLevel } from '../../schemas/log-event.ts';

export interface RandomLog {
  readonly service: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly statusCode: number;
  readonly responseTime: number;
}

const LEVELS: readonly LogLevel[] = [
  'debug',
  'info',
  'info',
  'info',
  'info',
  'warn',
  'warn',
  'error',
  'error',
  'fatal',
];
const STATUS_CODES = [200, 200, 200, 200, 201, 204, 302, 400, 404, 500, 503];
const WORDS = [
  'connection',
  'timeout',
  'payment',
  'retry',
  'queue',
  'database',
  'upstream',
  'cache',
  'session',
  'user',
];

/** Numbers in [0, 1): mulberry32. */
const randomNumbers = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const isError = ({ level }: Pick<RandomLog, 'level'>): boolean => level === 'error' || level === 'fatal';

/** Endless. */
export function* randomLogs(seed: number, services: number): Generator<RandomLog, never> {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  for (;;) {
    yield {
      service: `service-${below(services)}`,
      level: pick(LEVELS),
      message: `${pick(WORDS)} ${pick(WORDS)} ${below(1_000_000)}`,
      statusCode: pick(STATUS_CODES),
      responseTime: Math.round(20 + random() ** 8 * 4_000),
    };
  }
}
