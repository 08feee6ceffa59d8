import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidTimestampError } from '../../../streams/errors.ts';
import { PartitionGroup } from '../../../streams/partition-group.ts';
import type { FetchedBatch, LogRecord } from '../../../streams/ports.ts';
import { RecordQueue } from '../../../streams/record-queue.ts';
import type { Serde } from '../../../streams/serde.ts';
import type { SourceNode } from '../../../streams/topology.ts';

const bytes: Serde<unknown> = { serialize: () => null, deserialize: (_, data) => data };

const sourceOf = (topic: string, more: Partial<SourceNode> = {}): SourceNode => ({
  kind: 'source',
  name: topic,
  topics: [topic],
  key: bytes,
  value: bytes,
  ...more,
});

const logRecord = (offset: number, timestampMs: number): LogRecord => ({
  offset,
  timestampMs,
  key: null,
  value: Uint8Array.of(offset & 0xff),
  headers: undefined,
});

const batchOf = (topic: string, records: LogRecord[], more: Partial<FetchedBatch> = {}): FetchedBatch => {
  const nextOffset = (records.at(-1)?.offset ?? -1) + 1;
  return { topic, partition: 0, records, nextOffset, endOffset: nextOffset, logAppendTime: false, ...more };
};

const queueOf = (topic: string, { position = 0, end = 0 } = {}, more: Partial<SourceNode> = {}) =>
  new RecordQueue({ topic, partition: 0 }, sourceOf(topic, more), position, end);

const groupOf = (...queues: RecordQueue[]) => new PartitionGroup(queues);

const drain = (group: PartitionGroup): { topic: string; offset: number; timestampMs: number; code?: string }[] => {
  const taken = [];
  for (let queue = group.next(0); queue !== undefined; queue = group.next(0)) {
    const { topic } = queue.topicPartition;
    const { raw, timestampMs, error } = group.take(queue);
    taken.push({ topic, offset: raw.offset, timestampMs, ...(error && { code: error.code }) });
  }
  return taken;
};

describe('PartitionGroup', () => {
  it('takes records in timestamp order across partitions and in offset order within one [INV-PARTITION-ORDER]', () => {
    const times = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
    fc.assert(
      fc.property(times, times, (first, second) => {
        const group = groupOf(queueOf('a'), queueOf('b'));
        group.add(
          batchOf(
            'a',
            first.map((timestampMs, offset) => logRecord(offset, timestampMs)),
          ),
        );
        group.add(
          batchOf(
            'b',
            second.map((timestampMs, offset) => logRecord(offset, timestampMs)),
          ),
        );
        const taken = drain(group);
        const heads = { a: 0, b: 0 };
        for (const { topic, offset, timestampMs } of taken) {
          const other = topic === 'a' ? 'b' : 'a';
          expect(offset).toBe(heads[topic as 'a' | 'b']++);
          const otherTimes = other === 'a' ? first : second;
          const otherHead = otherTimes[heads[other]];
          if (otherHead !== undefined) expect(timestampMs).toBeLessThanOrEqual(otherHead);
        }
        expect(taken).toHaveLength(first.length + second.length);
        expect(group.streamTimeMs).toBe(Math.max(-1, ...first, ...second));
      }),
    );
  });

  it('waits for a partition that is known to hold more records than were fetched [INV-PARTITION-ORDER]', () => {
    const group = groupOf(queueOf('a'), queueOf('b', { end: 1 }));
    group.add(batchOf('a', [logRecord(0, 100)]));
    expect(group.next(0)).toBeUndefined();
    group.add(batchOf('b', [logRecord(0, 7)]));
    expect(drain(group).map(({ topic }) => topic)).toEqual(['b', 'a']);
    expect(group.drained).toBe(true);
  });

  it('steps over markers: the position is past them once the records before them are taken [INV-POSITION]', () => {
    const queue = queueOf('a', { end: 10 });
    const group = groupOf(queue);
    group.add(batchOf('a', [logRecord(0, 1), logRecord(1, 2)], { nextOffset: 3, endOffset: 4 }));
    group.add(batchOf('a', [], { nextOffset: 10, endOffset: 10 }));
    const next = group.next(0);
    if (next) group.take(next);
    expect(queue.position).toBe(1);
    drain(group);
    expect(queue.position).toBe(10);
    expect(queue.drained).toBe(true);
  });

  it('ignores a batch that was fetched twice [INV-POSITION]', () => {
    const group = groupOf(queueOf('a'));
    const batch = batchOf('a', [logRecord(0, 1), logRecord(1, 2)]);
    group.add(batch);
    expect(drain(group)).toHaveLength(2);
    group.add(batch);
    expect(drain(group)).toHaveLength(0);
  });

  it('keeps an unreadable record in its place and out of stream time', () => {
    const value: Serde<unknown> = {
      serialize: () => null,
      deserialize: (_, data) => {
        if (data?.[0] === 1) throw new Error('no such schema');
        return data;
      },
    };
    const queue = queueOf('a', {}, { value });
    const group = groupOf(queue);
    group.add(batchOf('a', [logRecord(0, 5), logRecord(1, 999), logRecord(2, 6)]));
    const errors = drain(group).map(({ code }) => code);
    expect(errors).toEqual([undefined, 'DESERIALIZATION_FAILED', undefined]);
    expect(group.streamTimeMs).toBe(6);
  });

  it('does not let a record with a refused timestamp drag stream time along', () => {
    const timestampExtractor = (_: unknown, { timestampMs }: { timestampMs: number }): number => {
      if (timestampMs > 100) throw new InvalidTimestampError('FUTURE', 'too far ahead');
      return timestampMs;
    };
    const group = groupOf(queueOf('a', {}, { timestampExtractor }));
    group.add(batchOf('a', [logRecord(0, 5), logRecord(1, 999)]));
    drain(group);
    expect(group.streamTimeMs).toBe(5);
  });
});
