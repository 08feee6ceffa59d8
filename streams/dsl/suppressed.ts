/**
 * What `suppress` holds back, and for how long.
 *
 * Invariant: final results (`untilWindowCloses`) fit windowed tables only, and their buffer never lets one out early; the
 * types see to both.
 */
import type { Windowed } from './windows.ts';

/** `emitEarlyWhenFull` lets the oldest go before its time; `shutDownWhenFull` fails the task. */
export interface BufferConfig {
  readonly maxRecords: number;
  readonly whenFull: 'emit-early' | 'shut-down';
}

export interface StrictBufferConfig extends BufferConfig {
  readonly whenFull: 'shut-down';
}

export const BufferConfig = {
  /** As much as the disk takes: the buffer is a store. */
  unbounded: (): StrictBufferConfig => ({ maxRecords: Infinity, whenFull: 'shut-down' }),
  maxRecords: (maxRecords: number): BufferConfig => ({ maxRecords, whenFull: 'emit-early' }),
  /** Fails the task when more records than that would wait. */
  shutDownWhenFull: (maxRecords: number): StrictBufferConfig => ({ maxRecords, whenFull: 'shut-down' }),
};

export interface Suppressed<K> {
  /** The time from which on an update waits. */
  readonly timeOf: (key: K, timestampMs: number) => number;
  /** How long it waits by stream time, in milliseconds; undefined: the grace of its window. */
  readonly waitMs: number | undefined;
  readonly buffer: BufferConfig;
  /** A final result that does not exist need not be announced. */
  readonly dropsTombstones: boolean;
  readonly name: string | undefined;
  readonly logging: boolean;
}

export interface SuppressedSettings {
  readonly name?: string;
  /** Default true: the buffer has a changelog. */
  readonly logging?: boolean;
}

export const Suppressed = {
  /** One result for each window, when it can take no more records. */
  untilWindowCloses: (
    buffer: StrictBufferConfig = BufferConfig.unbounded(),
    { name, logging = true }: SuppressedSettings = {},
  ): Suppressed<Windowed<unknown>> => ({
    timeOf: ({ window }) => window.endMs,
    waitMs: undefined,
    buffer,
    dropsTombstones: true,
    name,
    logging,
  }),

  /** The last of the updates of a key within that time after the first one. */
  untilTimeLimit: (
    waitMs: number,
    buffer: BufferConfig = BufferConfig.unbounded(),
    { name, logging = true }: SuppressedSettings = {},
  ): Suppressed<unknown> => ({
    timeOf: (_key, timestampMs) => timestampMs,
    waitMs,
    buffer,
    dropsTombstones: false,
    name,
    logging,
  }),
};
