/**
 * Sending records through a topic of the application, so that equal keys meet in one task.
 *
 * Invariant: what comes out at the other end is what went in, in the order of each key, with its timestamp and headers.
 */
import type { Serde } from '../serde.ts';
import type { StreamPartitioner } from '../topology.ts';
import { requireSerde, type DslGraph } from './graph.ts';
import { filtering, stateless } from './operators/stateless.ts';
import { nullable, orNull } from './serdes.ts';
import type { StreamShape } from './shapes.ts';
import { sinkPartitioner } from './sink.ts';

export interface RepartitionSettings<K, V> {
  /** Becomes `<application>-<name>-repartition`. */
  readonly name: string;
  readonly key: Serde<K> | undefined;
  readonly value: Serde<V> | undefined;
  readonly partitions?: number | undefined;
  readonly partitioner?: StreamPartitioner<K, V> | undefined;
  /** Whether records without a key are of use behind it; may still be found out while the topology is put together. */
  readonly nullKeys: { readonly kept: boolean };
}

const GENERATED_NAME = /^KSTREAM.*-[0-9]{10}$/;

/** The stream behind the topic. */
export function repartitioned<K, V>(
  graph: DslGraph,
  stream: StreamShape<K, V>,
  settings: RepartitionSettings<K, V>,
): StreamShape<K, V> {
  const { name, partitions, partitioner, nullKeys } = settings;
  const key = requireSerde(settings.key, 'key', `${name}-repartition`);
  const value = requireSerde(settings.value, 'value', `${name}-repartition`);
  const [sink, filter, source] = nodeNames(graph, name);
  graph.addRepartitionTopic(name, partitions);
  graph.add((topology) => {
    if (!nullKeys.kept) {
      const supplier = stateless(filtering((recordKey: K) => recordKey !== null));
      topology.addProcessor({ name: filter, supplier, parents: [stream.name] });
    }
    topology.addSink({
      name: sink,
      topic: name,
      key: orNull(key),
      value: orNull(value),
      parents: [nullKeys.kept ? stream.name : filter],
      ...sinkPartitioner(name, key, partitioner),
    });
    topology.addSource({ name: source, topics: [name], key: nullable(key), value: nullable(value) });
  });
  return { name: source, key, value, repartitionRequired: false };
}

/** Three numbers are used up whether or not the names are, as Kafka Streams does. */
function nodeNames(graph: DslGraph, name: string): readonly [sink: string, filter: string, source: string] {
  const generated = [
    graph.nextName('KSTREAM-SINK-'),
    graph.nextName('KSTREAM-FILTER-'),
    graph.nextName('KSTREAM-SOURCE-'),
  ] as const;
  const base = `${name}-repartition`;
  return GENERATED_NAME.test(name) ? generated : [`${base}-sink`, `${base}-filter`, `${base}-source`];
}
