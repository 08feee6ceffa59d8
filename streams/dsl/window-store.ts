/**
 * The stores of windowed aggregates.
 *
 * Invariant: a window is kept for as long as it takes records, at least; a shorter retention is refused.
 */
import type { StoreBuilder } from '../state-store.ts';
import type { Serde } from '../serde.ts';
import type { TableView } from './operators/table-operator.ts';
import { sessionView } from './operators/session-aggregate.ts';
import { windowView } from './operators/window-aggregate.ts';
import { invalid, requireSerde, type DslGraph } from './graph.ts';
import type { Materialized, WindowMaterialized } from './options.ts';
import { storeSettings } from './operators/table-store.ts';
import { sessionWindowedSerde, timestampedSerde, timeWindowedSerde, type WindowedSerde } from './serdes.ts';
import type { AnyWindows, Windowed } from './windows.ts';

export interface WindowedStore<K, VA> {
  readonly builder: () => StoreBuilder;
  readonly view: TableView<Windowed<K>, VA>;
  readonly keySerde: WindowedSerde<K> | undefined;
  /** How long after the end of a window it may still change. */
  readonly closeDelayMs: number;
}

/** How long windows must be kept so that whatever is not late finds them. */
export function leastRetentionMs(windows: AnyWindows): number {
  switch (windows.kind) {
    case 'fixed':
      return windows.maxSizeMs + windows.graceMs;
    case 'sliding':
      return 2 * windows.timeDifferenceMs + windows.graceMs;
    case 'session':
      return windows.inactivityGapMs + windows.graceMs;
  }
}

export function windowedStore<K, VA>(
  { stores }: DslGraph,
  name: string,
  windows: AnyWindows,
  serdes: { readonly key: Serde<K> | undefined; readonly value: Serde<VA> | undefined },
  materialized: WindowMaterialized<K, VA>,
): WindowedStore<K, VA> {
  const retentionMs = materialized.retentionMs ?? leastRetentionMs(windows);
  if (retentionMs < leastRetentionMs(windows)) {
    throw invalid(`The store "${name}" keeps windows for ${retentionMs} ms; they take records for longer than that.`);
  }
  const session = windows.kind === 'session';
  const builder = (): StoreBuilder => {
    const settings = storeSettings(materialized as Materialized<never, never>);
    const spec = { name, key: requireSerde(serdes.key, 'key', name), retentionMs, ...settings };
    const value = requireSerde(serdes.value, 'value', name);
    return session
      ? stores.sessionStore({ ...spec, value })
      : stores.timedWindowStore({ ...spec, value: timestampedSerde(value), observedAtMs: (row) => row.timestampMs });
  };
  return {
    builder,
    view: session ? sessionView(name) : windowView(name),
    keySerde: serdes.key && windowedSerdeOf(windows, serdes.key),
    closeDelayMs: session ? windows.graceMs + windows.inactivityGapMs : windows.graceMs,
  };
}

const windowedSerdeOf = <K>(windows: AnyWindows, key: Serde<K>): WindowedSerde<K> =>
  windows.kind === 'session' ? sessionWindowedSerde(key) : timeWindowedSerde(key, windows);
