import { describe, expect, it } from 'vitest';
import { keyValueStore } from '../../../state/stores.ts';
import { stringKey } from '../../../state/codecs.ts';
import { prepareTopics, tasksWithState } from '../../../streams/internal-topics.ts';
import type { Processor } from '../../../streams/processor.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { Topology } from '../../../streams/topology.ts';

const nothing = (): Processor<string, string> => ({ process: () => undefined });

/** Two topics that are read together, a store beside them, and what they send on by another key. */
const joined = new Topology()
  .addRepartitionTopic('by-group')
  .addSource({ name: 'in', topics: ['left', 'right'], key: stringSerde, value: stringSerde })
  .addProcessor({ name: 'join', supplier: nothing, parents: ['in'] })
  .addStateStore(keyValueStore({ name: 'seen', key: stringKey, value: stringSerde }), ['join'])
  .addSink({ name: 'out', topic: 'by-group', key: stringSerde, value: stringSerde, parents: ['join'] })
  .addSource({ name: 'again', topics: ['by-group'], key: stringSerde, value: stringSerde })
  .addProcessor({ name: 'count', supplier: nothing, parents: ['again'] })
  .build('app');

const prepared = (partitions: Readonly<Record<string, number>>): Promise<ReadonlyMap<string, number>> => {
  const clock = new VirtualClock();
  const log = new InMemoryLog({ clock });
  log.createTopics(Object.entries(partitions).map(([name, count]) => ({ name, partitions: count, config: {} })));
  return clock.runUntil(prepareTopics(joined, 'app', log.client('admin').admin(), undefined));
};

describe('the topics of an application', () => {
  it('makes repartition topics and changelogs as wide as what they belong to [INV-CO-PARTITIONED]', async () => {
    const counts = await prepared({ left: 3, right: 3 });
    expect([counts.get('app-by-group-repartition'), counts.get('app-seen-changelog')]).toEqual([3, 3]);
    expect(tasksWithState(joined, counts)).toBe(3);
  });

  it('refuses topics that are read together and differ in width, and names them [INV-CO-PARTITIONED]', async () => {
    await expect(prepared({ left: 3, right: 4 })).rejects.toMatchObject({
      name: 'TopologyError',
      code: 'NOT_CO_PARTITIONED',
      message: expect.stringMatching(/same number of partitions.*left \(3\).*right \(4\)/s) as string,
    });
  });

  it('refuses an internal topic of another width than the tasks', async () => {
    const wrong = prepared({ left: 3, right: 3, 'app-seen-changelog': 2 });
    await expect(wrong).rejects.toMatchObject({ code: 'INTERNAL_TOPIC_PARTITIONS' });
  });

  it('names the topics that do not exist', async () => {
    await expect(prepared({ left: 3 })).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC',
      message: expect.stringContaining('right') as string,
    });
  });
});
