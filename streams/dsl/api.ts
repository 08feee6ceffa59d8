/**
 * The DSL: streams, tables and what is between them. The operators have the names and the semantics of Kafka Streams.
 *
 * Invariant: types flow through the chain. A key or value of another type, or a serde for one, does not typecheck.
 *
 * Functions get `(key, value)` where Kafka Streams passes both; those about values get the value first and the key last, so
 * that it can be left out. A pair is written `[key, value]`. Records without a key or value are dropped and counted where an
 * operator cannot do without them.
 */
import type { ProcessorSupplier } from '../processor.ts';
import type { FixedKeyProcessorSupplier } from './fixed-key.ts';
import type {
  Aggregator,
  Grouped,
  Initializer,
  Joined,
  Materialized,
  Merger,
  Named,
  ProcessorSettings,
  Produced,
  Reducer,
  Repartitioned,
  StreamJoined,
  TableMaterialized,
  ValueJoiner,
  WindowMaterialized,
} from './options.ts';
import type { Suppressed } from './suppressed.ts';
import type { EmitStrategy, FixedWindows, JoinWindows, SessionWindows, SlidingWindows, Windowed } from './windows.ts';

/** Records as they come, each for itself. */
export interface KStream<K, V> {
  readonly kind: 'stream';
  filter<VS extends V>(predicate: (key: K, value: V) => value is VS, named?: Named): KStream<K, VS>;
  filter(predicate: (key: K, value: V) => boolean, named?: Named): KStream<K, V>;
  filterNot(predicate: (key: K, value: V) => boolean, named?: Named): KStream<K, V>;
  map<KR, VR>(mapper: (key: K, value: V) => readonly [KR, VR], named?: Named): KStream<KR, VR>;
  mapValues<VR>(mapper: (value: V, key: K) => VR, named?: Named): KStream<K, VR>;
  flatMap<KR, VR>(mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>, named?: Named): KStream<KR, VR>;
  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, named?: Named): KStream<K, VR>;
  selectKey<KR>(mapper: (key: K, value: V) => KR, named?: Named): KStream<KR, V>;
  peek(action: (key: K, value: V) => void, named?: Named): KStream<K, V>;
  foreach(action: (key: K, value: V) => void, named?: Named): void;
  split(named?: Named): BranchedKStream<K, V>;
  merge(other: KStream<K, V>, named?: Named): KStream<K, V>;
  /** Sends the records through a topic of the application, partitioned by their key. */
  repartition(repartitioned?: Repartitioned<K, V>): KStream<K, V>;
  to(topic: string, produced?: Produced<K, V>): void;
  /** A null value deletes. */
  toTable(materialized?: TableMaterialized<NonNullable<K>, NonNullable<V>>): KTable<NonNullable<K>, NonNullable<V>>;
  groupByKey(grouped?: Grouped<K, V>): KGroupedStream<NonNullable<K>, V>;
  groupBy<KR>(selector: (key: K, value: V) => KR, grouped?: Grouped<KR, V>): KGroupedStream<NonNullable<KR>, V>;

  /** Pairs of records of both streams with the same key, no further apart than the windows say. */
  join<VO, VR>(
    other: KStream<K, VO>,
    joiner: ValueJoiner<NonNullable<V>, NonNullable<VO>, VR, NonNullable<K>>,
    windows: JoinWindows,
    joined?: StreamJoined<K, V, VO>,
  ): KStream<NonNullable<K>, VR>;
  /** Each record with the table's value as it is then. */
  join<VT, VR>(
    table: KTable<NonNullable<K>, VT>,
    joiner: ValueJoiner<NonNullable<V>, VT, VR, NonNullable<K>>,
    joined?: Joined<K, V>,
  ): KStream<NonNullable<K>, VR>;
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keySelector: (key: K, value: NonNullable<V>) => KG | null,
    joiner: ValueJoiner<NonNullable<V>, VG, VR, K>,
    named?: Named,
  ): KStream<K, VR>;

  /** Unpaired records of this stream go on alone, once their window can bring no partner any more. */
  leftJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: ValueJoiner<NonNullable<V>, NonNullable<VO> | null, VR, K>,
    windows: JoinWindows,
    joined?: StreamJoined<K, V, VO>,
  ): KStream<K, VR>;
  leftJoin<VT, VR>(
    table: KTable<NonNullable<K>, VT>,
    joiner: ValueJoiner<NonNullable<V>, VT | null, VR, K>,
    joined?: Joined<K, V>,
  ): KStream<K, VR>;
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keySelector: (key: K, value: NonNullable<V>) => KG | null,
    joiner: ValueJoiner<NonNullable<V>, VG | null, VR, K>,
    named?: Named,
  ): KStream<K, VR>;

  outerJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: ValueJoiner<NonNullable<V> | null, NonNullable<VO> | null, VR, K>,
    windows: JoinWindows,
    joined?: StreamJoined<K, V, VO>,
  ): KStream<K, VR>;

  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, settings?: ProcessorSettings): KStream<KR, VR>;
  /** Keys stay as they are, so nothing needs to be repartitioned afterwards. */
  processValues<VR>(supplier: FixedKeyProcessorSupplier<K, V, VR>, settings?: ProcessorSettings): KStream<K, VR>;
}

/** Sends each record to the first branch whose predicate it meets. */
export interface BranchedKStream<K, V> {
  branch(predicate: (key: K, value: V) => boolean, branched?: Branched<K, V>): this;
  /** Takes what no branch took. Answers the branches by name. */
  defaultBranch(branched?: Branched<K, V>): ReadonlyMap<string, KStream<K, V>>;
  /** Drops what no branch took. */
  noDefaultBranch(): ReadonlyMap<string, KStream<K, V>>;
}

