/**
 * Sending record batches: order, repeats and the end of retries, against brokers that answer by script.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { AppendBuffer } from '../../../../connectors/kafka/append-buffer.ts';
import { BatchSender } from '../../../../connectors/kafka/batch-sender.ts';
import { ConnectionFault } from '../../../../connectors/kafka/broker-link.ts';
import { ErrorCode, ProtocolError } from '../../../../connectors/kafka/protocol/error-codes.ts';
import {
  produceApi,
  type ProduceAnswer,
  type ProduceRequest,
} from '../../../../connectors/kafka/protocol/record-apis.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

const identity = { producerId: 7, producerEpoch: 0 };
const within = (ms: number): { identity: typeof identity; transactionalId: string; deadline: number } => ({
  identity,
  transactionalId: 'id',
  deadline: Date.now() + ms,
});

/** A log of one partition each that takes batches as a broker does: in sequence, repeats recognized. */
class Partitions {
  readonly batches = new Map<number, { sequence: number; baseOffset: number; count: number }[]>();

  take(partition: number, bytes: Buffer): { errorCode: number; baseOffset: number } {
    const log = this.batches.get(partition) ?? [];
    this.batches.set(partition, log);
    const [sequence, count] = [bytes.readInt32BE(53), bytes.readInt32BE(57)];
    const known = log.find((batch) => batch.sequence === sequence);
    if (known) return { errorCode: ErrorCode.NONE, baseOffset: known.baseOffset };
    const last = log.at(-1);
    if (sequence !== (last ? last.sequence + last.count : 0)) {
      return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
    }
    const baseOffset = last ? last.baseOffset + last.count : 100;
    log.push({ sequence, baseOffset, count });
    return { errorCode: ErrorCode.NONE, baseOffset };
  }

  answer({ batches }: ProduceRequest): ProduceAnswer[] {
    return batches.map(({ topic, partition, bytes }) => ({
      topic,
      partition,
      errorMessage: null,
      ...this.take(partition, bytes),
    }));
  }
}

/** So many batches of one record for each of so many partitions. */
const pending = (batches: number, partitions = 1): ReturnType<AppendBuffer['pending']> => {
  const buffer = new AppendBuffer(200);
  for (let batch = 0; batch < batches; batch++) {
    for (let partition = 0; partition < partitions; partition++) {
      buffer.append('t', partition, null, Buffer.alloc(90), 1, undefined);
    }
  }
  return buffer.pending();
};

let cluster: ScriptedCluster;
let log: Partitions;
let sender: BatchSender;

beforeEach(() => {
  cluster = new ScriptedCluster();
  log = new Partitions();
  sender = new BatchSender(cluster, 'lane');
  cluster.on(produceApi, (request) => log.answer(request));
});

describe('the batch sender', () => {
  test('numbers the batches of a partition in sequence, over several sends', async () => {
    const first = await sender.send(pending(3), within(1_000));
    const second = await sender.send(pending(2), within(1_000));
    expect([...first, ...second].map(({ baseOffset }) => baseOffset)).toEqual([100, 101, 102, 103, 104]);
    sender.resetSequences();
    log.batches.clear();
    expect(await sender.send(pending(1), within(1_000))).toMatchObject([{ baseOffset: 100, count: 1 }]);
  });

  test('sends one batch of each partition per request, to the brokers that lead them', async () => {
    cluster.leaders.set('t-1', 2);
    await sender.send(pending(2, 3), within(1_000));
    const requests = cluster.sent.map(({ node, request }) => ({
      node,
      partitions: (request as ProduceRequest).batches.map(({ partition }) => partition),
    }));
    expect(requests.filter(({ node }) => node === 1).map(({ partitions }) => partitions)).toEqual([
      [0, 2],
      [0, 2],
    ]);
    expect(requests.filter(({ node }) => node === 2).map(({ partitions }) => partitions)).toEqual([[1], [1]]);
  });

  test('has at most five requests unanswered, the number of batches that a broker remembers', async () => {
    let [open, most] = [0, 0];
    cluster.on(produceApi, async (request) => {
      open++;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 2));
      open--;
      return log.answer(request);
    });
    await sender.send(pending(20), within(5_000));
    expect(most).toBe(5);
  });

  test('sends unacknowledged batches again with their numbers, so none is lost or doubled [INV-KAFKA-SEQUENCE]', async () => {
    let requests = 0;
    cluster.on(produceApi, (request) => {
      requests++;
      const answers = log.answer(request);
      if (requests === 2) throw new ConnectionFault('cut after the broker had taken it');
      if (requests === 4)
        return answers.map((answer) => ({ ...answer, errorCode: ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND }));
      return answers;
    });
    const written = await sender.send(pending(12), within(5_000));
    expect(written.map(({ baseOffset }) => baseOffset)).toEqual(Array.from({ length: 12 }, (_, at) => 100 + at));
    expect(log.batches.get(0)).toHaveLength(12);
    expect(cluster.forgotten).toContain('t');
  });

  test('takes a gap behind a refused batch for a consequence, not for a fault', async () => {
    let refused = false;
    cluster.on(produceApi, (request) => {
      if (refused) return log.answer(request);
      refused = true;
      return request.batches.map(({ topic, partition }) => ({
        topic,
        partition,
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        baseOffset: -1,
        errorMessage: null,
      }));
    });
    expect(await sender.send(pending(4), within(5_000))).toHaveLength(4);
    expect(log.batches.get(0)).toHaveLength(4);
  });

  test('rejects with a fault that retrying does not heal, with nothing in flight', async () => {
    let open = 0;
    cluster.on(produceApi, async ({ batches }) => {
      open++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      open--;
      return batches.map(({ topic, partition }) => ({
        topic,
        partition,
        errorCode: ErrorCode.MESSAGE_TOO_LARGE,
        baseOffset: -1,
        errorMessage: 'too large',
      }));
    });
    const error = await sender.send(pending(10, 2), within(5_000)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(String(error)).toContain('too large');
    expect(open).toBe(0);
  });

  test('gives up at the deadline with the last fault', async () => {
    cluster.on(produceApi, () => {
      throw new ConnectionFault('away');
    });
    await expect(sender.send(pending(1), within(150))).rejects.toThrow('away');
    expect(cluster.sent.length).toBeGreaterThan(1);
  });
});
