/**
 * Records as processors see them. A record is immutable; a processor that changes one makes another.
 */

/** Header names may repeat, as on the log. */
export type HeaderList = readonly (readonly [name: string, value: Uint8Array])[];

export interface Record<K, V> {
  readonly key: K;
  readonly value: V;
  /** Event time, UTC epoch milliseconds. */
  readonly timestampMs: number;
  readonly headers?: HeaderList | undefined;
}

/** Where the record that is being processed came from. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}
