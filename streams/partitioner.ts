/**
 * Which partition a key belongs to, decided as the Java clients decide it.
 *
 * Invariant: the same key bytes and partition count give the same partition as Kafka's default partitioner for keyed records
 * (murmur2 with its fixed starting value), so producers in any language agree on where a key lives.
 */

const HASH_START = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const ROTATION_BITS = 24;

/** Reads the last one to three bytes, little-endian, of which a whole word is missing. */
const tail = (data: Uint8Array, from: number): number => {
  let word = 0;
  for (let index = data.length - 1; index >= from; index--) word = (word << 8) | (data[index] ?? 0);
  return word;
};

/** Kafka's murmur2 of the bytes, a signed 32-bit integer. */
export const murmur2 = (data: Uint8Array): number => {
  const wordsEnd = data.length & ~3;
  let hash = HASH_START ^ data.length;
  for (let index = 0; index < wordsEnd; index += 4) {
    let word = data[index]! | (data[index + 1]! << 8) | (data[index + 2]! << 16) | (data[index + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> ROTATION_BITS;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  if (wordsEnd < data.length) hash = Math.imul(hash ^ tail(data, wordsEnd), MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
};

/** The partition of a key, in `[0, partitionCount)`. */
export const partitionForKey = (key: Uint8Array, partitionCount: number): number =>
  (murmur2(key) & 0x7fffffff) % partitionCount;
