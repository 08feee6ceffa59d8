/**
 * Splitting a stream into branches.
 *
 * Invariant: a record goes to one branch at most, the first in the order of declaration that takes it.
 */
import type { Branched, BranchedKStream, KStream } from './api.ts';
import { branching, passing, stateless, type Branch } from './operators/stateless.ts';
import type { Dsl, StreamShape } from './shapes.ts';

export class Splitter<K, V> implements BranchedKStream<K, V> {
  readonly #dsl: Dsl;
  readonly #source: StreamShape<K, V>;
  readonly #name: string;
  /** The splitter's node looks at it while it runs, so branches may be added after the node. */
  readonly #branches: Branch<K, V>[] = [];
  readonly #results = new Map<string, KStream<K, V>>();

  constructor(dsl: Dsl, source: StreamShape<K, V>, name: string | undefined) {
    this.#dsl = dsl;
    this.#source = source;
    this.#name = dsl.graph.name(name, 'KSTREAM-BRANCH-');
    const supplier = stateless(branching(this.#branches));
    dsl.graph.add((topology) => topology.addProcessor({ name: this.#name, supplier, parents: [source.name] }));
  }

  branch(predicate: (key: K, value: V) => boolean, branched: Branched<K, V> = {}): this {
    this.#add(predicate, branched, this.#branches.length + 1);
    return this;
  }

  defaultBranch(branched: Branched<K, V> = {}): ReadonlyMap<string, KStream<K, V>> {
    this.#add(() => true, branched, 0);
    return this.#results;
  }

  noDefaultBranch(): ReadonlyMap<string, KStream<K, V>> {
    return this.#results;
  }

  #add(predicate: (key: K, value: V) => boolean, { name, chain }: Branched<K, V>, number: number): void {
    const { graph } = this.#dsl;
    const child = `${this.#name}${name ?? number}`;
    graph.nextName(child);
    this.#branches.push({ predicate, child });
    graph.add((topology) =>
      topology.addProcessor({ name: child, supplier: stateless(passing), parents: [this.#name] }),
    );
    const branch = this.#dsl.stream({ ...this.#source, name: child });
    const result = chain === undefined ? branch : chain(branch);
    if (result !== undefined) this.#results.set(child, result);
  }
}
