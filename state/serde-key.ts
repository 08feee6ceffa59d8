/**
 * Key codecs made from serdes.
 *
 * Invariant: two keys are the same key exactly when their serialized forms are; ranges are in the order of those bytes.
 */
import type { Serde } from '../streams/serde.ts';
import { bytesSerde, stringSerde } from '../streams/serdes.ts';
import { asBuffer } from './bytes.ts';
import { bytesKey, stringKey, type KeyCodec } from './codecs.ts';

/** `storeName` is given to the serde for a topic. */
export function serdeKey<K>(serde: Serde<K>, storeName: string): KeyCodec<K> {
  const known = plainCodecs.get(serde);
  if (known !== undefined) return known as KeyCodec<K>;
  const serialize = (key: K): Uint8Array => {
    const bytes = serde.serialize(storeName, key);
    if (bytes === null) throw new TypeError(`The key serde of the store "${storeName}" wrote null; a key has bytes.`);
    return bytes;
  };
  return {
    encode: (key) => Uint8Array.from(serialize(key)),
    decode: (bytes) => serde.deserialize(storeName, bytes),
    cacheKey: (key) => asBuffer(serialize(key)).toString('latin1'),
  };
}

/** Serdes whose keys have a cheaper text than their bytes. */
const plainCodecs = new Map<Serde<unknown>, unknown>([
  [stringSerde, stringKey],
  [bytesSerde, bytesKey],
]);
