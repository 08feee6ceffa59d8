/**
 * A table: the latest value of each key, and the operators on it.
 *
 * Invariant: operators only send on what they are asked for downstream: former values, and stores for those who look values
 * up, are arranged while the topology is put together and never while it runs.
 */
import type { Processor } from '../processor.ts';
import type { KGroupedTable, KStream, KTable } from './api.ts';
import type { Change } from './change.ts';
import { joinByForeignKey } from './foreign-key-join.ts';
import type { Grouped, Materialized, Named } from './options.ts';
import { stateless, withValue } from './operators/stateless.ts';
import { DerivedTable } from './operators/table-derived.ts';
import { GroupSelector } from './operators/table-group.ts';
import { JoinedTable } from './operators/table-join.ts';
import { tableStoreBuilder } from './operators/table-store.ts';
import { shapeOfTable, type Dsl, type TableShape } from './shapes.ts';
import type { Suppressed } from './suppressed.ts';
import { suppressTable } from './suppress.ts';

type Alone = { readonly left: boolean; readonly right: boolean };
/** The overloads of the joins. */
type JoinArguments = readonly [KTable<unknown, unknown>, ...unknown[]];
type AnyFunction = (first: unknown, second: unknown) => unknown;

export class KTableNode<K, V> implements KTable<K, V> {
  readonly kind = 'table';
  readonly shape: TableShape<K, V>;
  readonly #dsl: Dsl;

  constructor(dsl: Dsl, shape: TableShape<K, V>) {
    this.#dsl = dsl;
    this.shape = shape;
  }

  get queryableStoreName(): string | undefined {
    return this.shape.queryableStoreName;
  }

  filter(predicate: (key: K, value: V) => boolean, materialized?: Materialized<K, V>): KTable<K, V> {
    const derive = (key: K, value: V): V | null => (predicate(key, value) ? value : null);
    return this.#derived<V>('KTABLE-FILTER-', derive, materialized, true);
  }

  filterNot(predicate: (key: K, value: V) => boolean, materialized?: Materialized<K, V>): KTable<K, V> {
    return this.filter((key, value) => !predicate(key, value), materialized);
  }

