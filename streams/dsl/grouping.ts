/**
 * A stream grouped by its key.
 *
 * Invariant: where the key may have changed, the records go through a repartition topic: one for each store that is made from
 * the grouping, or one for all of them when the grouping has a name.
 */
import type { Serde } from '../serde.ts';
import type { DslGraph } from './graph.ts';
import { repartitioned } from './repartition.ts';
import type { Grouping, StreamShape } from './shapes.ts';

export class StreamGrouping<K, V> implements Grouping<K, V> {
  readonly #graph: DslGraph;
  readonly #source: StreamShape<K, V>;
  readonly #name: string | undefined;
  readonly #parents = new Map<string, string>();

  constructor(graph: DslGraph, source: StreamShape<K, V>, name: string | undefined) {
    this.#graph = graph;
    this.#source = source;
    this.#name = name;
  }

  get key(): Serde<K> | undefined {
    return this.#source.key;
  }

  get value(): Serde<V> | undefined {
    return this.#source.value;
  }

  parent(storeName: string): string {
    if (!this.#source.repartitionRequired) return this.#source.name;
    const name = this.#name ?? storeName;
    const former = this.#parents.get(name);
    if (former !== undefined) return former;
    const { key, value } = this.#source;
    const { name: parent } = repartitioned(this.#graph, this.#source, { name, key, value, nullKeys: { kept: false } });
    this.#parents.set(name, parent);
    return parent;
  }
}
