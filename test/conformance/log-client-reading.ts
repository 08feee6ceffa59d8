/**
 * Conformance of group-less readers: ranges, bounded reads, following, and what happens where the log was deleted.
 *
 * Invariant under test: a reader sees each committed record once and in order, and its position reaches every offset it is sent to.
 */
import { expect } from 'vitest';
import { FatalLogError, OffsetOutOfRangeError } from '../../streams/errors.ts';
import type { FetchedBatch } from '../../streams/ports.ts';
import { topicPartitionKey } from '../../streams/ports.ts';
import type { DeclareScenario, LogScenario, PartitionOffset } from './log-client-scenario.ts';
import { bytes, valuesOf } from './log-client-scenario.ts';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

interface Following {
  readonly batches: FetchedBatch[];
  readonly values: () => (string | null)[];
  readonly stop: () => Promise<void>;
}

const follow = (log: LogScenario, positions: readonly PartitionOffset[], onBatch?: () => Promise<void>): Following => {
  const reader = log.client().reader();
  const batches: FetchedBatch[] = [];
  const stopping = new AbortController();
  const collect = async (batch: FetchedBatch): Promise<void> => {
    batches.push(batch);
    await onBatch?.();
  };
  const following = reader.follow(positions, collect, stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await following;
    await reader.close();
  };
  return { batches, values: () => valuesOf(batches.flatMap(({ records }) => records)), stop };
};

