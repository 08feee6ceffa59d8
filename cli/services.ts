/**
 * Kafka, the registry and the database as the environment names them.
 *
 * Invariant: nothing is opened before it is asked for, and everything that was opened is closed by `close`. A service that is
 * away is reported within seconds, since somebody waits at a terminal.
 */
import { readProcessorConfig, type ProcessorConfig } from '../connectors/config/processes.ts';
import { readKafkaConnection, readMysqlUrl, readRegistryConnection } from '../connectors/config/services.ts';
import type { Environment } from '../connectors/config/settings.ts';
import type { KafkaAdmin } from '../connectors/kafka/admin.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { openMysql, type MysqlDatabase } from '../connectors/mysql/database.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../connectors/setup/set-up.ts';
import {
  alertCommandSchema,
  alertRuleSchema,
  rawAlertSchema,
  lifecycleEventSchema,
  type RecordSchema,
} from '../schemas/avro.ts';
import type { Logger, LogProducer, LogReader } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import { topicNames, type TopicNames } from '../topologies/topics.ts';

/** How long a call waits for Kafka before the command gives up. */
const FAULT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;

export class Services {
  readonly config: ProcessorConfig;
  readonly topics: TopicNames;
  /** The processor's consumer group, and the prefix of its changelogs. */
  readonly applicationId: string;
  readonly sinkGroupId: string;
  /** Errors only, on standard error. */
  readonly logger: Logger;
  readonly #environment: Environment;
  readonly #closers: (() => Promise<void>)[] = [];
  #kafka: KafkaLogClient | undefined;
  #admin: KafkaAdmin | undefined;
  #reader: LogReader | undefined;
  #producer: LogProducer | undefined;
  #registry: SchemaRegistryClient | undefined;
  #database: MysqlDatabase | undefined;

  /** Throws `ConfigError`. */
  constructor(environment: Environment, logTo: { write(text: string): unknown }) {
    this.#environment = environment;
    this.config = readProcessorConfig(environment);
    const { topicPrefix } = this.config;
    this.topics = topicNames(topicPrefix);
    this.applicationId = `${topicPrefix}alerts-processor`;
    this.sinkGroupId = `${topicPrefix}alerts-sink`;
    const destination = { write: (line: string): void => void logTo.write(line) };
    this.logger = createLogger({ service: 'alerts', level: 'error', destination });
  }

  get kafka(): KafkaLogClient {
    if (this.#kafka === undefined) {
      const connection = readKafkaConnection(this.#environment);
      const { logger } = this;
      const kafka = new KafkaLogClient({ ...connection, clientId: 'alerts', logger, faultTimeoutMs: FAULT_TIMEOUT_MS });
      this.#closers.push(() => kafka.close());
      this.#kafka = kafka;
    }
    return this.#kafka;
  }

  get admin(): KafkaAdmin {
    this.#admin ??= this.kafka.admin();
    return this.#admin;
  }

  get reader(): LogReader {
    this.#reader ??= this.kafka.reader();
    return this.#reader;
  }

  get producer(): LogProducer {
    this.#producer ??= this.kafka.plainProducer();
    return this.#producer;
  }

  get registry(): SchemaRegistryClient {
    this.#registry ??= new SchemaRegistryClient(readRegistryConnection(this.#environment));
    return this.#registry;
  }

  get mysqlUrl(): string {
    return readMysqlUrl(this.#environment);
  }

  get database(): MysqlDatabase {
    this.#database ??= this.openDatabase(this.mysqlUrl);
    return this.#database;
  }

  /** Another database; closed with the rest. */
  openDatabase(url: string): MysqlDatabase {
    const database = openMysql({ url, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
    this.#closers.push(() => database.close());
    return database;
  }

  rawAlertSerde = () => this.#serde(this.topics.rawAlerts, rawAlertSchema);
  lifecycleEventSerde = () => this.#serde(this.topics.alertEvents, lifecycleEventSchema);
  alertCommandSerde = () => this.#serde(this.topics.alertCommands, alertCommandSchema);
  alertRuleSerde = () => this.#serde(this.topics.alertRules, alertRuleSchema);

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  #serde<T>(topic: string, schema: RecordSchema<T>): Promise<Serde<T>> {
    return this.registry.serdeFor(subjectOf(topic), schema);
  }
}
