/**
 * The transactional producer against coordinators that answer by script: the order of requests, and what becomes of each error.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { ConnectionFault } from '../../../../connectors/kafka/broker-link.ts';
import { resolveConfig } from '../../../../connectors/kafka/config.ts';
import { ErrorCode } from '../../../../connectors/kafka/protocol/error-codes.ts';
import { produceApi } from '../../../../connectors/kafka/protocol/record-apis.ts';
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  endTxnApi,
  initProducerIdApi,
  txnOffsetCommitApi,
} from '../../../../connectors/kafka/protocol/transaction-apis.ts';
import {
  KafkaTransactionalProducer,
  TransactionOutcomeUnknownError,
} from '../../../../connectors/kafka/transactional-producer.ts';
import {
  FatalLogError,
  ProducerFencedError,
  RecordTooLargeError,
  recoveryOf,
  RetriableLogError,
  TransactionAbortedError,
} from '../../../../streams/errors.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

const OK = { errorCode: ErrorCode.NONE };
const positions = [{ topic: 'in', partition: 0, offset: 5 }];

let cluster: ScriptedCluster;
let producer: KafkaTransactionalProducer;
let epoch: number;

const answerProduce = (errorCode: number = ErrorCode.NONE): void => {
  cluster.on(produceApi, ({ batches }) =>
    batches.map(({ topic, partition }) => ({ topic, partition, errorCode, baseOffset: 40, errorMessage: null })),
  );
};

beforeEach(async () => {
  epoch = 0;
  cluster = new ScriptedCluster();
  cluster
    .on(initProducerIdApi, () => ({ ...OK, producerId: 7, producerEpoch: epoch++ }))
    .on(addPartitionsToTxnApi, () => OK)
    .on(addOffsetsToTxnApi, () => OK)
    .on(txnOffsetCommitApi, () => OK)
    .on(endTxnApi, () => OK);
  answerProduce();
  const config = resolveConfig({
    brokers: ['b:1'],
    clientId: 'c',
    logger: silentLogger,
    transactionTimeoutMs: 400,
  });
  producer = new KafkaTransactionalProducer('id', cluster, '0', config, () => undefined);
  await producer.init();
  cluster.sent.length = 0;
});

const append = (): void => producer.append('out', 1, null, Buffer.from('v'), 1);
const commit = async (): Promise<ReadonlyMap<string, number>> => {
  append();
  return producer.commit('group', positions);
};
const failure = (): Promise<unknown> => commit().catch((error: unknown) => error);

describe('a commit', () => {
  test('enlists partitions and group, then writes records, then offsets, then ends', async () => {
    expect(await commit()).toEqual(new Map([['out-1', 41]]));
    expect(cluster.names().slice(0, 2).sort()).toEqual(['AddOffsetsToTxn', 'AddPartitionsToTxn']);
    expect(cluster.names().slice(2)).toEqual(['Produce', 'TxnOffsetCommit', 'EndTxn']);
    expect(cluster.requests(endTxnApi)).toEqual([
      { transactionalId: 'id', producerId: 7, producerEpoch: 0, commit: true },
    ]);
  });

  test('leaves out what it has nothing of', async () => {
    append();
    await producer.commit('group', []);
    expect(cluster.names()).toEqual(['AddPartitionsToTxn', 'Produce', 'EndTxn']);
    cluster.sent.length = 0;
    await producer.commit('group', positions);
    expect(cluster.names()).toEqual(['AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']);
    cluster.sent.length = 0;
    expect(await producer.commit('group', [])).toEqual(new Map());
    expect(cluster.names()).toEqual([]);
  });

  test('tries again within milliseconds while the markers of the last transaction are being written', async () => {
    let busy = 3;
    cluster.on(addPartitionsToTxnApi, () => (busy-- > 0 ? { errorCode: ErrorCode.CONCURRENT_TRANSACTIONS } : OK));
    const started = performance.now();
    await commit();
    expect(performance.now() - started).toBeLessThan(100);
  });

  test('looks for the coordinator again when it moved', async () => {
    let moved = false;
    cluster.on(endTxnApi, () => {
      if (moved) return OK;
      moved = true;
      return { errorCode: ErrorCode.NOT_COORDINATOR };
    });
    await commit();
    expect(cluster.forgotten).toContain('transaction');
  });

  test('asks again when the connection is lost at its end, until it is answered', async () => {
    let lost = 2;
    cluster.on(endTxnApi, () => {
      if (lost-- > 0) throw new ConnectionFault('lost');
      return OK;
    });
    expect(await commit()).toEqual(new Map([['out-1', 41]]));
    expect(cluster.requests(endTxnApi).map((request) => request.commit)).toEqual([true, true, true]);
  });

  test('begins a new epoch when a request of the last one may still be under way [INV-KAFKA-LATE]', async () => {
    let lost = true;
    cluster.on(txnOffsetCommitApi, () => {
      if (!lost) return OK;
      lost = false;
      throw new ConnectionFault('lost');
    });
    const sequences: (number | undefined)[] = [];
    cluster.on(produceApi, ({ batches: [batch] }) => {
      // Read here, because the buffer is used again for the next transaction.
      sequences.push(batch?.bytes.readInt32BE(53));
      return [{ topic: 'out', partition: 1, errorCode: ErrorCode.NONE, baseOffset: 40, errorMessage: null }];
    });
    await commit();
    cluster.sent.length = 0;
    await commit();
    await commit();
    expect(cluster.requests(initProducerIdApi)).toMatchObject([{ current: { producerId: 7, producerEpoch: 0 } }]);
    expect(cluster.requests(endTxnApi).map(({ producerEpoch }) => producerEpoch)).toEqual([1, 1]);
    expect(sequences).toEqual([0, 0, 1]);
  });

  test('is refused when another producer took over before the new epoch', async () => {
    cluster.on(endTxnApi, () => {
      cluster.on(endTxnApi, () => OK);
      throw new ConnectionFault('lost');
    });
    await commit();
    cluster.on(initProducerIdApi, () => ({
      errorCode: ErrorCode.PRODUCER_FENCED,
      producerId: -1,
      producerEpoch: -1,
    }));
    expect(await failure()).toBeInstanceOf(ProducerFencedError);
  });

  test('is of unknown outcome when that cannot be learnt, and is not aborted then [INV-KAFKA-OUTCOME]', async () => {
    cluster.on(endTxnApi, () => {
      throw new ConnectionFault('lost');
    });
    const error = await failure();
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError);
    expect(recoveryOf(error)).toBe('restart-task');
    expect(cluster.requests(endTxnApi).every((request) => request.commit)).toBe(true);
  });
});

describe('a commit that fails', () => {
  test.each([ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_ID_MAPPING])(
    'with code %i has another owner, at every step, and leaves the transaction alone',
    async (errorCode) => {
      for (const api of [addPartitionsToTxnApi, addOffsetsToTxnApi, txnOffsetCommitApi, endTxnApi]) {
        await producer.init();
        cluster.sent.length = 0;
        cluster.on(api as typeof endTxnApi, () => ({ errorCode }));
        expect(await failure()).toBeInstanceOf(ProducerFencedError);
        expect(cluster.requests(endTxnApi).filter((request) => !request.commit)).toEqual([]);
        expect(await failure()).toBeInstanceOf(ProducerFencedError);
        cluster.on(api as typeof endTxnApi, () => OK);
      }
      answerProduce(errorCode);
      await producer.init();
      expect(await failure()).toBeInstanceOf(ProducerFencedError);
    },
  );

  test('is aborted on the broker and needs init before the next', async () => {
    answerProduce(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(await failure()).toBeInstanceOf(TransactionAbortedError);
    expect(cluster.requests(endTxnApi).map((request) => request.commit)).toEqual([false]);
    expect(producer.pendingBytes).toBe(0);
    const refused = await failure();
    expect(refused).toBeInstanceOf(TransactionAbortedError);
    expect(refused).toMatchObject({ code: 'PRODUCER_NOT_READY' });
    answerProduce();
    await producer.init();
    await producer.abort();
    expect(await commit()).toEqual(new Map([['out-1', 41]]));
    expect(cluster.requests(produceApi).at(-1)?.batches[0]?.bytes.readInt32BE(53)).toBe(0);
  });

  test.each([
    ['an unreachable broker', ErrorCode.NOT_ENOUGH_REPLICAS, TransactionAbortedError],
    ['a record that the topic does not take for its size', ErrorCode.MESSAGE_TOO_LARGE, RecordTooLargeError],
    ['a record that the topic does not take at all', ErrorCode.INVALID_RECORD, FatalLogError],
    ['a missing permission', ErrorCode.TOPIC_AUTHORIZATION_FAILED, FatalLogError],
  ])('for %s says so by its class', async (_, errorCode, expected) => {
    answerProduce(errorCode);
    expect(await failure()).toBeInstanceOf(expected);
  });

  test('can be told from one that was never begun: init rejects with a fault to retry', async () => {
    cluster.on(initProducerIdApi, () => {
      throw new ConnectionFault('away');
    });
    await expect(producer.init()).rejects.toBeInstanceOf(RetriableLogError);
    expect(await failure()).toMatchObject({ code: 'PRODUCER_NOT_READY' });
  });
});
