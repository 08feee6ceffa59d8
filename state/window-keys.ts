/**
 * The keys of a window store.
 *
 * In the key space: segment (8 bytes), length of the key (4), the key, window start (8). A segment holds the windows that start
 * within one interval, so all of an interval's windows lie together and can be dropped as one range, and within it all windows
 * of a key lie together in time order. In the changelog: key, window start; segments are no concern of the log.
 *
 * Invariant: numbers are big-endian and not negative, so the order of the bytes is the order of time.
 */
import { asBuffer, readInt64, writeInt64 } from './bytes.ts';
import type { KeyCodec } from './codecs.ts';

export interface WindowKey<K> {
  readonly key: K;
  readonly windowStartMs: number;
}

const SEGMENT_BYTES = 8;
const HEADER_BYTES = SEGMENT_BYTES + 4;
const START_BYTES = 8;

export class WindowKeyCodec<K> implements KeyCodec<WindowKey<K>> {
  readonly #codec: KeyCodec<K>;
  readonly segmentMs: number;

  constructor(codec: KeyCodec<K>, segmentMs: number) {
    this.#codec = codec;
    this.segmentMs = segmentMs;
  }

  encode({ key, windowStartMs }: WindowKey<K>): Uint8Array {
    return this.physical(this.#codec.encode(key), windowStartMs);
  }

  decode(bytes: Uint8Array): WindowKey<K> {
    return { key: this.#codec.decode(keyOf(bytes)), windowStartMs: startOf(bytes) };
  }

  cacheKey({ key, windowStartMs }: WindowKey<K>): string {
    return `${windowStartMs}:${this.#codec.cacheKey(key)}`;
  }

  physical(keyBytes: Uint8Array, windowStartMs: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + keyBytes.length + START_BYTES);
    writeInt64(bytes, this.segmentOf(windowStartMs), 0);
    bytes.writeUInt32BE(keyBytes.length, SEGMENT_BYTES);
    bytes.set(keyBytes, HEADER_BYTES);
    writeInt64(bytes, windowStartMs, bytes.length - START_BYTES);
    return bytes;
  }

  fromChangelog(bytes: Uint8Array): Uint8Array {
    return this.physical(bytes.subarray(0, bytes.length - START_BYTES), startOf(bytes));
  }

  segmentOf(windowStartMs: number): number {
    return Math.floor(windowStartMs / this.segmentMs) * this.segmentMs;
  }
}

/** The changelog's form of a physical key. */
export const toChangelog = (physical: Uint8Array): Uint8Array => physical.subarray(HEADER_BYTES);

/** The key alone, out of a physical key. */
export const keyOf = (physical: Uint8Array): Uint8Array =>
  physical.subarray(HEADER_BYTES, physical.length - START_BYTES);

/** Of a key in either form. */
export const startOf = (bytes: Uint8Array): number => readInt64(asBuffer(bytes), bytes.length - START_BYTES);

/** Where a segment begins, in the order of physical keys. */
export function segmentBytes(segmentStartMs: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(SEGMENT_BYTES);
  writeInt64(bytes, segmentStartMs, 0);
  return bytes;
}

export const segmentStart = (physical: Uint8Array): number => readInt64(asBuffer(physical), 0);
