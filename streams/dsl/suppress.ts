/**
 * Holding a table's updates back.
 *
 * Invariant: the order in which updates are let go is that of the times from which they waited, then of their keys.
 */
import type { Processor } from '../processor.ts';
import { invalid, requireSerde, type DslGraph } from './graph.ts';
import { SuppressedTable, type Suppression } from './operators/suppress.ts';
import type { TableShape } from './shapes.ts';
import type { Suppressed } from './suppressed.ts';

export function suppressTable<K, V>(
  graph: DslGraph,
  table: TableShape<K, V>,
  suppressed: Suppressed<K>,
): TableShape<K, V> {
  const name = graph.name(suppressed.name, 'KTABLE-SUPPRESS-');
  if (table.versioned)
    throw invalid(`"${name}" cannot hold back a versioned table, whose updates may lie in the past.`);
  const waitMs = suppressed.waitMs ?? table.closeDelayMs;
  if (waitMs === undefined) {
    throw invalid(`"${name}" waits for windows to close, and the table before it does not come from windows.`);
  }
  const storeName = suppressed.name === undefined ? graph.storeName(undefined, 'KTABLE-SUPPRESS-') : `${name}-store`;
  const { timeOf, buffer, dropsTombstones, logging } = suppressed;
  const suppression: Suppression<K> = { node: name, storeName, timeOf, waitMs, buffer, dropsTombstones };
  const operator = new SuppressedTable<K, V>(table.operator, suppression);
  graph.add((topology) => {
    const supplier = (): Processor<K, never, K, never> => operator.processor();
    topology.addProcessor({ name, supplier, parents: [table.name] });
    const key = requireSerde(table.key, 'key', name);
    const value = requireSerde(table.value, 'value', name);
    topology.addStateStore(operator.storeBuilder(graph.stores, { key, value, logging }), [name]);
  });
  return { ...table, name, operator, queryableStoreName: undefined };
}
