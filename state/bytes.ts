/**
 * Byte-string helpers that every store and backend shares.
 *
 * Invariant: `compareBytes` is the one order of keys, unsigned and bytewise, as RocksDB's default comparator has it; both
 * backends and every overlay sort by it, so that a range reads the same wherever its entries lie.
 */

/** Negative, zero or positive, as `a` sorts before, with or after `b`; a prefix sorts before its extensions. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** The smallest byte string that sorts after `key`. */
export const successor = (key: Uint8Array): Uint8Array => concatBytes(key, ZERO_BYTE);

const ZERO_BYTE = Uint8Array.of(0);

/** The bytes that sort after everything that begins with the prefix; undefined where nothing does. */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    if (prefix[last] === 0xff) continue;
    const end = Uint8Array.from(prefix.subarray(0, last + 1));
    end[last]! += 1;
    return end;
  }
  return undefined;
}

export const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  bytes.length >= prefix.length && compareBytes(bytes.subarray(0, prefix.length), prefix) === 0;

/** A Buffer view on the same memory, for its readers and writers of numbers. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Two halves, because a 64-bit BigInt costs an allocation. Takes safe integers, negative ones in two's complement. */
export function writeInt64(target: Buffer, value: number, offset: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  target.writeInt32BE(high, offset);
  target.writeUInt32BE(value - high * 0x1_0000_0000, offset + 4);
}

export const readInt64 = (source: Buffer, offset: number): number =>
  source.readInt32BE(offset) * 0x1_0000_0000 + source.readUInt32BE(offset + 4);

/** Throws a `RangeError` that names `what` unless the time is a whole number of milliseconds from 1970 on. */
export function requireTimestamp(what: string, timestampMs: number): void {
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw new RangeError(
      `${what} must be whole UTC epoch milliseconds, not ${timestampMs}; round it before storing it.`,
    );
  }
}

/** Below this length, views are kept and reused; longer contents are rare enough to get a view each. */
const CACHED_LENGTHS = 1024;

/**
 * One reused piece of memory with a ready-made view for each length.
 * Making a view costs more than copying a short key, so callers that hand bytes on for copying go through this.
 */
export class Scratch {
  #memory = Buffer.allocUnsafeSlow(CACHED_LENGTHS);
  readonly #views: Buffer[] = [];

  /** A view of that length; its content is left over from the last use, and it is valid until the next call. */
  view(length: number): Buffer {
    if (length >= CACHED_LENGTHS) return this.#long(length);
    return (this.#views[length] ??= this.#memory.subarray(0, length));
  }

  #long(length: number): Buffer {
    if (length > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(length * 2);
      this.#views.length = 0;
    }
    return this.#memory.subarray(0, length);
  }
}
