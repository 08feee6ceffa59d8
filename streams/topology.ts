/**
 * The topology builder: named sources, processors, sinks and stores, and who is connected to whom.
 *
 * Invariant: a topology that `build` accepts is complete and acyclic by construction: every parent and store a node names
 * was added before it, every name is used once, and every store belongs to exactly one sub-topology.
 */
import { TopologyError } from './errors.ts';
import type { ProcessorSupplier } from './processor.ts';
import type { Record } from './record.ts';
import type { Deserializer, Serializer } from './serde.ts';
import type { StateStore, StoreBuilder } from './state-store.ts';

/** What a timestamp extractor may look at besides the value. Times are UTC epoch milliseconds. */
export interface TimestampContext {
  /** Highest event time of this partition so far; -1 before the first record. */
  readonly partitionTimeMs: number;
  /** Wall clock. */
  readonly systemTimeMs: number;
}

/** The event time of a record. Throws `InvalidTimestampError` to send the record to the deserialization handler. */
export type TimestampExtractor<V> = (
  value: V,
  record: { readonly timestampMs: number; readonly logAppendTime: boolean },
  context: TimestampContext,
) => number;

/** Chooses the partition of an outgoing record. `taskPartition` is the partition of the task that sends it. */
export type StreamPartitioner<K, V> = (record: Record<K, V>, taskPartition: number, partitionCount: number) => number;

export interface SourceOptions<K, V> {
  readonly name: string;
  readonly topics: readonly string[];
  readonly key: Deserializer<K>;
  readonly value: Deserializer<V>;
  /** Default: the record's own timestamp. */
  readonly timestampExtractor?: TimestampExtractor<V>;
}

export interface ProcessorOptions<KIn, VIn, KOut, VOut> {
  readonly name: string;
  readonly supplier: ProcessorSupplier<KIn, VIn, KOut, VOut>;
  readonly parents: readonly string[];
  readonly stores?: readonly string[];
}

export interface SinkOptions<K, V> {
  readonly name: string;
  readonly topic: string;
  readonly key: Serializer<K>;
  readonly value: Serializer<V>;
  readonly parents: readonly string[];
  /** Default: the hash of the key that Java clients use; without a key, the task's own partition. */
  readonly partitioner?: StreamPartitioner<K, V>;
}

export interface GlobalStoreOptions<K, V> {
  /** Never logged: its topic is its changelog. */
  readonly store: StoreBuilder;
  /** Name of the source node. */
  readonly source: string;
  readonly topic: string;
  readonly key: Deserializer<K>;
  readonly value: Deserializer<V>;
  /** Name of the processor that keeps the store; it writes the store and forwards nothing. */
  readonly processor: string;
  readonly supplier: ProcessorSupplier<K, V, never, never>;
}

export type SourceNode = SourceOptions<unknown, unknown> & { readonly kind: 'source' };
export type ProcessorNode = Required<ProcessorOptions<unknown, unknown, unknown, unknown>> & {
  readonly kind: 'processor';
};
export type SinkNode = SinkOptions<unknown, unknown> & { readonly kind: 'sink' };
export type TopologyNode = SourceNode | ProcessorNode | SinkNode;
export type GlobalStoreNode = GlobalStoreOptions<unknown, unknown>;

/** The nodes and stores that one task runs together: everything connected by edges or shared stores. */
export interface SubTopology {
  readonly id: number;
  readonly nodes: readonly TopologyNode[];
  readonly stores: readonly StoreBuilder[];
  /** All topics that its sources read. */
  readonly sourceTopics: readonly string[];
}

/** A topic between two sub-topologies, made and named by the application. */
export interface RepartitionTopic {
  readonly topic: string;
  /** Undefined: as many as the widest sub-topology that writes it has tasks. */
  readonly partitions: number | undefined;
}

