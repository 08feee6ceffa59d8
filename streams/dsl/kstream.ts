/**
 * A stream: records with a key and a value, and the operators on them.
 *
 * Invariant: `shape` is all that the operators know of it; each operator adds nodes behind the stream's node and answers a
 * stream with the shape of what comes out.
 */
import type { Processor, ProcessorSupplier } from '../processor.ts';
import type { Serde } from '../serde.ts';
import type { BranchedKStream, GlobalKTable, KGroupedStream, KStream, KTable } from './api.ts';
import { Splitter } from './branched.ts';
import { unfixed, type FixedKeyProcessorSupplier } from './fixed-key.ts';
import { requireSerde } from './graph.ts';
import { StreamGrouping } from './grouping.ts';
import type {
  Grouped,
  Joined,
  Named,
  ProcessorSettings,
  Produced,
  Repartitioned,
  StreamJoined,
  TableMaterialized,
  ValueJoiner,
} from './options.ts';
import {
  filtering,
  flatMapping,
  flatMappingValues,
  mapping,
  mappingValues,
  passing,
  peeking,
  stateless,
  type Step,
} from './operators/stateless.ts';
import { repartitioned } from './repartition.ts';
import { orNull } from './serdes.ts';
import { shapeOfStream, type Dsl, type StreamShape } from './shapes.ts';
import { sinkPartitioner } from './sink.ts';
import { joinGlobalTable, joinTable } from './stream-table-join.ts';
import { joinStreams, type JoinableStream } from './stream-stream-join.ts';
import { streamToTable } from './table-source.ts';
import type { JoinWindows } from './windows.ts';

type Serdes<K, V> = Pick<StreamShape<K, V>, 'key' | 'value'>;
type Predicate<K, V> = (key: K, value: V) => boolean;
type AnyJoiner = ValueJoiner<unknown, unknown, unknown, unknown>;
type AnyStreamJoined = StreamJoined<unknown, unknown, unknown>;
type KeySelector = (key: unknown, value: unknown) => unknown;
/** The overloads of the joins, told apart by what kind of thing is joined. */
type JoinArguments = readonly [
  KStream<unknown, unknown> | KTable<unknown, unknown> | GlobalKTable<unknown, unknown>,
  ...unknown[],
];
type Unpaired = { readonly left: boolean; readonly right: boolean };

export class KStreamNode<K, V> implements KStream<K, V> {
  readonly kind = 'stream';
  readonly shape: StreamShape<K, V>;
  readonly #dsl: Dsl;
  /** Streams behind repartition topics that joins made, by the topic's name, for the next join to share. */
  readonly #repartitioned = new Map<string, StreamShape<K, V>>();

  constructor(dsl: Dsl, shape: StreamShape<K, V>) {
    this.#dsl = dsl;
    this.shape = shape;
  }

  filter(predicate: Predicate<K, V>, named: Named = {}): KStream<K, V> {
    return this.#add('KSTREAM-FILTER-', named, filtering(predicate), this.shape, false);
  }

  filterNot(predicate: Predicate<K, V>, named: Named = {}): KStream<K, V> {
    const step = filtering<K, V>((key, value) => !predicate(key, value));
    return this.#add('KSTREAM-FILTER-', named, step, this.shape, false);
  }

  map<KR, VR>(mapper: (key: K, value: V) => readonly [KR, VR], named: Named = {}): KStream<KR, VR> {
    return this.#add('KSTREAM-MAP-', named, mapping(mapper), unknownSerdes, true);
  }

  mapValues<VR>(mapper: (value: V, key: K) => VR, named: Named = {}): KStream<K, VR> {
    return this.#add('KSTREAM-MAPVALUES-', named, mappingValues(mapper), this.#keyOnly(), false);
  }

