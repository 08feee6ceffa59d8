import { describe, expect, it } from 'vitest';
import { stringKey } from '../../../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../../../state/memory-backend.ts';
import { keyValueStore } from '../../../../../state/stores.ts';
import type { StateBackend } from '../../../../../streams/ports.ts';
import type { Processor } from '../../../../../streams/processor.ts';
import { stringSerde } from '../../../../../streams/serdes.ts';
import { InMemoryLog } from '../../../../../streams/testing/in-memory-log.ts';
import { ApplicationLayout } from '../../../../../streams/testing/simulation/layout.ts';
import { StateAudit } from '../../../../../streams/testing/simulation/state-audit.ts';
import { VirtualClock } from '../../../../../streams/testing/virtual-clock.ts';
import { Topology } from '../../../../../streams/topology.ts';

const CHANGELOG = { topic: 'app-counts-changelog', partition: 0 };

const nothing = (): Processor<string, string> => ({ process: () => undefined });

const topology = new Topology()
  .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
  .addProcessor({ name: 'nothing', supplier: nothing, parents: ['in'] })
  .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: stringSerde }), ['nothing'])
  .build('app');

type Write = readonly [key: string, value: string | null];

const start = async () => {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock });
  log.createTopics([{ name: CHANGELOG.topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }]);
  const producer = log.client('a').plainProducer();
  const backend = await new MemoryBackendFactory().open('0_0');
  return {
    log,
    backend,
    audit: new StateAudit(log, new ApplicationLayout('app', topology, 1), (_, key) => key),
    logged: async (...writes: readonly Write[]) => {
      const records = writes.map(([key, value]) => ({ key: Buffer.from(key), value: value && Buffer.from(value) }));
      await clock.runUntil(
        producer.send(records.map((record) => ({ ...CHANGELOG, ...record, value: record.value || null }))),
      );
    },
  };
};

const apply = (backend: StateBackend, position: number | undefined, ...writes: readonly Write[]): void => {
  const batch = backend.batch();
  const space = backend.keySpace('counts');
  for (const [key, value] of writes) {
    if (value === null) batch.delete(space, Buffer.from(key));
    else batch.put(space, Buffer.from(key), Buffer.from(value));
  }
  if (position !== undefined) batch.setPosition(CHANGELOG, position);
  backend.write(batch);
};

describe('StateAudit', () => {
  it('is content with a state that holds the changelog up to its position', async () => {
    const { audit, backend, logged } = await start();
    await logged(['a', '1'], ['b', '1'], ['a', null], ['b', '2']);
    apply(backend, 3, ['b', '1']);
    audit.remember('the state', '0_0', backend);
    expect(audit.flaw()).toBeUndefined();
    expect(audit.flawAtEnd('the state', '0_0', backend)).toBe(
      'the state: the store "counts" has "b" = "1" instead of "2"',
    );
  });

  it.each<[string, number | undefined, readonly Write[]]>([
    ['data without a position', undefined, [['a', '1']]],
    ['a position without its data', 2, [['a', '1']]],
    [
      'data from after its position',
      1,
      [
        ['a', '1'],
        ['b', '1'],
      ],
    ],
    [
      'data that was deleted',
      3,
      [
        ['a', '1'],
        ['b', '1'],
      ],
    ],
  ])('finds %s', async (_, position, writes) => {
    const { audit, backend, logged } = await start();
    await logged(['a', '1'], ['b', '1'], ['a', null]);
    apply(backend, position, ...writes);
    audit.remember('the state', '0_0', backend);
    expect(audit.flaw()).toContain('the state: the store "counts"');
  });

  it('judges a state from before a compaction by what the changelog was then', async () => {
    const { audit, backend, logged, log } = await start();
    await logged(['a', '1'], ['a', '2']);
    apply(backend, 1, ['a', '1']);
    audit.remember('the state', '0_0', backend);
    audit.beforeCompaction();
    log.compact(CHANGELOG.topic);
    expect(audit.flaw()).toBeUndefined();
    apply(backend, 2, ['a', 'x']);
    audit.remember('the state afterwards', '0_0', backend);
    expect(audit.flaw()).toContain('"a" = "x" instead of "2"');
  });
});
