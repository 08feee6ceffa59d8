import { expect, it } from 'vitest';
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { keyValueStore } from '../../../state/stores.ts';
import { streamsConfig } from '../../../streams/config.ts';
import type { StateBackendFactory } from '../../../streams/ports.ts';
import type { Processor } from '../../../streams/processor.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import { StandbyManager } from '../../../streams/standby-manager.ts';
import type { FaultInjector } from '../../../streams/testing/in-memory-faults.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { Topology } from '../../../streams/topology.ts';

const MARKER_MS = 1_000;
const CHANGELOG = { topic: 'app-counts-changelog', partition: 0 };

/** The broker answers a commit at once and writes its marker later. */
const lateMarkers: FaultInjector = {
  before: ({ kind }) => (kind === 'broker.marker' ? { delayMs: MARKER_MS } : undefined),
  after: () => undefined,
};

const nothing = (): Processor<string, string> => ({ process: () => undefined });

class CountingFactory extends MemoryBackendFactory implements StateBackendFactory {
  destroyed = 0;

  override destroy(taskId: string): Promise<void> {
    this.destroyed += 1;
    return super.destroy(taskId);
  }
}

/**
 * A process ran a task and keeps its warm copy from then on; the task's last transaction was committed and not yet readable. The
 * state seemed to be ahead of its changelog and was thrown away, though it was whole.
 */
it('keeps a state whose last transaction is not readable yet, and follows on from it [INV-NO-WASTE]', async () => {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock, faults: lateMarkers });
  log.createTopics([{ name: CHANGELOG.topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }]);
  const client = log.client('a');
  const producer = client.producer('app-0_0');
  await producer.init();
  const commit = async (key: string): Promise<void> => {
    producer.append(CHANGELOG.topic, 0, Buffer.from(key), Buffer.from('1'), 1);
    await clock.runUntil(producer.commit('app', []));
  };
  await commit('a');

  const stateFactory = new CountingFactory();
  const state = await stateFactory.open('0_0');
  const batch = state.batch();
  batch.put(state.keySpace('counts'), Buffer.from('a'), Buffer.from('1'));
  batch.setPosition(CHANGELOG, 1);
  state.write(batch);
  await state.close();

  const topology = new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'nothing', supplier: nothing, parents: ['in'] })
    .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: stringSerde }), ['nothing'])
    .build('app');
  const standbys = new StandbyManager({
    ...{ config: streamsConfig({ applicationId: 'app' }), client, reader: client.reader(), stateFactory, clock },
    ...{ consumer: client.consumer({ groupId: 'app', clientId: 'a', topics: [], assignor, sessionTimeoutMs: 1 }) },
    ...{ globalStores: new Map(), partitionCounts: new Map(), metrics: silentMetrics, logger: silentLogger },
  });
  standbys.open(topology.subTopologies.map((subTopology) => ({ subTopology, partition: 0 })));
  await clock.advance(MARKER_MS / 2);
  await clock.advance(10 * MARKER_MS);
  await commit('b');
  await clock.advance(10 * MARKER_MS);
  const { end } = await client.reader().range(CHANGELOG);
  expect([standbys.positions.get('0_0'), stateFactory.destroyed]).toEqual([end, 0]);
  await clock.runUntil(standbys.closeAll());
});

const assignor = { name: 'none', assign: () => new Map() };
