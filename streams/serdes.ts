/**
 * Serdes for plain values.
 *
 * Invariant: what one writes it reads back as it was; anything else is a `DeserializationError`, also a missing value, since
 * none of these types has a form for it.
 */
import { DeserializationError } from './errors.ts';
import type { Serde } from './serde.ts';

/** UTF-8 text. */
export const stringSerde: Serde<string> = {
  serialize: (_topic, text) => Buffer.from(text, 'utf8'),
  deserialize: (topic, data) => asBuffer(present(topic, data)).toString('utf8'),
};

export const bytesSerde: Serde<Uint8Array> = {
  serialize: (_topic, bytes) => bytes,
  deserialize: (topic, data) => present(topic, data),
};

/** JSON in UTF-8. The type is the caller's claim: what is read is not checked against it. */
export const jsonSerde = <T>(): Serde<T> => ({
  serialize: (_topic, value) => Buffer.from(JSON.stringify(value), 'utf8'),
  deserialize: (topic, data) => {
    const text = stringSerde.deserialize(topic, data);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new DeserializationError('NOT_JSON', `A value of ${topic} is not JSON; look at its producer.`, { cause });
    }
  },
});

/** Safe integers in eight bytes, big-endian, as Java's `Serdes.Long`. */
export const int64Serde: Serde<number> = {
  serialize: (topic, value) => {
    if (!Number.isSafeInteger(value)) throw new TypeError(`${topic} takes safe integers, not ${value}.`);
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(BigInt(value), 0);
    return bytes;
  },
  deserialize: (topic, data) => {
    const value = Number(eightBytes(topic, data).readBigInt64BE(0));
    if (Number.isSafeInteger(value)) return value;
    throw new DeserializationError('NOT_SAFE_INTEGER', `A value of ${topic} is beyond 2^53; read it as bytes.`);
  },
};

/** Eight bytes, big-endian, as Java's `Serdes.Double`. */
export const float64Serde: Serde<number> = {
  serialize: (_topic, value) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleBE(value, 0);
    return bytes;
  },
  deserialize: (topic, data) => eightBytes(topic, data).readDoubleBE(0),
};

function present(topic: string, data: Uint8Array | null): Uint8Array {
  if (data !== null) return data;
  throw new DeserializationError('VALUE_MISSING', `A value of ${topic} is null, which its type does not allow.`);
}

function eightBytes(topic: string, data: Uint8Array | null): Buffer {
  const bytes = asBuffer(present(topic, data));
  if (bytes.length === 8) return bytes;
  throw new DeserializationError('WRONG_LENGTH', `A number of ${topic} has ${bytes.length} bytes instead of eight.`);
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
