/**
 * The nodes that the DSL's calls add up to, and the topology that is written from them.
 *
 * Invariant: nodes are written in the order in which the calls made them, with what later calls asked of them (a store, former
 * values). Names are generated in the same order, by Kafka Streams' scheme, so a topology that is built alike is named alike.
 */
import { TopologyError } from '../errors.ts';
import type { Serde } from '../serde.ts';
import type { StoreSuppliers } from '../state-store-timed.ts';
import { Topology, type SourceOptions } from '../topology.ts';

export type NodeWriter = (topology: Topology) => void;

export class DslGraph {
  readonly stores: StoreSuppliers;
  readonly #writers: NodeWriter[] = [];
  readonly #externalTopics = new Set<string>();
  readonly #repartitionTopics = new Set<string>();
  readonly #streamSources = new Map<string, SourceOptions<unknown, unknown>>();
  #index = 0;

  constructor(stores: StoreSuppliers) {
    this.stores = stores;
  }

  /** The given name, or the next one with that prefix. Only generating one counts. */
  name(given: string | undefined, prefix: string): string {
    return given ?? this.nextName(prefix);
  }

  nextName(prefix: string): string {
    const number = String(this.#index).padStart(10, '0');
    this.#index += 1;
    return `${prefix}${number}`;
  }

  storeName(given: string | undefined, prefix: string): string {
    return given ?? this.nextName(`${prefix}STATE-STORE-`);
  }

  add(write: NodeWriter): void {
    this.#writers.push(write);
  }

  addExternalTopic(...topics: readonly string[]): void {
    for (const topic of topics) this.#externalTopics.add(topic);
  }

  addRepartitionTopic(name: string, partitions: number | undefined): void {
    this.#repartitionTopics.add(name);
    this.add((topology) => topology.addRepartitionTopic(name, partitions === undefined ? {} : { partitions }));
  }

  /** The source of a stream: calls for the same topics share one. Answers its name. */
  streamSource<K, V>(options: SourceOptions<K, V>): string {
    const topics = [...options.topics].sort().join();
    const former = this.#streamSources.get(topics);
    if (former !== undefined) {
      requireSame(former, options as unknown as SourceOptions<unknown, unknown>);
      return former.name;
    }
    this.#streamSources.set(topics, options as unknown as SourceOptions<unknown, unknown>);
    this.addExternalTopic(...options.topics);
    this.add((topology) => topology.addSource(options));
    return options.name;
  }

  build(): Topology {
    const both = [...this.#repartitionTopics].filter((name) => this.#externalTopics.has(name));
    if (both.length > 0) {
      throw invalid(`"${both.join('", "')}" names a topic and a repartition; give the repartition another name.`);
    }
    const topology = new Topology();
    for (const write of this.#writers) write(topology);
    return topology;
  }
}

function requireSame(former: SourceOptions<unknown, unknown>, other: SourceOptions<unknown, unknown>): void {
  const same =
    former.key === other.key && former.value === other.value && former.timestampExtractor === other.timestampExtractor;
  if (!same) throw invalid(`The topic "${former.topics.join()}" is read twice with different serdes; read it once.`);
}

export const invalid = (message: string): TopologyError => new TopologyError('TOPOLOGY_INVALID', message);

/** Throws where an operator needs a serde that nobody gave. */
export function requireSerde<T>(serde: Serde<T> | undefined, what: 'key' | 'value', node: string): Serde<T> {
  if (serde !== undefined) return serde;
  throw new TopologyError(
    'SERDE_MISSING',
    `"${node}" needs a serde for its ${what}: an operator before it changed the type. Pass \`{ ${what}: … }\` to it.`,
  );
}
