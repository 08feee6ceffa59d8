/**
 * Serdes that the operators put around those of the user.
 *
 * Invariant: what is written here lies in topics and stores, so the forms stay as they are. Values with a timestamp and
 * windowed keys have the form that Kafka Streams gives them.
 */
import type { Serde, Serializer } from '../serde.ts';
import type { ValueAndTimestamp } from '../state-store-timed.ts';
import type { Change } from './change.ts';
import type { FixedWindows, SlidingWindows, Windowed } from './windows.ts';

const INT64_BYTES = 8;

/** Null for what has no bytes, and the other way round. */
export const nullable = <T>(serde: Serde<T>): Serde<T | null> => ({
  ...(serde.prepare !== undefined && {
    prepare: (topic, records) =>
      serde.prepare?.(
        topic,
        records.filter(({ value }) => value !== null),
      ),
  }),
  serialize: (topic, data, headers) => (data === null ? null : serde.serialize(topic, data, headers)),
  deserialize: (topic, data, headers) => (data === null ? null : serde.deserialize(topic, data, headers)),
});

/** For sinks: null and undefined are written as null bytes, the rest by the serde. */
export const orNull = (serializer: Serializer<unknown>): Serializer<unknown> => ({
  serialize: (topic, data, headers) =>
    data === null || data === undefined ? null : serializer.serialize(topic, data, headers),
});

/** A copy, since a serializer may use its buffer again. */
export function bytesOf<T>(serde: Serializer<T>, topic: string, data: T): Uint8Array {
  const bytes = serde.serialize(topic, data);
  if (bytes === null) throw new TypeError(`The serde for "${topic}" wrote null for a value that is there.`);
  return Uint8Array.from(bytes);
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

export function int64Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(INT64_BYTES);
  bytes.writeBigInt64BE(BigInt(value), 0);
  return bytes;
}

export const int64At = (bytes: Uint8Array, offset: number): number => Number(asBuffer(bytes).readBigInt64BE(offset));

/** Parts of any length one after the other, each behind its length; null has the length -1. */
export const packed = (parts: readonly (Uint8Array | null)[]): Uint8Array =>
  Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.allocUnsafe(4);
      length.writeInt32BE(part?.length ?? -1, 0);
      return part === null ? [length] : [length, part];
    }),
  );

export function unpacked(bytes: Uint8Array): (Uint8Array | null)[] {
  const parts: (Uint8Array | null)[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = asBuffer(bytes).readInt32BE(at);
    at += 4;
    parts.push(length < 0 ? null : bytes.subarray(at, at + length));
    at += Math.max(0, length);
  }
  return parts;
}

/** Eight bytes of time, then the value, as in Kafka Streams' timestamped stores. */
export const timestampedSerde = <V>(serde: Serde<V>): Serde<ValueAndTimestamp<V>> => ({
  serialize: (topic, { value, timestampMs }) => Buffer.concat([int64Bytes(timestampMs), bytesOf(serde, topic, value)]),
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    return { timestampMs: int64At(bytes, 0), value: serde.deserialize(topic, bytes.subarray(INT64_BYTES)) };
  },
});

export const listSerde = <V>(serde: Serde<V>): Serde<readonly V[]> => ({
  serialize: (topic, values) => packed(values.map((value) => bytesOf(serde, topic, value))),
  deserialize: (topic, data) => unpacked(data as Uint8Array).map((part) => serde.deserialize(topic, part)),
});

export const changeSerde = <V>(serde: Serde<V>): Serde<Change<V>> => {
  const value = nullable(serde);
  return {
    serialize: (topic, { newValue, oldValue, isLatest }) =>
      packed([
        newValue === null ? null : bytesOf(serde, topic, newValue),
        oldValue === null ? null : bytesOf(serde, topic, oldValue),
        Uint8Array.of(isLatest ? 1 : 0),
      ]),
    deserialize: (topic, data) => {
      const [newValue, oldValue, isLatest] = unpacked(data as Uint8Array);
      return {
        newValue: value.deserialize(topic, newValue ?? null),
        oldValue: value.deserialize(topic, oldValue ?? null),
        isLatest: isLatest?.[0] === 1,
      };
    },
  };
};

/** A serde of windowed keys; `inner` is the one of the key alone, by which such records are partitioned. */
export interface WindowedSerde<K> extends Serde<Windowed<K>> {
  readonly inner: Serde<K>;
}

export const isWindowedSerde = (serde: Serializer<unknown>): serde is WindowedSerde<unknown> =>
  'inner' in serde && typeof serde.inner === 'object';

/** The key, then the window's start, as Kafka Streams writes it; the windows tell where it ends. */
export const timeWindowedSerde = <K>(inner: Serde<K>, windows: FixedWindows | SlidingWindows): WindowedSerde<K> => ({
  inner,
  serialize: (topic, { key, window }) => Buffer.concat([bytesOf(inner, topic, key), int64Bytes(window.startMs)]),
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    const end = bytes.length - INT64_BYTES;
    const startMs = int64At(bytes, end);
    const window =
      windows.kind === 'fixed' ? windows.windowAt(startMs) : { startMs, endMs: startMs + windows.timeDifferenceMs };
    return { key: inner.deserialize(topic, bytes.subarray(0, end)), window };
  },
});

/** The key, then the session's end and its start, as Kafka Streams writes it. */
export const sessionWindowedSerde = <K>(inner: Serde<K>): WindowedSerde<K> => ({
  inner,
  serialize: (topic, { key, window }) =>
    Buffer.concat([bytesOf(inner, topic, key), int64Bytes(window.endMs), int64Bytes(window.startMs)]),
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    const end = bytes.length - 2 * INT64_BYTES;
    const window = { startMs: int64At(bytes, end + INT64_BYTES), endMs: int64At(bytes, end) };
    return { key: inner.deserialize(topic, bytes.subarray(0, end)), window };
  },
});
