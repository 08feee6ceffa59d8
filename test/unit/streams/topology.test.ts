import { describe, expect, it } from 'vitest';
import { describeTopology, mermaidTopology } from '../../../streams/describe.ts';
import { TopologyError } from '../../../streams/errors.ts';
import type { Serde } from '../../../streams/serde.ts';
import type { StateStore, StoreBuilder } from '../../../streams/state-store.ts';
import { Topology } from '../../../streams/topology.ts';

const bytes: Serde<Uint8Array | null> = { serialize: (_, data) => data, deserialize: (_, data) => data };
const source = (name: string, ...topics: string[]) => ({ name, topics, key: bytes, value: bytes });
const supplier = () => ({ process: () => undefined });
const store = (name: string): StoreBuilder => ({
  name,
  loggingEnabled: true,
  changelogConfig: {},
  build: () => ({ name }) as StateStore,
});

describe('Topology', () => {
  it('groups nodes that are connected by edges into sub-topologies, numbered in the order of their first node', () => {
    const { subTopologies } = new Topology()
      .addSource(source('orders', 'orders'))
      .addSource(source('clicks', 'clicks'))
      .addProcessor({ name: 'count-clicks', supplier, parents: ['clicks'] })
      .addProcessor({ name: 'check-orders', supplier, parents: ['orders'] })
      .addSink({ name: 'checked', topic: 'checked', key: bytes, value: bytes, parents: ['check-orders'] })
      .build('app');
    expect(subTopologies.map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([
      ['orders', 'check-orders', 'checked'],
      ['clicks', 'count-clicks'],
    ]);
  });

  it('puts processors that share a store into one sub-topology', () => {
    const { subTopologies } = new Topology()
      .addSource(source('a', 'a'))
      .addSource(source('b', 'b'))
      .addProcessor({ name: 'left', supplier, parents: ['a'] })
      .addProcessor({ name: 'right', supplier, parents: ['b'] })
      .addStateStore(store('shared'), ['left', 'right'])
      .build('app');
    expect(subTopologies).toHaveLength(1);
    expect(subTopologies[0]?.sourceTopics).toEqual(['a', 'b']);
  });

  it.each([
    ['a parent that was not added', () => new Topology().addProcessor({ name: 'p', supplier, parents: ['nobody'] })],
    ['a name used twice', () => new Topology().addSource(source('a', 'a')).addSource(source('a', 'b'))],
    ['a topic read by two sources', () => new Topology().addSource(source('a', 't')).addSource(source('b', 't'))],
    ['a store nobody uses', () => new Topology().addStateStore(store('s')).build('app')],
    ['a name that no topic could carry', () => new Topology().addSource(source('a b', 't'))],
    ['a source without topics', () => new Topology().addSource(source('a'))],
    [
      'a store that was not added',
      () =>
        new Topology().addSource(source('a', 'a')).addProcessor({ name: 'p', supplier, parents: ['a'], stores: ['s'] }),
    ],
  ])('refuses %s', (_, build) => {
    expect(build).toThrow(TopologyError);
  });

  it('describes itself as Kafka Streams does', () => {
    const topology = new Topology()
      .addSource(source('raw', 'raw-alerts'))
      .addProcessor({ name: 'count', supplier, parents: ['raw'] })
      .addStateStore(store('counts'), ['count'])
      .addSink({ name: 'events', topic: 'alert-events', key: bytes, value: bytes, parents: ['count'] })
      .build('app');
    expect(describeTopology(topology)).toBe(
      [
        'Topologies:',
        '   Sub-topology: 0',
        '    Source: raw (topics: [raw-alerts])',
        '      --> count',
        '    Processor: count (stores: [counts])',
        '      --> events',
        '      <-- raw',
        '    Sink: events (topic: alert-events)',
        '      <-- count',
        '',
      ].join('\n'),
    );
  });

  it('draws itself, with names that differ by a sign only kept apart', () => {
    const topology = new Topology()
      .addSource(source('raw', 'raw-alerts'))
      .addProcessor({ name: 'a-b', supplier, parents: ['raw'] })
      .addProcessor({ name: 'a_b', supplier, parents: ['a-b'] })
      .addStateStore(store('counts'), ['a_b'])
      .addSink({ name: 'events', topic: 'a.b', key: bytes, value: bytes, parents: ['a_b'] })
      .build('app');
    expect(mermaidTopology(topology)).toBe(
      [
        'flowchart LR',
        '  subgraph sub0["Sub-topology 0"]',
        '    N_raw(["raw"])',
        '    T_raw_2d_alerts>"raw-alerts"] --> N_raw',
        '    N_a_2d_b["a-b"]',
        '    N_raw --> N_a_2d_b',
        '    N_a_5f_b["a_b"]',
        '    N_a_2d_b --> N_a_5f_b',
        '    N_a_5f_b <--> S_counts[("counts")]',
        '    N_a_5f_b --> N_events(["events"])',
        '    N_events --> T_a_2e_b>"a.b"]',
        '  end',
        '',
      ].join('\n'),
    );
  });
});