  mapValues<VR>(
    mapper: (value: V, key: K) => VR,
    materialized?: Materialized<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>> {
    const derive = (key: K, value: V): NonNullable<VR> | null => mapper(value, key) ?? null;
    return this.#derived<NonNullable<VR>>('KTABLE-MAPVALUES-', derive, materialized, false);
  }

  toStream(named: Named = {}): KStream<K, V | null> {
    const { graph } = this.#dsl;
    const name = graph.name(named.name, 'KTABLE-TOSTREAM-');
    const supplier = stateless<K, Change<V>, K, V | null>((record, forward) =>
      forward(withValue(record, record.value.newValue)),
    );
    graph.add((topology) => topology.addProcessor({ name, supplier, parents: [this.shape.name] }));
    const { key, value } = this.shape;
    return this.#dsl.stream<K, V | null>({
      name,
      key,
      value: value,
      repartitionRequired: false,
    });
  }

  suppress(suppressed: Suppressed<K>): KTable<K, V> {
    return this.#dsl.table(suppressTable(this.#dsl.graph, this.shape, suppressed));
  }

  groupBy<KR, VR>(
    selector: (key: K, value: V) => readonly [KR, VR],
    grouped: Grouped<KR, VR> = {},
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>> {
    const { graph } = this.#dsl;
    const name = graph.name(grouped.name, 'KTABLE-SELECT-');
    const { operator, versioned } = this.shape;
    operator.sendOldValues(true);
    const supplier = (): Processor<K, Change<V>, NonNullable<KR>, Change<NonNullable<VR>>> =>
      new GroupSelector({ selector, keySerde: grouped.key, node: name, skipsPast: versioned });
    graph.add((topology) => topology.addProcessor({ name, supplier, parents: [this.shape.name] }));
    return this.#dsl.groupedTable<NonNullable<KR>, NonNullable<VR>>({
      key: grouped.key,
      value: grouped.value,
      name,
      repartitionName: grouped.name,
    });
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

  /** With two functions it is a join by foreign key. */
  #join([other, ...rest]: JoinArguments, alone: Alone): KTable<unknown, unknown> {
    const theirs = shapeOfTable(other);
    const ours = this.shape as TableShape<unknown, unknown>;
    if (typeof rest[1] !== 'function') {
      const [joiner, materialized] = rest as [AnyFunction, Materialized<unknown, unknown>?];
      return this.#joinByKey(theirs, joiner, materialized, alone);
    }
    const [foreignKey, joiner, materialized] = rest as [AnyFunction, AnyFunction, Materialized<unknown, unknown>?];
    const join = { foreignKey, joiner, leftAlone: alone.left, materialized: materialized ?? {} };
    return this.#dsl.table(joinByForeignKey(this.#dsl.graph, ours, theirs, join));
  }

  #joinByKey(
    theirs: TableShape<unknown, unknown>,
    joiner: AnyFunction,
    materialized: Materialized<unknown, unknown> | undefined,
    alone: Alone,
  ): KTable<unknown, unknown> {
    const { graph } = this.#dsl;
    const ours = this.shape as TableShape<unknown, unknown>;
    const storeName = materialized && graph.storeName(materialized.as, 'KTABLE-MERGE-');
    const named = materialized?.name;
    const name = graph.name(named, 'KTABLE-MERGE-');
    const operator = new JoinedTable<unknown, unknown, unknown, unknown>(
      ours.operator,
      theirs.operator,
      { joiner: (value, other) => joiner(value, other) ?? null, leftAlone: alone.left, rightAlone: alone.right },
      storeName,
    );
    const left = named === undefined ? graph.nextName('KTABLE-JOINTHIS-') : `${named}-join-this`;
    const right = named === undefined ? graph.nextName('KTABLE-JOINOTHER-') : `${named}-join-other`;
    const serdes = { key: materialized?.key ?? ours.key, value: materialized?.value };
    graph.add((topology) => {
      const stores = operator.storesRead;
      const leftSide = () => operator.leftProcessor(left, ours.versioned);
      const rightSide = () => operator.rightProcessor(right, theirs.versioned);
      topology
        .addProcessor({ name: left, supplier: leftSide, parents: [ours.name], stores: stores.left })
        .addProcessor({ name: right, supplier: rightSide, parents: [theirs.name], stores: stores.right })
        .addProcessor({ name, supplier: () => operator.mergeProcessor(), parents: [left, right] });
      if (storeName === undefined) return;
      topology.addStateStore(tableStoreBuilder(graph.stores, storeName, serdes, materialized ?? {}), [name]);
    });
    return this.#dsl.table<unknown, unknown>({
      name,
      ...serdes,
      operator,
      queryableStoreName: materialized?.as,
      closeDelayMs: laterDelay(ours.closeDelayMs, theirs.closeDelayMs),
      versioned: false,
    });
  }

  #derived<VR>(
    prefix: string,
    derive: (key: K, value: V) => VR | null,
    materialized: Materialized<K, VR> | undefined,
    filters: boolean,
  ): KTable<K, VR> {
    const { graph } = this.#dsl;
    const parent = this.shape;
    if (materialized !== undefined) graph.storeName(materialized.as, prefix);
    const name = graph.name(materialized?.name, prefix);
    const storeName = materialized?.as;
    const dropsUnchanged = filters && !parent.versioned;
    const operator = new DerivedTable<K, V, VR>(parent.operator, { derive, storeName, dropsUnchanged });
    const inherited = (filters ? parent.value : undefined) as TableShape<K, VR>['value'];
    const serdes = { key: materialized?.key ?? parent.key, value: materialized?.value ?? inherited };
    graph.add((topology) => {
      topology.addProcessor({ name, supplier: () => operator.processor(), parents: [parent.name] });
      if (storeName === undefined) return;
      topology.addStateStore(tableStoreBuilder(graph.stores, storeName, serdes, materialized ?? {}), [name]);
    });
    return this.#dsl.table({
      name,
      ...serdes,
      operator,
      queryableStoreName: storeName,
      closeDelayMs: parent.closeDelayMs,
      versioned: parent.versioned && storeName === undefined,
    });
  }
}

/** A result may change as long as one of its sides may. */
const laterDelay = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : Math.max(one, other);