export interface Branched<K, V> {
  /** The branch is known by the splitter's name and this; by default by its number, the default branch by 0. */
  readonly name?: string;
  /** What becomes of the branch; its answer, if any, stands in the map instead of the branch. */
  readonly chain?: (branch: KStream<K, V>) => KStream<K, V> | undefined;
}

export interface KGroupedStream<K, V> {
  count(materialized?: TableMaterialized<K, number>): KTable<K, number>;
  reduce(
    reducer: Reducer<NonNullable<V>>,
    materialized?: TableMaterialized<K, NonNullable<V>>,
  ): KTable<K, NonNullable<V>>;
  aggregate<VA>(
    initializer: Initializer<VA>,
    aggregator: Aggregator<K, NonNullable<V>, VA>,
    materialized?: TableMaterialized<K, VA>,
  ): KTable<K, VA>;
  windowedBy(windows: FixedWindows | SlidingWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>;
  cogroup<VA>(aggregator: Aggregator<K, NonNullable<V>, VA>): CogroupedKStream<K, VA>;
}

export interface TimeWindowedKStream<K, V> {
  count(materialized?: WindowMaterialized<K, number>): KTable<Windowed<K>, number>;
  reduce(reducer: Reducer<V>, materialized?: WindowMaterialized<K, V>): KTable<Windowed<K>, V>;
  aggregate<VA>(
    initializer: Initializer<VA>,
    aggregator: Aggregator<K, V, VA>,
    materialized?: WindowMaterialized<K, VA>,
  ): KTable<Windowed<K>, VA>;
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V>;
}

export interface SessionWindowedKStream<K, V> {
  count(materialized?: WindowMaterialized<K, number>): KTable<Windowed<K>, number>;
  reduce(reducer: Reducer<V>, materialized?: WindowMaterialized<K, V>): KTable<Windowed<K>, V>;
  aggregate<VA>(
    initializer: Initializer<VA>,
    aggregator: Aggregator<K, V, VA>,
    merger: Merger<K, VA>,
    materialized?: WindowMaterialized<K, VA>,
  ): KTable<Windowed<K>, VA>;
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V>;
}

/** Several grouped streams that share one aggregate. */
export interface CogroupedKStream<K, VA> {
  cogroup<V>(grouped: KGroupedStream<K, V>, aggregator: Aggregator<K, NonNullable<V>, VA>): CogroupedKStream<K, VA>;
  aggregate(initializer: Initializer<VA>, materialized?: TableMaterialized<K, VA>): KTable<K, VA>;
  windowedBy(windows: FixedWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, VA>;
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, VA>;
}

export interface TimeWindowedCogroupedKStream<K, VA> {
  aggregate(initializer: Initializer<VA>, materialized?: WindowMaterialized<K, VA>): KTable<Windowed<K>, VA>;
}

export interface SessionWindowedCogroupedKStream<K, VA> {
  aggregate(
    initializer: Initializer<VA>,
    merger: Merger<K, VA>,
    materialized?: WindowMaterialized<K, VA>,
  ): KTable<Windowed<K>, VA>;
}

/** The latest value of each key. An operator that answers null deletes the key from its result. */
export interface KTable<K, V> {
  readonly kind: 'table';
  /** Of the store that queries may read; undefined when the table has none, or none with a given name. */
  readonly queryableStoreName: string | undefined;
  filter(predicate: (key: K, value: V) => boolean, materialized?: Materialized<K, V>): KTable<K, V>;
  filterNot(predicate: (key: K, value: V) => boolean, materialized?: Materialized<K, V>): KTable<K, V>;
  mapValues<VR>(
    mapper: (value: V, key: K) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>>;
  /** Each update as a record; null where a key was deleted. */
  toStream(named?: Named): KStream<K, V | null>;
  suppress(suppressed: Suppressed<K>): KTable<K, V>;
  /** A selector that answers a null key or value leaves the row out. */
  groupBy<KR, VR>(
    selector: (key: K, value: V) => readonly [KR, VR],
    grouped?: Grouped<KR, VR>,
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>>;

  join<VO, VR>(
    other: KTable<K, VO>,
    joiner: (value: V, other: VO) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>>;
  /** By foreign key: each row with the row of the other table that it names. */
  join<KO, VO, VR>(
    other: KTable<KO, VO>,
    foreignKey: (value: V, key: K) => KO | null,
    joiner: (value: V, other: VO) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>>;
  leftJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (value: V, other: VO | null) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>>;
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO>,
    foreignKey: (value: V, key: K) => KO | null,
    joiner: (value: V, other: VO | null) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>>;
  outerJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (value: V | null, other: VO | null) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>>;
}

/** An update takes the row's former value out of its former group and puts the new one into its new group. */
export interface KGroupedTable<K, V> {
  count(materialized?: Materialized<K, number>): KTable<K, number>;
  reduce(adder: Reducer<V>, subtractor: Reducer<V>, materialized?: Materialized<K, V>): KTable<K, V>;
  aggregate<VA>(
    initializer: Initializer<VA>,
    adder: Aggregator<K, V, VA>,
    subtractor: Aggregator<K, V, VA>,
    materialized?: Materialized<K, VA>,
  ): KTable<K, VA>;
}

/** The whole content of a topic, on every instance. */
export interface GlobalKTable<K, V> {
  readonly kind: 'global-table';
  readonly queryableStoreName: string;
  /** Only there so that the type arguments count. */
  readonly row?: readonly [K, V];
}
