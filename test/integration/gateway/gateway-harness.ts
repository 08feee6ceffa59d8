/**
 * What the gateway's integration tests stand on: topics, schemas and a database of their own, a stand-in for the processor, and
 * gateways whose way to Kafka and MySQL can be cut.
 */
import { randomUUID } from 'node:crypto';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { type MysqlDatabase, openMysql } from '../../../connectors/mysql/database.ts';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { type GatewayConfig, readGatewayConfig } from '../../../gateway/config.ts';
import { createGateway, idempotencyLeaseMs } from '../../../gateway/gateway.ts';
import { MysqlIdempotencyStore } from '../../../gateway/idempotency/mysql-idempotency-store.ts';
import { runGateway, type RunningGateway } from '../../../gateway/run-gateway.ts';
import { lifecycleEventSchema, rawAlertSchema } from '../../../schemas/avro.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { openReadModel } from '../../../sink/read-model.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import type { Deserializer, Serializer } from '../../../connectors/log.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import { alertTopics, topicNames, type TopicNames } from '../../../topologies/topics.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { type Decide, decideOnAlerts } from '../../unit/gateway/support.ts';
import { TestDatabase, urlOf } from '../sink/test-database.ts';

const PARTITIONS = 3;

const required = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set.`);
  return value;
};

export interface TestGateway extends RunningGateway {
  post(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  get(path: string): Promise<Response>;
}

export class GatewayHarness {
  readonly names: TopicNames = topicNames(`gateway-test-${randomUUID().slice(0, 8)}-`);
  readonly database: TestDatabase;
  readonly kafkaProxy: TcpProxy;
  readonly mysqlProxy: TcpProxy;
  /** What the stand-in decides; the test's to change. */
  decide: Decide = () => ['OPEN'];
  readonly #kafka: KafkaLogClient;
  readonly #registry = new SchemaRegistryClient({ url: required('SCHEMA_REGISTRY_URL') });
  readonly #stop = new AbortController();
  readonly #gateways = new Set<RunningGateway>();
  readonly #closers: (() => Promise<void>)[] = [];
  #alerts!: Deserializer<RawAlert> & Serializer<RawAlert>;
  #events!: Deserializer<LifecycleEvent> & Serializer<LifecycleEvent>;
  #deciding: Promise<void> | undefined;

  private constructor(database: TestDatabase, kafkaProxy: TcpProxy, mysqlProxy: TcpProxy) {
    this.database = database;
    this.kafkaProxy = kafkaProxy;
    this.mysqlProxy = mysqlProxy;
    this.#kafka = new KafkaLogClient({
      brokers: required('KAFKA_BROKERS').split(','),
      clientId: 'gateway-test',
      logger: silentLogger,
    });
  }

  static async start(): Promise<GatewayHarness> {
    const [broker = ''] = required('KAFKA_BROKERS').split(',');
    const mysql = new URL(required('MYSQL_URL'));
    const harness = new GatewayHarness(
      await TestDatabase.create(),
      await TcpProxy.start(broker.slice(0, broker.lastIndexOf(':')), Number(broker.split(':').at(-1))),
      await TcpProxy.start(mysql.hostname, Number(mysql.port || '3306')),
    );
    await harness.#setUp();
    return harness;
  }

  async #setUp(): Promise<void> {
    const { rawAlerts, alertEvents } = this.names;
    await this.#kafka.admin().createTopics(alertTopics(PARTITIONS, this.names));
    await this.#registry.register(subjectOf(rawAlerts), rawAlertSchema);
    await this.#registry.register(subjectOf(alertEvents), lifecycleEventSchema);
    this.#alerts = await this.#registry.serdeFor(subjectOf(rawAlerts), rawAlertSchema);
    this.#events = await this.#registry.serdeFor(subjectOf(alertEvents), lifecycleEventSchema);
    const format = { raw: rawAlerts, events: alertEvents, alertSerde: this.#alerts, eventSerde: this.#events };
    this.#deciding = decideOnAlerts(this.#kafka, (alert) => this.decide(alert), this.#stop.signal, format);
  }

  /** A gateway process, as far as the outside can tell: nothing is shared with another but Kafka and the database. */
  async gateway(overrides: Partial<GatewayConfig> = {}): Promise<TestGateway> {
    const config = { ...readGatewayConfig({}), port: 0, ...overrides };
    const kafka = new KafkaLogClient({
      brokers: [`127.0.0.1:${this.kafkaProxy.port}`],
      mapAddress: () => ({ host: '127.0.0.1', port: this.kafkaProxy.port }),
      clientId: 'gateway',
      logger: silentLogger,
      sendTimeoutMs: config.produceTimeoutMs,
      faultTimeoutMs: 2_000,
    });
    const database = openMysql({
      url: urlOf(this.database.name, this.mysqlProxy.port),
      connectTimeoutMs: 1_000,
      statementTimeoutMs: 1_000,
    });
    const idempotencyStore = this.idempotencyStore(database, config);
    const metrics = new PrometheusMetrics();
    const parts = await createGateway(
      config,
      { alerts: this.names.rawAlerts, events: this.names.alertEvents },
      {
        ...{ idempotencyStore, metrics, logger: silentLogger, clock: systemClock },
        ...{ alerts: this.#alerts, events: this.#events },
        random: (bytes) => crypto.getRandomValues(bytes),
        producer: kafka.plainProducer(),
        reader: kafka.reader(),
        admin: kafka.admin(),
        readModel: openReadModel(database),
        checks: { registry: () => this.#registry.ping() },
        metricsText: () => metrics.text(),
      },
    );
    const running = await runGateway(parts, config, idempotencyStore, systemClock, silentLogger);
    this.#gateways.add(running);
    this.#closers.push(async () => {
      await kafka.close();
      await database.close();
    });
    return this.#client(running);
  }

  idempotencyStore(database: MysqlDatabase, config: GatewayConfig, keepMs = 86_400_000): MysqlIdempotencyStore {
    return new MysqlIdempotencyStore({
      sql: database,
      leaseMs: idempotencyLeaseMs(config),
      keepMs,
      newAttempt: randomUUID,
    });
  }

  /** Every alert on the topic. */
  async produced(): Promise<RawAlert[]> {
    const reader = this.#kafka.reader();
    const topic = this.names.rawAlerts;
    const alerts: RawAlert[] = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const { beginning, end } = await reader.range({ topic, partition });
      await reader.read({ topic, partition }, beginning, end, ({ records }) => {
        for (const { value } of records) alerts.push(this.#alerts.deserialize(topic, value));
      });
    }
    await reader.close();
    return alerts;
  }

  async close(): Promise<void> {
    this.kafkaProxy.restore();
    this.mysqlProxy.restore();
    for (const gateway of this.#gateways) await gateway.stop();
    for (const close of this.#closers) await close();
    this.#stop.abort();
    await this.#deciding;
    const cleaner = new KafkaLogClient({
      brokers: required('KAFKA_BROKERS').split(','),
      clientId: 'cleaner',
      logger: silentLogger,
    });
    await cleaner.admin().deleteTopics(Object.values(this.names) as string[]);
    await cleaner.close();
    await this.#kafka.close();
    await this.kafkaProxy.close();
    await this.mysqlProxy.close();
    await this.database.drop();
  }

  #client(running: RunningGateway): TestGateway {
    const { url } = running;
    return {
      url,
      stop: () => {
        this.#gateways.delete(running);
        return running.stop();
      },
      post: (body, headers = {}) =>
        fetch(`${url}/process-alert`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      get: (path) => fetch(`${url}${path}`),
    };
  }
}
