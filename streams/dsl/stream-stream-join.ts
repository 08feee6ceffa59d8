/**
 * Joins of two streams.
 *
 * Invariant: both streams are partitioned alike, and both sides of the join run in one task with the three stores they share.
 */
import type { Serde } from '../serde.ts';
import type { StoreBuilder } from '../state-store.ts';
import type { KStream } from './api.ts';
import { requireSerde } from './graph.ts';
import type { StreamJoined, ValueJoiner } from './options.ts';
import {
  StreamJoinProcessor,
  type StreamJoinSide,
  type Unpaired,
  type UnpairedKey,
} from './operators/stream-stream-join.ts';
import { passing, stateless } from './operators/stateless.ts';
import { bytesOf, int64At, int64Bytes, listSerde } from './serdes.ts';
import type { Dsl, StreamShape } from './shapes.ts';
import type { JoinWindows } from './windows.ts';

type AnyShape = StreamShape<unknown, unknown>;

/** A stream that a join may ask to be repartitioned. */
export interface JoinableStream {
  forJoin(
    repartitionName: string | undefined,
    serdes: { readonly key?: Serde<unknown>; readonly value?: Serde<unknown> },
    keepsNullKeys: boolean,
  ): AnyShape;
}

export interface StreamJoin {
  readonly joiner: ValueJoiner<unknown, unknown, unknown, unknown>;
  readonly windows: JoinWindows;
  readonly joined: StreamJoined<unknown, unknown, unknown>;
  /** Which sides' records go on alone when they have no partner. */
  readonly unpaired: { readonly left: boolean; readonly right: boolean };
}

interface JoinNames {
  readonly left: string;
  readonly right: string;
  readonly merge: string;
  readonly leftStore: string;
  readonly rightStore: string;
  readonly unpairedStore: string | undefined;
}

export function joinStreams(
  dsl: Dsl,
  one: JoinableStream,
  two: JoinableStream,
  join: StreamJoin,
): KStream<unknown, unknown> {
  const { graph } = dsl;
  const { joined, unpaired } = join;
  const named = (suffix: string) => (joined.name === undefined ? undefined : `${joined.name}${suffix}`);
  const keyGiven = joined.key === undefined ? {} : { key: joined.key as Serde<unknown> };
  const ourValue = joined.value === undefined ? {} : { value: joined.value as Serde<unknown> };
  const theirValue = joined.otherValue === undefined ? {} : { value: joined.otherValue as Serde<unknown> };
  const left = one.forJoin(named('-left'), { ...keyGiven, ...ourValue }, unpaired.left);
  const right = two.forJoin(named('-right'), { ...keyGiven, ...theirValue }, unpaired.right);
  const names = joinNames(dsl, join);
  const key = (joined.key as Serde<unknown> | undefined) ?? left.key ?? right.key;
  const values = {
    left: (joined.value as Serde<unknown> | undefined) ?? left.value,
    right: (joined.otherValue as Serde<unknown> | undefined) ?? right.value,
  };
  graph.add((topology) => {
    const sides = joinSides(names, join);
    for (const [side, parent] of [
      [sides.left, left.name],
      [sides.right, right.name],
    ] as const) {
      topology.addProcessor({ name: side.node, supplier: () => new StreamJoinProcessor(side), parents: [parent] });
    }
    for (const store of joinStores(dsl, names, join, { key, ...values })) {
      topology.addStateStore(store, [names.left, names.right]);
    }
    topology.addProcessor({ name: names.merge, supplier: stateless(passing), parents: [names.left, names.right] });
  });
  return dsl.stream({ name: names.merge, key, value: undefined, repartitionRequired: false });
}

