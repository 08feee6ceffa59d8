/**
 * Serializers and deserializers between records and bytes.
 */
import type { HeaderList } from './record.ts';
import type { LogRecord } from './ports.ts';

export interface Serializer<T> {
  /** The answer may be a view into a buffer that the next call reuses: copy it to keep it. */
  serialize(topic: string, data: T, headers?: HeaderList): Uint8Array | null;
}

export interface Deserializer<T> {
  /** Throws when the bytes cannot be read; the record then goes to the deserialization handler. */
  deserialize(topic: string, data: Uint8Array | null, headers?: HeaderList): T;
  /**
   * Called once per fetched batch before any record of it is read; fetches what reading them needs (such as unknown schema ids).
   * Returns undefined when there is nothing to wait for. Rejects only with a fault worth retrying.
   */
  prepare?(topic: string, records: readonly LogRecord[]): Promise<void> | undefined;
}

export interface Serde<T> extends Serializer<T>, Deserializer<T> {}
