/**
 * The engine's log on Kafka. A client is for one thread: its transactional producers share a few connections per broker;
 * every consumer, reader and admin has connections of its own.
 */
import type {
  GroupConsumer,
  GroupConsumerOptions,
  LogClient,
  LogProducer,
  LogReader,
  TransactionalProducer,
} from '../../streams/ports.ts';
import { KafkaAdmin } from './admin.ts';
import { Cluster } from './cluster.ts';
import { resolveConfig, type KafkaClientOptions, type KafkaConfig } from './config.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';
import type { KafkaJsLogger } from './kafkajs-internals.ts';
import { KafkaLogProducer } from './log-producer.ts';
import { KafkaLogReader } from './log-reader.ts';
import { bridgeLogger } from './logger-bridge.ts';
import { KafkaTransactionalProducer } from './transactional-producer.ts';

export type { KafkaClientOptions } from './config.ts';

interface Closeable {
  close(): Promise<void>;
}

export class KafkaLogClient implements LogClient {
  private readonly config: KafkaConfig;
  private readonly kafkaJsLogger: KafkaJsLogger;
  private readonly producers: Cluster;
  private readonly opened = new Set<Closeable>();
  private producerCount = 0;

  constructor(options: KafkaClientOptions) {
    this.config = resolveConfig(options);
    this.kafkaJsLogger = bridgeLogger(options.logger);
    this.producers = this.cluster();
  }

  private cluster(clientId = this.config.clientId): Cluster {
    return new Cluster({ ...this.config, clientId }, this.kafkaJsLogger);
  }

  /** What was closed is forgotten, so tasks that come and go leave nothing behind. */
  private track<T extends Closeable>(open: (onClosed: () => void) => T): T {
    const opened = open(() => this.opened.delete(opened));
    this.opened.add(opened);
    return opened;
  }

  consumer(options: GroupConsumerOptions): GroupConsumer {
    return this.track(
      (onClosed) => new KafkaGroupConsumer(this.cluster(options.clientId), options, this.config, onClosed),
    );
  }

  producer(transactionalId: string): TransactionalProducer {
    const lane = String(this.producerCount++ % this.config.producerConnections);
    return this.track(
      (onClosed) => new KafkaTransactionalProducer(transactionalId, this.producers, lane, this.config, onClosed),
    );
  }

  plainProducer(): LogProducer {
    return this.track((onClosed) => new KafkaLogProducer(this.producers, this.config, onClosed));
  }

  reader(): LogReader {
    return this.track((onClosed) => new KafkaLogReader(this.cluster(), this.config, onClosed));
  }

  admin(): KafkaAdmin {
    return this.track((onClosed) => new KafkaAdmin(this.cluster(), this.config, onClosed));
  }

  /** Closes everything this client has opened. */
  async close(): Promise<void> {
    await Promise.all([...this.opened].map((opened) => opened.close()));
    this.opened.clear();
    this.producers.close();
  }
}
