/**
 * What the operators of the DSL may be told, by the names that Kafka Streams gives to it.
 *
 * Invariant: serdes here are for values that are there; null keys and null values (tombstones) pass as null bytes without them.
 */
import type { Serde } from '../serde.ts';
import type { StreamPartitioner, TimestampExtractor } from '../topology.ts';

export interface Named {
  /** Of the node; by default `KSTREAM-<operator>-<number>` and so on, numbered in the order of the calls. */
  readonly name?: string;
}

/**
 * The serdes are used as they are: what they make of a missing key or value is what the stream holds. `nullable` makes a serde
 * that passes null on; without it, a record that lacks one goes to the deserialization handler.
 */
export interface Consumed<K, V> extends Named {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly timestampExtractor?: TimestampExtractor<V>;
}

export interface Produced<K, V> extends Named {
  /** Default: the serde the stream still knows, if no operator changed the type. */
  readonly key?: Serde<NonNullable<K>>;
  readonly value?: Serde<NonNullable<V>>;
  readonly partitioner?: StreamPartitioner<K, V>;
}

export interface Repartitioned<K, V> extends Produced<K, V> {
  /** Default: as many as its writers, or those it is read together with, have. */
  readonly partitions?: number;
}

/** `name` names the repartition topic, if one is needed. */
export interface Grouped<K, V> extends Named {
  readonly key?: Serde<NonNullable<K>>;
  readonly value?: Serde<NonNullable<V>>;
}

/** A table's store. Naming it (`as`) materializes tables that could do without one. */
export interface Materialized<K, V> extends Named {
  readonly as?: string;
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
  /** Default true. False: no changelog; the store is lost with its disk. */
  readonly logging?: boolean;
  /** Values to keep in memory beyond uncommitted ones, per task. */
  readonly cacheEntries?: number;
  readonly changelogConfig?: Readonly<Record<string, string>>;
}

export interface TableMaterialized<K, V> extends Materialized<K, V> {
  /** Makes the table versioned: how far back it can be asked for. Milliseconds. */
  readonly historyRetentionMs?: number;
}

export interface WindowMaterialized<K, V> extends Materialized<K, V> {
  /** How long windows are kept; by default as long as they take records, which is also the least. Milliseconds. */
  readonly retentionMs?: number;
}

/** Of a stream with a table. `name` also names the repartition topic, if one is needed. */
export interface Joined<K, V> extends Named {
  readonly key?: Serde<NonNullable<K>>;
  readonly value?: Serde<NonNullable<V>>;
  /** Waits that long for the table, which must be versioned, and joins in the order of time. Milliseconds. */
  readonly graceMs?: number;
}

/** Of a stream with a stream. `name` also names the repartition topics. */
export interface StreamJoined<K, V, VO> extends Named {
  readonly key?: Serde<NonNullable<K>>;
  readonly value?: Serde<NonNullable<V>>;
  readonly otherValue?: Serde<NonNullable<VO>>;
  /** Names the stores of the join. */
  readonly as?: string;
  readonly logging?: boolean;
  readonly changelogConfig?: Readonly<Record<string, string>>;
}

/** A processor with the stores it uses; they are added with `StreamsBuilder.addStateStore`. */
export interface ProcessorSettings extends Named {
  readonly stores?: readonly string[];
}

export type Initializer<VA> = () => VA;
/** Null removes the aggregate. */
export type Aggregator<K, V, VA> = (key: K, value: V, aggregate: VA) => VA | null;
/** Null removes the aggregate. */
export type Reducer<V> = (aggregate: V, value: V) => V | null;
export type Merger<K, VA> = (key: K, aggregate: VA, other: VA) => VA;
/** The key comes last, for those who need it. */
export type ValueJoiner<V, VO, VR, K> = (value: V, other: VO, key: K) => VR;
