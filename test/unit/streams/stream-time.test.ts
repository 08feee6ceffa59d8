import { describe, expect, it } from 'vitest';
import { MemoryBackendFactory } from '../../../state/memory-backend.ts';
import type { Processor, ProcessorContext } from '../../../streams/processor.ts';
import { stringSerde } from '../../../streams/serdes.ts';
import { TopologyTestDriver } from '../../../streams/testing/topology-test-driver.ts';
import { Topology } from '../../../streams/topology.ts';

/** Says how far stream time has come when it sees a record. */
class SayStreamTime implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
  }

  process({ key, value, timestampMs }: { key: string; value: string; timestampMs: number }): void {
    this.#context.forward({ key, value: `${value} at ${this.#context.streamTimeMs}`, timestampMs });
  }
}

const topology = (): Topology =>
  new Topology()
    .addSource({ name: 'in', topics: ['input'], key: stringSerde, value: stringSerde })
    .addProcessor({ name: 'say', supplier: () => new SayStreamTime(), parents: ['in'] })
    .addSink({ name: 'out', topic: 'output', key: stringSerde, value: stringSerde, parents: ['say'] });

const start = (stateFactory: MemoryBackendFactory, log?: Pick<TopologyTestDriver, 'log' | 'clock'>) =>
  TopologyTestDriver.start({ topology: topology(), stateFactory, ...(log && { log }) });

describe('stream time', () => {
  /** Kept with the local state it would be lost here, and whatever is decided by lateness would be decided otherwise. */
  it('goes on where it stood when a task moves to another disk [INV-STREAM-TIME]', async () => {
    const first = await start(new MemoryBackendFactory());
    await first.inputTopic('input', stringSerde, stringSerde).pipe('a', 'newest', { timestampMs: 100 });
    await first.close();
    const second = await start(new MemoryBackendFactory(), first);
    await second.inputTopic('input', stringSerde, stringSerde).pipe('a', 'late', { timestampMs: 10 });
    const output = await second.outputTopic('output', stringSerde, stringSerde).read();
    expect(output.map(({ value }) => value)).toEqual(['newest at 100', 'late at 100']);
    await second.close();
  });
});
