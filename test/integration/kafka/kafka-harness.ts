/**
 * What the integration tests of the Kafka client stand on: clients of the broker in KAFKA_BROKERS, names of their own, and
 * the removal of what was created.
 */
import { randomUUID } from 'node:crypto';
import { BatchSender } from '../../../connectors/kafka/batch-sender.ts';
import { AppendBuffer } from '../../../connectors/kafka/append-buffer.ts';
import { Cluster } from '../../../connectors/kafka/cluster.ts';
import { resolveConfig } from '../../../connectors/kafka/config.ts';
import type { KafkaClientOptions } from '../../../connectors/kafka/config.ts';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { bridgeLogger } from '../../../connectors/kafka/logger-bridge.ts';
import { TransactionCoordinator } from '../../../connectors/kafka/transaction-coordinator.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import type { Clock, TopicPartition, TopicSpec } from '../../../streams/ports.ts';
import type { LogHarness, OpenTransaction } from '../../conformance/log-client.ts';

export const brokers = (): string[] => (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',');

const ambientClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export class KafkaHarness implements LogHarness {
  readonly clock = ambientClock;
  readonly #topics = new Set<string>();
  readonly #clients: KafkaLogClient[] = [];
  readonly #run = randomUUID().slice(0, 8);
  #names = 0;

  client(clientId: string, options: Partial<KafkaClientOptions> = {}): KafkaLogClient {
    const client = new KafkaLogClient({ brokers: brokers(), clientId, logger: silentLogger, ...options });
    this.#clients.push(client);
    return client;
  }

  uniqueName(prefix: string): string {
    return `kafka-test-${this.#run}-${prefix}-${++this.#names}`;
  }

  async createTopic(spec: TopicSpec): Promise<void> {
    this.#topics.add(spec.name);
    await this.client('topics').admin().createTopics([spec]);
  }

  async topic(partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = this.uniqueName('topic');
    await this.createTopic({ name, partitions, config });
    return name;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async deleteRecordsBefore(partition: TopicPartition, offset: number): Promise<void> {
    await this.client('deletes').admin().deleteRecordsBefore(partition, offset);
  }

  /** The broker's cleaner comes round by itself. */
  async compact(): Promise<void> {}

  /** Uses the parts of the producer that come before the end of a transaction. */
  async openTransaction({ transactionalId, partition, values, offsets }: OpenTransaction): Promise<void> {
    const config = resolveConfig({ brokers: brokers(), clientId: 'dies', logger: silentLogger });
    const cluster = new Cluster(config, bridgeLogger(silentLogger));
    const deadline = Date.now() + 20_000;
    const coordinator = new TransactionCoordinator(cluster, 'dies', transactionalId);
    const identity = await coordinator.initProducerId(60_000, deadline);
    const buffer = new AppendBuffer(config.maxBatchBytes);
    for (const value of values) {
      const bytes = new TextEncoder().encode(value);
      buffer.append(partition.topic, partition.partition, bytes, bytes, Date.now(), undefined);
    }
    await coordinator.addPartitions(identity, [partition], deadline);
    await new BatchSender(cluster, 'dies').send(buffer.pending(), { identity, transactionalId, deadline });
    if (offsets) {
      await coordinator.addOffsets(identity, offsets.groupId, deadline);
      await coordinator.commitOffsets(identity, offsets.groupId, offsets.positions, deadline);
    }
    cluster.close();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    const cleaner = new KafkaLogClient({ brokers: brokers(), clientId: 'cleaner', logger: silentLogger });
    await cleaner.admin().deleteTopics([...this.#topics]);
    await cleaner.close();
  }
}