export interface BuiltTopology {
  readonly subTopologies: readonly SubTopology[];
  readonly repartitionTopics: readonly RepartitionTopic[];
  readonly globalStores: readonly GlobalStoreNode[];
}

const namePattern = /^[A-Za-z0-9._-]{1,200}$/;

export class Topology {
  readonly #nodes = new Map<string, TopologyNode>();
  readonly #stores = new Map<string, { builder: StoreBuilder; users: Set<string> }>();
  readonly #globalStores = new Map<string, GlobalStoreNode>();
  readonly #names = new Set<string>();
  readonly #topics = new Map<string, string>();
  readonly #repartitions = new Map<string, number | undefined>();

  addSource<K, V>(options: SourceOptions<K, V>): this {
    this.#claim(options.name);
    if (options.topics.length === 0) throw invalid(`Source "${options.name}" reads no topic.`);
    for (const topic of options.topics) this.#claimTopic(topic, options.name);
    // Types do not flow between nodes; a serde and its processor agree by declaration, as in Kafka Streams.
    this.#nodes.set(options.name, { ...(options as unknown as SourceOptions<unknown, unknown>), kind: 'source' });
    return this;
  }

  addProcessor<KIn, VIn, KOut, VOut>(options: ProcessorOptions<KIn, VIn, KOut, VOut>): this {
    this.#claim(options.name);
    this.#requireParents(options.name, options.parents);
    this.#nodes.set(options.name, {
      ...(options as unknown as ProcessorOptions<unknown, unknown, unknown, unknown>),
      stores: [],
      kind: 'processor',
    });
    for (const store of options.stores ?? []) this.connectProcessorAndStores(options.name, store);
    return this;
  }

  addSink<K, V>(options: SinkOptions<K, V>): this {
    this.#claim(options.name);
    this.#requireParents(options.name, options.parents);
    this.#nodes.set(options.name, { ...(options as unknown as SinkOptions<unknown, unknown>), kind: 'sink' });
    return this;
  }

  addStateStore<S extends StateStore>(builder: StoreBuilder<S>, processors: readonly string[] = []): this {
    this.#claim(builder.name);
    this.#stores.set(builder.name, { builder, users: new Set() });
    for (const processor of processors) this.connectProcessorAndStores(processor, builder.name);
    return this;
  }

  /** A store with the whole content of a topic, all partitions, readable by every processor. */
  addGlobalStore<K, V>(options: GlobalStoreOptions<K, V>): this {
    this.#claim(options.store.name);
    this.#claim(options.source);
    this.#claim(options.processor);
    this.#claimTopic(options.topic, options.source);
    this.#globalStores.set(options.store.name, options);
    return this;
  }

  /**
   * Declares a topic that sinks and sources of this topology may name to send records on by another key. The application
   * creates it as `<application>-<name>-repartition`.
   */
  addRepartitionTopic(name: string, options: { readonly partitions?: number } = {}): this {
    this.#claim(`${name}-repartition`);
    this.#repartitions.set(name, options.partitions);
    return this;
  }

  connectProcessorAndStores(processor: string, ...stores: readonly string[]): this {
    const node = this.#nodes.get(processor);
    if (node?.kind !== 'processor') throw invalid(`No processor "${processor}" to connect stores to.`);
    for (const name of stores) {
      const store = this.#stores.get(name);
      if (store === undefined)
        throw invalid(`Processor "${processor}" names the store "${name}", which was not added.`);
      store.users.add(processor);
    }
    this.#nodes.set(processor, { ...node, stores: [...new Set([...node.stores, ...stores])] });
    return this;
  }

  /** `applicationId` names the internal topics. */
  build(applicationId: string): BuiltTopology {
    for (const [name, { users }] of this.#stores) {
      if (users.size === 0) throw invalid(`No processor is connected to the store "${name}".`);
    }
    const repartitionTopics = [...this.#repartitions].map(([name, partitions]) => ({
      topic: repartitionTopic(applicationId, name),
      partitions,
    }));
    const subTopologies = this.#group((topic) =>
      this.#repartitions.has(topic) ? repartitionTopic(applicationId, topic) : topic,
    );
    return { subTopologies, repartitionTopics, globalStores: [...this.#globalStores.values()] };
  }

  #group(fullTopic: (topic: string) => string): readonly SubTopology[] {
    const groups = new UnionFind([...this.#nodes.keys()]);
    for (const node of this.#nodes.values()) {
      if (node.kind !== 'source') for (const parent of node.parents) groups.union(parent, node.name);
    }
    for (const { users } of this.#stores.values()) {
      const [first, ...others] = users;
      for (const other of others) groups.union(first as string, other);
    }
    const roots = [...new Set([...this.#nodes.keys()].map((name) => groups.find(name)))];
    return roots.map((root, id) => this.#subTopology(id, (name) => groups.find(name) === root, fullTopic));
  }

  #subTopology(id: number, belongs: (node: string) => boolean, fullTopic: (topic: string) => string): SubTopology {
    const nodes = [...this.#nodes.values()]
      .filter((node) => belongs(node.name))
      .map((node) => withFullTopics(node, fullTopic));
    const stores = [...this.#stores.values()].filter(({ users }) => belongs([...users][0] as string));
    return {
      id,
      nodes,
      stores: stores.map(({ builder }) => builder),
      sourceTopics: nodes.flatMap((node) => (node.kind === 'source' ? node.topics : [])),
    };
  }

  #claim(name: string): void {
    if (!namePattern.test(name))
      throw invalid(`"${name}" is no name for a node or store; use letters, digits, "." "_" "-".`);
    if (this.#names.has(name)) throw invalid(`The name "${name}" is used twice in the topology.`);
    this.#names.add(name);
  }

  #claimTopic(topic: string, source: string): void {
    const other = this.#topics.get(topic);
    if (other !== undefined)
      throw invalid(`Topic "${topic}" is read by "${other}" and by "${source}"; one source must read it.`);
    this.#topics.set(topic, source);
  }

  #requireParents(name: string, parents: readonly string[]): void {
    if (parents.length === 0) throw invalid(`Node "${name}" has no parent; nothing would reach it.`);
    for (const parent of parents) {
      const node = this.#nodes.get(parent);
      if (node === undefined)
        throw invalid(`Node "${name}" names the parent "${parent}", which was not added before it.`);
      if (node.kind === 'sink')
        throw invalid(`Node "${name}" names the sink "${parent}" as parent; a sink has no children.`);
    }
  }
}

/** `<application>-<name>-repartition`, as in Kafka Streams. */
const repartitionTopic = (applicationId: string, name: string): string => `${applicationId}-${name}-repartition`;

function withFullTopics(node: TopologyNode, fullTopic: (topic: string) => string): TopologyNode {
  switch (node.kind) {
    case 'source':
      return { ...node, topics: node.topics.map(fullTopic) };
    case 'sink':
      return { ...node, topic: fullTopic(node.topic) };
    case 'processor':
      return node;
  }
}

const invalid = (message: string): TopologyError => new TopologyError('TOPOLOGY_INVALID', message);

class UnionFind {
  readonly #parent: Map<string, string>;

  constructor(names: readonly string[]) {
    this.#parent = new Map(names.map((name) => [name, name]));
  }

  find(name: string): string {
    const parent = this.#parent.get(name) as string;
    if (parent === name) return name;
    const root = this.find(parent);
    this.#parent.set(name, root);
    return root;
  }

  union(a: string, b: string): void {
    // The older root stays, so that sub-topologies are numbered in the order of their first node.
    const order = [...this.#parent.keys()];
    const [first, second] = [this.find(a), this.find(b)].sort((x, y) => order.indexOf(x) - order.indexOf(y));
    this.#parent.set(second as string, first as string);
  }
}