/** Kafka Streams has nodes of its own for the windows; their numbers are used up here too. */
function joinNames({ graph }: Dsl, { joined, unpaired }: StreamJoin): JoinNames {
  const { name, as } = joined;
  if (name === undefined) {
    graph.nextName('KSTREAM-WINDOWED-');
    graph.nextName('KSTREAM-WINDOWED-');
  }
  const [leftOuter, rightOuter] = [unpaired.left, unpaired.right];
  const leftSuffix = rightOuter ? '-outer-this-join' : '-this-join';
  const rightSuffix = leftOuter ? '-outer-other-join' : '-other-join';
  const leftName = graph.nextName(rightOuter ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-');
  const rightName = graph.nextName(leftOuter ? 'KSTREAM-OUTEROTHER-' : 'KSTREAM-JOINOTHER-');
  const merge = name === undefined ? graph.nextName('KSTREAM-MERGE-') : `${name}-merge`;
  const number = leftName.slice(-10);
  const shared =
    as === undefined ? `KSTREAM-OUTERSHARED-${number}` : `${as}-${rightOuter ? 'outer' : 'left'}-shared-join`;
  return {
    left: name === undefined ? leftName : `${name}${leftSuffix}`,
    right: name === undefined ? rightName : `${name}${rightSuffix}`,
    merge,
    leftStore: as === undefined ? `${leftName}-store` : `${as}${leftSuffix}-store`,
    rightStore: as === undefined ? `${rightName}-store` : `${as}${rightSuffix}-store`,
    unpairedStore: leftOuter ? `${shared}-store` : undefined,
  };
}

function joinSides(
  names: JoinNames,
  { joiner, windows, unpaired }: StreamJoin,
): { readonly left: StreamJoinSide<unknown, unknown>; readonly right: StreamJoinSide<unknown, unknown> } {
  const { beforeMs, afterMs } = windows;
  const common = { unpairedStore: names.unpairedStore, joiner };
  return {
    left: {
      ...common,
      node: names.left,
      left: true,
      ownStore: names.leftStore,
      otherStore: names.rightStore,
      alone: unpaired.left,
      beforeMs,
      afterMs,
    },
    right: {
      ...common,
      node: names.right,
      left: false,
      ownStore: names.rightStore,
      otherStore: names.leftStore,
      alone: unpaired.right,
      beforeMs: afterMs,
      afterMs: beforeMs,
    },
  };
}

interface JoinSerdes {
  readonly key: Serde<unknown> | undefined;
  readonly left: Serde<unknown> | undefined;
  readonly right: Serde<unknown> | undefined;
}

function joinStores(
  { graph }: Dsl,
  names: JoinNames,
  { windows, joined }: StreamJoin,
  serdes: JoinSerdes,
): readonly StoreBuilder[] {
  const { stores } = graph;
  const key = requireSerde(serdes.key, 'key', names.merge);
  const left = requireSerde(serdes.left, 'value', names.left);
  const right = requireSerde(serdes.right, 'value', names.right);
  const { logging, changelogConfig } = joined;
  const settings = {
    ...(logging !== undefined && { logging }),
    ...(changelogConfig !== undefined && { changelogConfig }),
  };
  const retentionMs = windows.sizeMs + windows.graceMs;
  const sides = [
    stores.timedWindowStore({ name: names.leftStore, key, value: listSerde(left), retentionMs, ...settings }),
    stores.timedWindowStore({ name: names.rightStore, key, value: listSerde(right), retentionMs, ...settings }),
  ];
  if (names.unpairedStore === undefined) return sides;
  const unpaired = stores.timedDueStore<UnpairedKey<unknown>, Unpaired<unknown>>({
    name: names.unpairedStore,
    key: unpairedKeySerde(key),
    value: unpairedSerde(left, right),
    ...settings,
    dueAtMs: ({ timestampMs, left: isLeft }) =>
      Math.max(0, timestampMs + (isLeft ? windows.afterMs : windows.beforeMs) + windows.graceMs + 1),
  });
  return [...sides, unpaired];
}

/** Time first, so that the store is in the order of time. */
const unpairedKeySerde = <K>(serde: Serde<K>): Serde<UnpairedKey<K>> => ({
  serialize: (topic, { timestampMs, left, key }) =>
    Buffer.concat([int64Bytes(timestampMs), Uint8Array.of(left ? 1 : 0), bytesOf(serde, topic, key)]),
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    return { timestampMs: int64At(bytes, 0), left: bytes[8] === 1, key: serde.deserialize(topic, bytes.subarray(9)) };
  },
});

function unpairedSerde(left: Serde<unknown>, right: Serde<unknown>): Serde<Unpaired<unknown>> {
  const listOf = (isLeft: boolean) => listSerde(isLeft ? left : right);
  return {
    serialize: (topic, { timestampMs, left: isLeft, values }) =>
      Buffer.concat([int64Bytes(timestampMs), Uint8Array.of(isLeft ? 1 : 0), bytesOf(listOf(isLeft), topic, values)]),
    deserialize: (topic, data) => {
      const bytes = data as Uint8Array;
      const isLeft = bytes[8] === 1;
      const values = listOf(isLeft).deserialize(topic, bytes.subarray(9));
      return { timestampMs: int64At(bytes, 0), left: isLeft, values };
    },
  };
}
