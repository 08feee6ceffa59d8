import { afterEach, describe, expect, it } from 'vitest';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { stringKey } from '../../../state/codecs.ts';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import { keyValueStore } from '../../../state/stores.ts';
import { streamsConfig } from '../../../streams/config.ts';
import type { ProcessorContext } from '../../../streams/processor.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import type { KeyValueStore } from '../../../streams/state-store.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { silentLogger, silentMetrics } from '../../../streams/testing/silent.ts';
import { VirtualClock } from '../../../streams/testing/virtual-clock.ts';
import { RestoreMetrics } from '../../../streams/thread-metrics.ts';
import { StreamThread } from '../../../streams/thread.ts';
import { Topology } from '../../../streams/topology.ts';

const keeping = (): Topology =>
  new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({
      name: 'keep',
      parents: ['in'],
      supplier: () => {
        let store: KeyValueStore<string, string>;
        return {
          init: (context: ProcessorContext<never, never>) => {
            store = context.getStateStore('kept');
            context.schedule(1_000, 'wall-clock', () => undefined);
          },
          process: ({ key, value }: { key: string; value: string }) => store.put(key, value),
        };
      },
    })
    .addStateStore(keyValueStore({ name: 'kept', key: stringKey, value: stringSerde }), ['keep']);

describe('the metrics of a stream thread', () => {
  const clock = new VirtualClock(1_000_000);
  const log = new InMemoryLog({ clock });
  const metrics = new PrometheusMetrics();
  let thread: StreamThread;
  let ended: Promise<void>;

  afterEach(async () => {
    thread.stop();
    await clock.runUntil(ended);
  });

  const values = (name: string): number[] =>
    thread
      .measurements()
      .filter((measurement) => measurement.name === name)
      .map(({ value }) => value);

  const counted = async (name: string): Promise<number> => {
    const lines = (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };

  const send = async (count: number): Promise<void> => {
    const records = Array.from({ length: count }, (_, index) => ({
      ...{ topic: 'input', partition: index % 2, key: Buffer.from(`k${index}`), value: Buffer.from('v') },
      timestampMs: clock.now(),
    }));
    await clock.runUntil(log.client('test').plainProducer().send(records));
  };

  it('counts by batch what was done, and measures what is there, under Kafka Streams’ names', async () => {
    for (const name of ['input', 'dead-letters']) log.createTopics([{ name, partitions: 2, config: {} }]);
    const stateFactory = new MemoryBackendFactory();
    thread = new StreamThread({
      name: 'a',
      topology: keeping().build('app'),
      config: streamsConfig({ applicationId: 'app', deadLetterTopic: 'dead-letters' }),
      client: log.client('a'),
      stateFactory,
      globalBackend: await stateFactory.open('global'),
      ...{ clock, metrics, logger: silentLogger },
    });
    expect(thread.measurements()).toContainEqual({ name: 'stream_thread_running', value: 0, labels: {} });
    ended = thread.run();
    await send(100);
    await clock.advance(2_500);

    expect(values('stream_thread_running')).toEqual([1]);
    expect(values('stream_thread_active_running_tasks')).toEqual([2]);
    expect(values('stream_thread_active_restoring_tasks')).toEqual([0]);
    expect(values('stream_task_records_lag')).toEqual([0, 0]);
    expect(values('stream_task_restore_remaining_records')).toEqual([0, 0]);
    expect(values('stream_state_dirty_entries')).toEqual([0, 0]);
    expect(await counted('stream_task_process_total')).toBe(100);
    expect(await counted('stream_thread_poll_records_total')).toBe(100);
    expect(await counted('stream_task_commit_latency_seconds_count')).toBeGreaterThanOrEqual(2);
    expect(await counted('stream_task_punctuate_total')).toBe(4);
    expect(await counted('stream_thread_punctuate_latency_seconds_count')).toBe(4);
    expect(await counted('stream_thread_rebalance_latency_seconds_count')).toBe(1);
    expect(await counted('stream_thread_task_created_total')).toBe(2);
  });
});

describe('what is left to restore', () => {
  it('adds up over the changelogs of a task, and what was restored is counted once', () => {
    let restored = 0;
    const counting = { ...silentMetrics, counter: () => ({ add: (amount: number) => void (restored += amount) }) };
    const restores = new RestoreMetrics(counting);
    const note = (topic: string, position: number, records: number) =>
      restores.note('0_1', { changelog: { topic, partition: 1 }, position, end: 100, records, bytes: 0 });
    note('one', 0, 0);
    note('one', 60, 50);
    note('one', 100, 90);
    note('two', 20, 0);
    expect([restores.remaining('0_1'), restores.remaining('0_0')]).toEqual([80, 0]);
    note('two', 20, 0);
    note('two', 70, 40);
    expect([restores.remaining('0_1'), restored]).toEqual([30, 130]);
  });
});