  flatMap<KR, VR>(mapper: (key: K, value: V) => Iterable<readonly [KR, VR]>, named: Named = {}): KStream<KR, VR> {
    return this.#add('KSTREAM-FLATMAP-', named, flatMapping(mapper), unknownSerdes, true);
  }

  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, named: Named = {}): KStream<K, VR> {
    return this.#add('KSTREAM-FLATMAPVALUES-', named, flatMappingValues(mapper), this.#keyOnly(), false);
  }

  selectKey<KR>(mapper: (key: K, value: V) => KR, named: Named = {}): KStream<KR, V> {
    return this.#add('KSTREAM-KEY-SELECT-', named, keySelection(mapper), this.#valueOnly<KR>(), true);
  }

  peek(action: (key: K, value: V) => void, named: Named = {}): KStream<K, V> {
    return this.#add('KSTREAM-PEEK-', named, peeking(action), this.shape, false);
  }

  foreach(action: (key: K, value: V) => void, named: Named = {}): void {
    const step: Step<K, V, never, never> = ({ key, value }) => action(key, value);
    this.#add('KSTREAM-FOREACH-', named, step, unknownSerdes, false);
  }

  split(named: Named = {}): BranchedKStream<K, V> {
    return new Splitter(this.#dsl, this.shape, named.name);
  }

  merge(other: KStream<K, V>, named: Named = {}): KStream<K, V> {
    const { graph } = this.#dsl;
    const name = graph.name(named.name, 'KSTREAM-MERGE-');
    const theirs = shapeOfStream(other);
    const parents = [this.shape.name, theirs.name];
    graph.add((topology) => topology.addProcessor({ name, supplier: stateless(passing), parents }));
    const repartitionRequired = this.shape.repartitionRequired || theirs.repartitionRequired;
    return this.#dsl.stream({ name, ...commonSerdes(this.shape, theirs), repartitionRequired });
  }

  repartition(options: Repartitioned<K, V> = {}): KStream<K, V> {
    const { graph } = this.#dsl;
    const name = graph.name(options.name, 'KSTREAM-REPARTITION-');
    const { key, value } = this.#serdes(options);
    const { partitions, partitioner } = options;
    const nullKeys = { kept: false };
    const settings = { name, key, value, partitions, partitioner, nullKeys };
    return this.#dsl.stream({ ...repartitioned(graph, this.shape, settings), nullKeys });
  }

  to(topic: string, options: Produced<K, V> = {}): void {
    const { graph } = this.#dsl;
    const name = graph.name(options.name, 'KSTREAM-SINK-');
    const serdes = this.#serdes(options);
    const key = requireSerde(serdes.key, 'key', name);
    const value = requireSerde(serdes.value, 'value', name);
    graph.addExternalTopic(topic);
    graph.add((topology) =>
      topology.addSink({
        name,
        topic,
        key: orNull(key),
        value: orNull(value),
        parents: [this.shape.name],
        ...sinkPartitioner(topic, key, options.partitioner),
      }),
    );
  }

  toTable(
    materialized: TableMaterialized<NonNullable<K>, NonNullable<V>> = {},
  ): KTable<NonNullable<K>, NonNullable<V>> {
    return this.#dsl.table(streamToTable(this.#dsl.graph, this.shape, materialized));
  }

  groupByKey(grouped: Grouped<K, V> = {}): KGroupedStream<NonNullable<K>, V> {
    return this.#group(this.shape, grouped);
  }

  groupBy<KR>(selector: (key: K, value: V) => KR, grouped: Grouped<KR, V> = {}): KGroupedStream<NonNullable<KR>, V> {
    const { graph } = this.#dsl;
    const name = graph.name(grouped.name, 'KSTREAM-KEY-SELECT-');
    this.#addProcessor(name, stateless(keySelection(selector)));
    return this.#group<KR>({ ...this.#valueOnly<KR>(), name, repartitionRequired: true }, grouped);
  }

  join(...args: never[]): never {
    return this.#join(args as unknown as JoinArguments, { left: false, right: false }) as never;
  }

  leftJoin(...args: never[]): never {
    return this.#join(args as unknown as JoinArguments, { left: true, right: false }) as never;
  }

  outerJoin(...args: never[]): never {
    return this.#join(args as unknown as JoinArguments, { left: true, right: true }) as never;
  }

  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, settings: ProcessorSettings = {}): KStream<KR, VR> {
    const name = this.#dsl.graph.name(settings.name, 'KSTREAM-PROCESSOR-');
    this.#addProcessor(name, supplier, settings.stores);
    return this.#dsl.stream({ name, ...unknownSerdes, repartitionRequired: true });
  }

  processValues<VR>(supplier: FixedKeyProcessorSupplier<K, V, VR>, settings: ProcessorSettings = {}): KStream<K, VR> {
    const name = this.#dsl.graph.name(settings.name, 'KSTREAM-PROCESSVALUES-');
    this.#addProcessor(name, unfixed(supplier), settings.stores);
    const { repartitionRequired } = this.shape;
    return this.#dsl.stream({ name, ...this.#keyOnly<VR>(), repartitionRequired });
  }

  #join([other, ...rest]: JoinArguments, unpaired: Unpaired): KStream<unknown, unknown> {
    const dsl = this.#dsl;
    switch (other.kind) {
      case 'stream': {
        const [joiner, windows, joined = {}] = rest as [AnyJoiner, JoinWindows, AnyStreamJoined?];
        const join = { joiner, windows, joined, unpaired };
        return joinStreams(dsl, this, other as unknown as JoinableStream, join);
      }
      case 'table': {
        const [joiner, joined = {}] = rest as [AnyJoiner, Joined<K, V>?];
        const ready = this.forJoin(joined.name, joined, unpaired.left) as StreamShape<unknown, unknown>;
        return joinTable(dsl, ready, other, { joiner, joined: joined, left: unpaired.left });
      }
      case 'global-table': {
        const [keySelector, joiner, named = {}] = rest as [KeySelector, AnyJoiner, Named?];
        const ready = this.shape as StreamShape<unknown, unknown>;
        return joinGlobalTable(dsl, ready, other, { keySelector, joiner, named, left: unpaired.left });
      }
    }
  }

  /** The stream with its keys where they belong: behind a repartition topic, if its key may have changed. */
  forJoin(
    repartitionName: string | undefined,
    serdes: { readonly key?: Serde<NonNullable<K>>; readonly value?: Serde<NonNullable<V>> },
    keepsNullKeys: boolean,
  ): StreamShape<K, V> {
    if (keepsNullKeys && this.shape.nullKeys !== undefined) this.shape.nullKeys.kept = true;
    if (!this.shape.repartitionRequired) return this.shape;
    const name = repartitionName ?? this.shape.name;
    const former = this.#repartitioned.get(name);
    if (former !== undefined) return former;
    const nullKeys = { kept: keepsNullKeys };
    const shape = repartitioned(this.#dsl.graph, this.shape, { name, ...this.#serdes(serdes), nullKeys });
    this.#repartitioned.set(name, shape);
    return shape;
  }

  #group<KR>(source: StreamShape<KR, V>, grouped: Grouped<KR, V>): KGroupedStream<NonNullable<KR>, V> {
    const key = (grouped.key ?? source.key) as Serde<NonNullable<KR>> | undefined;
    const value = grouped.value ?? source.value;
    const keyed = { ...source, key, value } as StreamShape<NonNullable<KR>, V>;
    return this.#dsl.groupedStream(new StreamGrouping(this.#dsl.graph, keyed, grouped.name));
  }

  #add<KR, VR>(
    prefix: string,
    named: Named,
    step: Step<K, V, KR, VR>,
    { key, value }: Serdes<KR, VR>,
    changesKey: boolean,
  ): KStream<KR, VR> {
    const name = this.#dsl.graph.name(named.name, prefix);
    this.#addProcessor(name, stateless(step));
    const repartitionRequired = changesKey || this.shape.repartitionRequired;
    return this.#dsl.stream({ name, key, value, repartitionRequired, nullKeys: this.shape.nullKeys });
  }

  #addProcessor<KR, VR>(name: string, supplier: () => Processor<K, V, KR, VR>, stores: readonly string[] = []): void {
    this.#dsl.graph.add((topology) => topology.addProcessor({ name, supplier, parents: [this.shape.name], stores }));
  }

  #serdes(given: { readonly key?: Serde<NonNullable<K>>; readonly value?: Serde<NonNullable<V>> }): Serdes<K, V> {
    return {
      key: given.key ?? this.shape.key,
      value: given.value ?? this.shape.value,
    };
  }

  #keyOnly<VR>(): Serdes<K, VR> {
    return { key: this.shape.key, value: undefined };
  }

  #valueOnly<KR>(): Serdes<KR, V> {
    return { key: undefined, value: this.shape.value };
  }
}

const unknownSerdes = { key: undefined, value: undefined };

const keySelection = <K, V, KR>(selector: (key: K, value: V) => KR): Step<K, V, KR, V> =>
  mapping((key, value) => [selector(key, value), value]);

/** Those that both streams agree on. */
const commonSerdes = <K, V>(one: Serdes<K, V>, other: Serdes<K, V>): Serdes<K, V> => ({
  key: one.key === other.key ? one.key : undefined,
  value: one.value === other.value ? one.value : undefined,
});
