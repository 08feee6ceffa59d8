/**
 * The hash by which Kafka's Java clients choose the partition of a key. A record goes to the same partition whoever writes it.
 */
const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const ROTATION = 24;

/** 32-bit murmur2, as a signed number. */
export const murmur2 = (key: Uint8Array): number => {
  let hash = SEED ^ key.length;
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const tail = key.length & ~3;
  for (let at = 0; at < tail; at += 4) {
    let word = Math.imul(view.getInt32(at, true), MULTIPLIER);
    word = Math.imul(word ^ (word >>> ROTATION), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  const rest = key.length - tail;
  if (rest > 0) {
    if (rest === 3) hash ^= view.getUint8(tail + 2) << 16;
    if (rest >= 2) hash ^= view.getUint8(tail + 1) << 8;
    hash = Math.imul(hash ^ view.getUint8(tail), MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
};

/** The partition of a key among `count`, as Java's default partitioner has it. */
export const partitionForKey = (key: Uint8Array, count: number): number => (murmur2(key) & 0x7fff_ffff) % count;
