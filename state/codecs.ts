/**
 * Key codecs: how stores write their keys.
 *
 * Invariants: equal keys have equal bytes and equal cache keys, different keys have different ones; and `decode` undoes
 * `encode`. The order of a store's ranges is that of the bytes, so each codec says what order that is.
 */
import { asBuffer, readInt64, writeInt64 } from './bytes.ts';

export interface KeyCodec<K> {
  /** Bytes that the caller may keep. */
  encode(key: K): Uint8Array;
  decode(bytes: Uint8Array): K;
  /**
   * A text that stands for the key within one store. Called on every access, so it is cheap, and it refuses (`TypeError`)
   * what `encode` could not write, so that a bad key fails where it is used and not in the commit.
   */
  cacheKey(key: K): string;
}

/** UTF-8, in the order of code points. Refuses text with lone surrogates, which UTF-8 cannot express. */
export const stringKey: KeyCodec<string> = {
  encode: (key) => Buffer.from(key, 'utf8'),
  decode: (bytes) => asBuffer(bytes).toString('utf8'),
  cacheKey: (key) => {
    if (!key.isWellFormed()) throw new TypeError('A key must be well-formed text; this one has a lone surrogate.');
    return key;
  },
};

/** The bytes as they are, in their unsigned order. Do not change them afterwards. */
export const bytesKey: KeyCodec<Uint8Array> = {
  encode: (key) => Uint8Array.from(key),
  decode: (bytes) => bytes,
  cacheKey: (key) => asBuffer(key).toString('latin1'),
};

/** Safe integers in eight bytes, in numeric order (the sign bit is flipped for that). */
export const int64Key: KeyCodec<number> = {
  encode: (key) => {
    const bytes = Buffer.allocUnsafe(8);
    writeInt64(bytes, key, 0);
    bytes[0]! ^= 0x80;
    return bytes;
  },
  decode: (bytes) => {
    const copy = Buffer.from(bytes);
    copy[0]! ^= 0x80;
    return readInt64(copy, 0);
  },
  cacheKey: (key) => {
    if (!Number.isSafeInteger(key)) throw new TypeError(`A key must be a safe integer, not ${key}.`);
    return String(key);
  },
};

/** Two keys in one, ordered by the first and then by the second; so everything of one first key lies together. */
export function pairKey<A, B>(first: KeyCodec<A>, second: KeyCodec<B>): KeyCodec<readonly [A, B]> {
  return {
    encode: ([a, b]) => Buffer.concat([terminated(first.encode(a)), second.encode(b)]),
    decode: (bytes) => {
      const end = terminatorAt(bytes);
      return [first.decode(unescaped(bytes.subarray(0, end))), second.decode(bytes.subarray(end + 2))];
    },
    cacheKey: ([a, b]) => {
      const left = first.cacheKey(a);
      return `${left.length}:${left}${second.cacheKey(b)}`;
    },
  };
}

/** Each zero byte becomes 00 FF and 00 01 ends the text: no key is the beginning of another, and the order stays. */
function terminated(bytes: Uint8Array): Buffer {
  const zeros = bytes.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
  const out = Buffer.alloc(bytes.length + zeros + 2);
  let at = 0;
  for (const byte of bytes) {
    out[at] = byte;
    at += 1;
    if (byte !== 0) continue;
    out[at] = 0xff;
    at += 1;
  }
  out[at + 1] = 1;
  return out;
}

/** What the bytes of a pair begin with when its first key begins with these bytes. */
export const pairPrefix = (firstPrefix: Uint8Array): Uint8Array => terminated(firstPrefix).subarray(0, -2);

function terminatorAt(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 2)) {
    if (bytes[at + 1] === 1) return at;
  }
  throw new TypeError('These bytes are not a pair of keys.');
}

/** Within escaped bytes the one after a zero is always its FF. */
const unescaped = (bytes: Uint8Array): Uint8Array =>
  bytes.includes(0) ? bytes.filter((_, index) => index === 0 || bytes[index - 1] !== 0) : bytes;
