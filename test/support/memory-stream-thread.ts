/**
 * A worker with one stream thread on a log in memory of its own: counts the records that it finds there. A worker whose application is
 * called `broken` fails while it is made, one called `poisoned` fails on its first record.
 */
import { workerData } from 'node:worker_threads';
import { serveStreamThread } from '../../connectors/stream-threads/serve-stream-thread.ts';
import type { StreamThreadData } from '../../connectors/stream-threads/stream-threads.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { stringKey } from '../../state/codecs.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import { keyValueStore } from '../../state/stores.ts';
import { streamsConfig } from '../../streams/config.ts';
import type { Processor } from '../../streams/processor.ts';
import { float64Serde, stringSerde } from '../../streams/serdes.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { InMemoryLog } from '../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../streams/testing/silent.ts';
import { StreamThread } from '../../streams/thread.ts';
import { Topology } from '../../streams/topology.ts';

const { application, processId } = workerData as StreamThreadData;

const counting = (): Processor<string, string> => {
  let counts: KeyValueStore<string, number>;
  return {
    init: (context) => (counts = context.getStateStore('counts')),
    process: ({ key }) => {
      if (application === 'poisoned') throw new Error('poison');
      counts.put(key, (counts.get(key) ?? 0) + 1);
    },
  };
};

await serveStreamThread(async (listeners) => {
  if (application === 'broken') throw new Error('cannot be made');
  const log = new InMemoryLog({ clock: systemClock });
  log.createTopics([{ name: 'input', partitions: 1, config: {} }]);
  const client = log.client('worker');
  const record = { topic: 'input', key: Buffer.from('key'), value: Buffer.from('x') };
  await client.plainProducer().send([record, record]);
  const thread = new StreamThread({
    name: 'worker',
    topology: new Topology()
      .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
      .addProcessor({ name: 'count', supplier: counting, parents: ['in'] })
      .addStateStore(keyValueStore({ name: 'counts', key: stringKey, value: float64Serde }), ['count'])
      .build('app'),
    config: streamsConfig({
      ...{ applicationId: 'app', processId },
      errorHandlers: { deserialization: () => 'fail', processing: () => 'fail', production: () => 'fail' },
    }),
    ...{ client, stateFactory: new MemoryBackendFactory(), clock: systemClock },
    globalBackend: await new MemoryBackendFactory().open('global'),
    ...{ metrics: silentMetrics, logger: silentLogger },
    ...listeners,
  });
  return { thread, metrics: async () => [{ name: 'metric' }], close: () => client.close() };
});
