/**
 * The background fetcher against brokers that answer by script: what comes out, what is dropped, and how much is asked for.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectionFault } from '../../../../connectors/kafka/broker-link.ts';
import { Fetcher, type FetchLimits } from '../../../../connectors/kafka/fetcher.ts';
import { ErrorCode } from '../../../../connectors/kafka/protocol/error-codes.ts';
import { writeInt64 } from '../../../../connectors/kafka/protocol/wire.ts';
import { fetchApi, type FetchAnswer, type FetchRequest } from '../../../../connectors/kafka/protocol/record-apis.ts';
import { RecordBatchEncoder, recordSizeBound } from '../../../../connectors/kafka/record-batch-encoder.ts';
import { FatalLogError, OffsetOutOfRangeError } from '../../../../streams/errors.ts';
import type { FetchedBatch } from '../../../../streams/ports.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

const limits: FetchLimits = {
  maxWaitMs: 500,
  requestTimeoutMs: 1_000,
  maxBytesPerPartition: 1_000,
  bufferBytes: 100_000,
};
const left = { topic: 't', partition: 0 };
const right = { topic: 't', partition: 1 };

const batchAt = (offset: number): Buffer => {
  const value = Buffer.from(`${offset}`);
  const encoder = new RecordBatchEncoder(Buffer.alloc(200));
  encoder.append(null, value, 1, undefined, recordSizeBound(null, value));
  const bytes = Buffer.from(encoder.seal({ producerId: -1, producerEpoch: -1 }, -1, false));
  writeInt64(bytes, offset, 0);
  return bytes;
};

const answerFor = (position: FetchRequest['positions'][number], changes: Partial<FetchAnswer> = {}): FetchAnswer => ({
  topic: position.topic,
  partition: position.partition,
  errorCode: ErrorCode.NONE,
  lastStableOffset: 1_000,
  abortedTransactions: [],
  bytes: batchAt(position.offset),
  ...changes,
});

const answers = (list: readonly FetchAnswer[]): { errorCode: number; answers: readonly FetchAnswer[] } => ({
  errorCode: ErrorCode.NONE,
  answers: list,
});

const offsetsIn = (batches: readonly FetchedBatch[]): string[] =>
  batches.flatMap(({ partition, records }) => records.map(({ offset }) => `${partition}:${offset}`));

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

let cluster: ScriptedCluster;
let fetcher: Fetcher;
let ready: number;

const start = (changes: Partial<FetchLimits> = {}): Fetcher => {
  fetcher = new Fetcher(cluster, 'fetch', { ...limits, ...changes }, silentLogger, () => ready++);
  return fetcher;
};

beforeEach(() => {
  ready = 0;
  cluster = new ScriptedCluster();
  cluster.on(fetchApi, async ({ positions }) => {
    await turn();
    return answers(positions.map((position) => answerFor(position)));
  });
});
afterEach(() => fetcher.close());

describe('the fetcher', () => {
  test('gives the batches of a partition in order, each once', async () => {
    start({ bufferBytes: 300 }).seek(left, 5);
    const taken: string[] = [];
    while (taken.length < 20) {
      taken.push(...offsetsIn(fetcher.take()));
      await turn();
    }
    expect(taken).toEqual(taken.map((_, at) => `0:${5 + at}`));
    expect(ready).toBeGreaterThan(0);
  });

  test('stops asking when enough is buffered, and goes on when it was taken [INV-KAFKA-FETCH-BOUND]', async () => {
    const bytes = batchAt(0).length;
    start({ bufferBytes: 3 * bytes }).seek(left, 0);
    await vi.waitFor(() => expect(cluster.sent).toHaveLength(3));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cluster.sent).toHaveLength(3);
    expect(fetcher.take()).toHaveLength(3);
    await vi.waitFor(() => expect(cluster.sent).toHaveLength(6));
  });

  test('drops what was fetched or asked for before a new position [INV-KAFKA-SEEK]', async () => {
    start({ bufferBytes: 200 }).seek(left, 0);
    await vi.waitFor(() => expect(ready).toBeGreaterThan(0));
    fetcher.seek(left, 500);
    expect(fetcher.take()).toEqual([]);
    fetcher.seek(left, 700);
    const taken: string[] = [];
    await vi.waitFor(() => {
      taken.push(...offsetsIn(fetcher.take()));
      expect(taken.length).toBeGreaterThan(2);
    });
    expect(taken).toEqual(taken.map((_, at) => `0:${700 + at}`));
  });

  test('keeps what a paused partition has, asks for no more of it, and lets the others go on', async () => {
    start({ bufferBytes: 1 }).seek(left, 0);
    await vi.waitFor(() => expect(ready).toBe(1));
    fetcher.pause(left);
    expect(fetcher.take()).toEqual([]);
    fetcher.seek(right, 0);
    await vi.waitFor(() => expect(ready).toBe(2));
    expect(offsetsIn(fetcher.take())).toEqual(['1:0']);
    await turn();
    const asked = cluster.requests(fetchApi).slice(1);
    expect(asked.flatMap(({ positions }) => positions).every(({ partition }) => partition === 1)).toBe(true);
    fetcher.resume(left);
    expect(offsetsIn(fetcher.take())).toContain('0:0');
  });

  test('remembers that a partition is paused before it has a position', async () => {
    start().pause(left);
    fetcher.seek(left, 0);
    fetcher.seek(right, 0);
    await vi.waitFor(() => expect(ready).toBeGreaterThan(0));
    const asked = cluster.requests(fetchApi).flatMap(({ positions }) => positions);
    expect(asked.every(({ partition }) => partition === 1)).toBe(true);
  });

  test('does not let the broker wait long while some partition is left out of the request', async () => {
    cluster.on(fetchApi, async () => {
      await turn();
      return answers([]);
    });
    start().expect(right);
    fetcher.seek(left, 0);
    await vi.waitFor(() => expect(cluster.sent.length).toBeGreaterThan(1));
    fetcher.seek(right, 0);
    await vi.waitFor(() => expect(cluster.requests(fetchApi).at(-1)?.positions).toHaveLength(2));
    const waits = cluster.requests(fetchApi).map(({ maxWaitMs, positions }) => `${positions.length}:${maxWaitMs}`);
    expect(new Set(waits)).toEqual(new Set(['1:50', '2:500']));
  });

  test('has every partition be the first of a request in turn', async () => {
    cluster.on(fetchApi, async () => {
      await turn();
      return answers([]);
    });
    start().seek(left, 0);
    fetcher.seek(right, 0);
    await vi.waitFor(() => expect(cluster.sent.length).toBeGreaterThan(5));
    const firsts = cluster.requests(fetchApi).map(({ positions }) => positions[0]?.partition);
    expect(new Set(firsts)).toEqual(new Set([0, 1]));
  });

  test('asks a broker for one thing at a time, and two brokers side by side', async () => {
    cluster.leaders.set('t-1', 2);
    const open = new Map<number, number>();
    let both = false;
    cluster.on(fetchApi, async ({ positions }, { node }) => {
      open.set(node, (open.get(node) ?? 0) + 1);
      expect(open.get(node)).toBe(1);
      both ||= open.get(1) === 1 && open.get(2) === 1;
      await turn();
      open.set(node, 0);
      return answers(positions.map((position) => answerFor(position)));
    });
    start({ bufferBytes: 2_000 }).seek(left, 0);
    fetcher.seek(right, 0);
    await vi.waitFor(() => expect(cluster.sent.length).toBeGreaterThan(6));
    expect(both).toBe(true);
  });

  test('looks for the leader again when a broker has lost the partition or cannot be reached', async () => {
    let faults = 2;
    cluster.on(fetchApi, async ({ positions }) => {
      await turn();
      faults--;
      if (faults === 1) throw new ConnectionFault('away');
      if (faults === 0) {
        return answers(
          positions.map((each) => answerFor(each, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, bytes: null })),
        );
      }
      return answers(positions.map((position) => answerFor(position)));
    });
    start({ bufferBytes: 1 }).seek(left, 3);
    await vi.waitFor(() => expect(ready).toBe(1), 2_000);
    expect(offsetsIn(fetcher.take())).toEqual(['0:3']);
    expect(cluster.forgotten).toEqual(['t', 't']);
  });

  test('names the partition whose offset is not in the log, once, and leaves the others alone', async () => {
    cluster.on(fetchApi, async ({ positions }) => {
      await turn();
      return answers(
        positions.map((position) =>
          answerFor(
            position,
            position.partition === 0 ? { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, bytes: null } : {},
          ),
        ),
      );
    });
    start().seek(left, 3);
    fetcher.seek(right, 0);
    await vi.waitFor(() => expect(ready).toBeGreaterThan(1));
    const taken = (): FetchedBatch[] => fetcher.take();
    expect(taken).toThrow(OffsetOutOfRangeError);
    expect(offsetsIn(taken())).toContain('1:0');
  });

  test('ends with a fault that retrying does not heal', async () => {
    cluster.on(fetchApi, () => ({ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, answers: [] }));
    start().seek(left, 0);
    await vi.waitFor(() => expect(ready).toBe(1));
    expect(() => fetcher.take()).toThrow(FatalLogError);
  });
});
