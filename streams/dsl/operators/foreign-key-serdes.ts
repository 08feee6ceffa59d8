/**
 * How the two sides of a foreign-key join write to each other, and how subscriptions lie in their store.
 *
 * Invariant: the subscriptions to one foreign key lie together, in the order of the primary keys' bytes.
 */
import type { Serde, Serializer } from '../../serde.ts';
import { bytesOf, nullable, packed, unpacked } from '../serdes.ts';

/** Of a row's bytes, 64 bits: enough to tell the few versions of one row that can be under way at once. */
export type Hash = Uint8Array;

/**
 * What a subscription does: `add` (or move here) and answer in any case, or only if the foreign row exists; `remove`, and
 * answer that there is nothing any more, or say nothing.
 */
export type Instruction = 'add-answer-always' | 'add-answer-if-present' | 'remove-answer' | 'remove-silently';

export interface Subscription<K> {
  readonly primaryKey: K;
  readonly primaryPartition: number;
  /** Of the primary row that subscribes; null when it is gone. */
  readonly hash: Hash | null;
  readonly instruction: Instruction;
}

export interface ForeignAnswer<VO> {
  readonly hash: Hash | null;
  readonly foreignValue: VO | null;
  /** Where the primary key lives. */
  readonly primaryPartition: number;
}

/** What is kept of a subscription. */
export type Subscriber = Pick<Subscription<unknown>, 'hash' | 'primaryPartition'>;

const INSTRUCTIONS: readonly Instruction[] = [
  'add-answer-always',
  'add-answer-if-present',
  'remove-answer',
  'remove-silently',
];
/** Odd numbers without pattern, as multiplicative hashes need them. */
const [LANE_A, LANE_B] = [0x9e3779b1, 0x85ebca6b];

/** Two multiplicative lanes over the bytes that the serde writes. */
export function hashOf<V>(serde: Serializer<V>, topic: string, value: V): Hash {
  let [a, b] = [LANE_B, LANE_A];
  for (const byte of bytesOf(serde, topic, value)) {
    a = Math.imul(a ^ byte, LANE_A);
    a ^= a >>> 15;
    b = Math.imul(b + byte, LANE_B);
    b ^= b >>> 13;
  }
  const hash = Buffer.allocUnsafe(8);
  hash.writeInt32BE(a, 0);
  hash.writeInt32BE(b, 4);
  return hash;
}

export const sameHash = (one: Hash | null, other: Hash | null): boolean =>
  one === null || other === null ? one === other : Buffer.compare(one, other) === 0;

/** Length of the foreign key, the foreign key, the primary key. */
export const subscriptionKey = (foreignKey: Uint8Array, primaryKey: Uint8Array): Uint8Array =>
  Buffer.concat([subscriptionPrefix(foreignKey).from, primaryKey]);

/** The bounds of the subscriptions to one foreign key; `from` is what they all begin with. */
export function subscriptionPrefix(foreignKey: Uint8Array): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const from = packed([foreignKey]);
  const to = Buffer.from(from);
  // The length in front is far below its limit, so the carry ends there at the latest.
  for (let at = to.length - 1; at >= 0; at -= 1) {
    to[at] = ((to[at] as number) + 1) & 0xff;
    if (to[at] !== 0) break;
  }
  return { from, to };
}

const int32 = (value: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
};

const int32At = (bytes: Uint8Array): number => Buffer.from(bytes).readInt32BE(0);

/** A copy, so that it does not keep the whole record in memory. */
const hashAt = (bytes: Uint8Array | null | undefined): Hash | null => (bytes ? Uint8Array.from(bytes) : null);

export const subscriptionSerde = <K>(primaryKey: Serde<K>): Serde<Subscription<K>> => ({
  serialize: (topic, { primaryKey: key, primaryPartition, hash, instruction }) =>
    packed([
      bytesOf(primaryKey, topic, key),
      int32(primaryPartition),
      hash,
      Uint8Array.of(INSTRUCTIONS.indexOf(instruction)),
    ]),
  deserialize: (topic, data) => {
    const [key, partition, hash, instruction] = unpacked(data as Uint8Array) as Uint8Array[];
    return {
      primaryKey: primaryKey.deserialize(topic, key as Uint8Array),
      primaryPartition: int32At(partition as Uint8Array),
      hash: hashAt(hash),
      instruction: INSTRUCTIONS[instruction?.[0] as number] as Instruction,
    };
  },
});

export const subscriberSerde: Serde<Subscriber> = {
  serialize: (_topic, { hash, primaryPartition }) => packed([hash, int32(primaryPartition)]),
  deserialize: (_topic, data) => {
    const [hash, partition] = unpacked(data as Uint8Array);
    return { hash: hashAt(hash), primaryPartition: int32At(partition as Uint8Array) };
  },
};

export const answerSerde = <VO>(foreignValue: Serde<VO>): Serde<ForeignAnswer<VO>> => ({
  serialize: (topic, answer) =>
    packed([
      answer.hash,
      answer.foreignValue === null ? null : bytesOf(foreignValue, topic, answer.foreignValue),
      int32(answer.primaryPartition),
    ]),
  deserialize: (topic, data) => {
    const [hash, value, partition] = unpacked(data as Uint8Array);
    return {
      hash: hashAt(hash),
      foreignValue: nullable(foreignValue).deserialize(topic, value ?? null),
      primaryPartition: int32At(partition as Uint8Array),
    };
  },
});
