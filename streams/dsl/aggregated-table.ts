/**
 * Putting aggregates together: a store, one or more nodes that write it, and the table they make.
 *
 * Invariant: all nodes of one aggregate are in one task, since they share its store, and the table sends on what any of them
 * does.
 */
import type { Processor } from '../processor.ts';
import type { Serde } from '../serde.ts';
import type { StoreBuilder } from '../state-store.ts';
import type { KTable } from './api.ts';
import type { Change } from './change.ts';
import { AggregatedTable } from './operators/aggregate.ts';
import { passing, stateless } from './operators/stateless.ts';
import type { Sending, TableView } from './operators/table-operator.ts';
import type { Dsl } from './shapes.ts';

/** One node that aggregates. */
export interface AggregatePart<KR, VA> {
  readonly name: string;
  readonly parent: string;
  readonly processor: (sending: Sending) => Processor<unknown, unknown, KR, Change<VA>>;
}

export interface AggregateParts<KR, VA> {
  readonly parts: readonly AggregatePart<KR, VA>[];
  /** Of the node behind several parts. */
  readonly mergeName?: string;
  readonly store: () => StoreBuilder;
  readonly view: TableView<KR, VA>;
  readonly key: Serde<KR> | undefined;
  readonly value: Serde<VA> | undefined;
  readonly queryableStoreName: string | undefined;
  readonly closeDelayMs: number | undefined;
  readonly versioned: boolean;
}

export function aggregatedTable<KR, VA>(dsl: Dsl, aggregate: AggregateParts<KR, VA>): KTable<KR, VA> {
  const { parts, mergeName, store, view, ...shape } = aggregate;
  const operator = new AggregatedTable(view);
  dsl.graph.add((topology) => {
    for (const { name, parent, processor } of parts) {
      topology.addProcessor({ name, supplier: () => processor(operator.sending), parents: [parent] });
    }
    const names = parts.map(({ name }) => name);
    topology.addStateStore(store(), names);
    if (mergeName !== undefined) {
      topology.addProcessor({ name: mergeName, supplier: stateless(passing), parents: names });
    }
  });
  const name = mergeName ?? (parts[0] as AggregatePart<KR, VA>).name;
  return dsl.table({ name, ...shape, operator });
}