export function describeReading(scenario: DeclareScenario): void {
  scenario('tells the range of a partition', async (log) => {
    const partition = await log.partition();
    const reader = log.client().reader();
    expect(await reader.range(partition)).toEqual({ beginning: 0, end: 0 });
    await log.write(partition, ['a', 'b']);
    expect(await reader.range(partition)).toEqual({ beginning: 0, end: 2 });
  });

  scenario('reads exactly the offsets asked for', async (log) => {
    const partition = await log.partition();
    const end = await log.write(partition, numbers(10));
    const middle = await log.read(partition, 7, 3);
    expect(valuesOf(middle.records)).toEqual(['3', '4', '5', '6']);
    expect(middle.position).toBe(7);
    expect(await log.read(partition, end, end)).toMatchObject({ records: [], position: end });
  });

  scenario('reads a large partition in order, batch after batch', async (log) => {
    const partition = await log.partition();
    const values = numbers(5_000);
    let end = 0;
    for (let from = 0; from < values.length; from += 1_000)
      end = await log.write(partition, values.slice(from, from + 1_000));
    const { records, batches } = await log.read(partition, end);
    expect(valuesOf(records)).toEqual(values);
    let position = 0;
    for (const batch of batches) {
      expect(batch).toMatchObject({ ...partition, logAppendTime: false });
      for (const { offset } of batch.records) {
        expect(offset).toBeGreaterThanOrEqual(position);
        expect(offset).toBeLessThan(batch.nextOffset);
      }
      expect(batch.endOffset).toBeGreaterThanOrEqual(batch.nextOffset);
      position = batch.nextOffset;
    }
  });

  scenario('waits for each batch to be taken before it gives the next', async (log) => {
    const partition = await log.partition();
    const end = await log.write(partition, numbers(3_000));
    const reader = log.client().reader();
    let [running, most] = [0, 0];
    await reader.read(partition, 0, end, async () => {
      running += 1;
      most = Math.max(most, running);
      await log.clock.sleep(5);
      running -= 1;
    });
    expect({ running, most }).toEqual({ running: 0, most: 1 });
  });

  scenario('rejects a read whose batch could not be taken', async (log) => {
    const partition = await log.partition();
    const end = await log.write(partition, ['a']);
    const failure = new Error('cannot take it');
    const failing = log
      .client()
      .reader()
      .read(partition, 0, end, () => Promise.reject(failure));
    await expect(failing).rejects.toBe(failure);
  });

  scenario('waits for offsets that are not written yet', async (log) => {
    const partition = await log.partition();
    const reading = log.read(partition, 2);
    await log.write(partition, ['a']);
    await log.clock.sleep(200);
    await log.write(partition, ['b']);
    expect(valuesOf((await reading).records)).toEqual(['a', 'b']);
  });

  scenario('ends a read early when its signal aborts', async (log) => {
    const partition = await log.partition();
    await log.write(partition, ['a']);
    const stop = new AbortController();
    const reader = log.client().reader();
    const seen: FetchedBatch[] = [];
    const reading = reader.read(partition, 0, 100, (batch) => void seen.push(batch), stop.signal);
    await log.eventually(
      () => seen.length,
      (count) => count > 0,
    );
    stop.abort();
    expect(await reading).toBe(1);
  });

  scenario('refuses offsets that were deleted, and reads from the new beginning [INV-LOG-TRUNCATED]', async (log) => {
    const partition = await log.partition();
    const end = await log.write(partition, numbers(5));
    await log.harness.deleteRecordsBefore(partition, 3);
    const reader = log.client().reader();
    expect(await reader.range(partition)).toEqual({ beginning: 3, end });
    await expect(log.read(partition, end)).rejects.toBeInstanceOf(OffsetOutOfRangeError);
    expect(valuesOf((await log.read(partition, end, 3)).records)).toEqual(['3', '4']);
  });

  scenario('refuses a topic that does not exist', async (log) => {
    const missing = { topic: log.harness.uniqueName('missing'), partition: 0 };
    const reader = log.client().reader();
    await expect(reader.range(missing)).rejects.toBeInstanceOf(FatalLogError);
    await expect(reader.read(missing, 0, 1, () => undefined)).rejects.toBeInstanceOf(FatalLogError);
    const following = reader.follow([{ ...missing, offset: 0 }], () => undefined, new AbortController().signal);
    await expect(following).rejects.toBeInstanceOf(FatalLogError);
  });

  scenario('follows partitions from their positions on until it is told to stop', async (log) => {
    const [left, right] = [await log.partition(), await log.partition()];
    await log.write(left, ['skipped', 'left 1']);
    const following = follow(log, [
      { ...left, offset: 1 },
      { ...right, offset: 0 },
    ]);
    await log.eventually(following.values, (values) => values.includes('left 1'));
    await log.write(right, ['right 1', 'right 2']);
    await log.write(left, ['left 2']);
    await log.eventually(following.values, (values) => values.length === 4);
    await following.stop();
    const of = (topic: string): (string | null)[] =>
      valuesOf(following.batches.filter((batch) => batch.topic === topic).flatMap(({ records }) => records));
    expect(of(left.topic)).toEqual(['left 1', 'left 2']);
    expect(of(right.topic)).toEqual(['right 1', 'right 2']);
  });

  scenario('follows past markers to the end of the log', async (log) => {
    const partition = await log.partition();
    const following = follow(log, [{ ...partition, offset: 0 }]);
    const producer = await log.producer();
    for (const value of ['a', 'b']) {
      producer.append(partition.topic, 0, bytes(value), bytes(value), 1_000);
      await producer.commit('unused-group', []);
    }
    await log.eventually(following.values, (values) => values.length === 2);
    const position = (): number => following.batches.at(-1)?.nextOffset ?? 0;
    expect(await log.eventually(position, (offset) => offset === 4)).toBe(4);
    await following.stop();
    expect(following.values()).toEqual(['a', 'b']);
  });

  scenario('gives one batch at a time while following', async (log) => {
    const topic = await log.topic(3);
    const partitions = [0, 1, 2].map((partition) => ({ topic, partition }));
    for (const partition of partitions) await log.write(partition, numbers(10));
    let [running, most] = [0, 0];
    const following = follow(
      log,
      partitions.map((partition) => ({ ...partition, offset: 0 })),
      async () => {
        running += 1;
        most = Math.max(most, running);
        await log.clock.sleep(5);
        running -= 1;
      },
    );
    await log.eventually(following.values, (values) => values.length === 30);
    await following.stop();
    expect(most).toBe(1);
    const keys = new Set(following.batches.map(topicPartitionKey));
    expect(keys.size).toBe(3);
  });
}
