/**
 * The system under load: its processes on topics and a database of their own, rules that raise many alerts, and what can be read of
 * it from outside: alerts with their times, lag, and how many logs arrived where.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readKafkaConnection, readMysqlUrl, readRegistryConnection } from '../../connectors/config/services.ts';
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { LogReader } from '../../connectors/log.ts';
import { type MysqlDatabase, openMysql } from '../../connectors/mysql/database.ts';
import { SchemaRegistryClient } from '../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { logAlertSchema } from '../../schemas/avro.ts';
import { silentLogger } from '../../streams/testing/silent.ts';
import { logTopicNames, type LogTopicNames } from '../../topologies/log-topics.ts';
import { topicNames } from '../../topologies/topics.ts';
import { AlertProcesses } from '../../test/support/alert-processes.ts';

/** One-second windows without a cooldown: an alert for each service and second, so that there is a latency to measure. */
const RULES = [
  { name: 'Some errors', type: 'ERROR_THRESHOLD', threshold: 2, windowMinutes: 1 / 60, cooldownMinutes: 0 },
  { name: 'Many errors', type: 'ERROR_THRESHOLD', threshold: 100, windowMinutes: 1, cooldownMinutes: 1 },
  { name: 'Error rate', type: 'ERROR_RATE', threshold: 20, windowMinutes: 1, cooldownMinutes: 1 },
  { name: 'Slow', type: 'LATENCY', threshold: 50, windowMinutes: 1, cooldownMinutes: 1 },
  { name: 'Broken', type: 'SERVER_ERROR', threshold: 100, windowMinutes: 1, cooldownMinutes: 1 },
  { name: 'Silent', type: 'ABSENCE', windowMinutes: 1 },
];

const WAIT_MS = 120_000;

export interface Lag {
  /** Records on the topic that were not evaluated yet. */
  readonly evaluation: number;
  /** Records on the topic that are not in the tables yet. */
  readonly tables: number;
}

export interface Arrived {
  readonly evaluated: number;
  readonly stored: number;
  /** Errors as the topology counted them by minute. */
  readonly errorsCounted: number;
  readonly deadLetters: number;
}

export class LogSystem {
  readonly prefix: string;
  readonly topics: LogTopicNames;
  readonly kafka: KafkaLogClient;
  readonly registry = new SchemaRegistryClient(readRegistryConnection(process.env));
  readonly #reader: LogReader;
  readonly #admin: ReturnType<KafkaLogClient['admin']>;
  readonly #processes: AlertProcesses;
  readonly #database: MysqlDatabase;
  readonly #dropDatabase: () => Promise<void>;

  private constructor(prefix: string, kafka: KafkaLogClient, processes: AlertProcesses, url: string) {
    this.prefix = prefix;
    this.topics = logTopicNames(prefix);
    this.kafka = kafka;
    this.#reader = kafka.reader();
    this.#admin = kafka.admin();
    this.#processes = processes;
    this.#database = openMysql({ url });
    this.#dropDatabase = async () => {
      await this.#database.change(`DROP DATABASE ${new URL(url).pathname.slice(1)}`);
    };
  }

  static async start(): Promise<LogSystem> {
    const id = randomUUID().slice(0, 8);
    const prefix = `bench-logs-${id}-`;
    const serverUrl = readMysqlUrl(process.env);
    const server = openMysql({ url: serverUrl });
    const name = `alerts_bench_logs_${id}`;
    await server.change(`CREATE DATABASE ${name}`);
    await server.close();
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    const processes = await AlertProcesses.prepare(prefix, url.href, {});
    Object.assign(processes.environment, { STREAMS_APPLICATIONS: 'log-alerting', LOG_LEVEL: 'warn' });
    const kafka = new KafkaLogClient({ ...readKafkaConnection(process.env), clientId: prefix, logger: silentLogger });
    const system = new LogSystem(prefix, kafka, processes, url.href);
    processes.start('processor', 'sink', 'gateway');
    await processes.ready();
    for (const rule of RULES) await system.post('/api/alert-rules', rule);
    await sleep(1_000);
    return system;
  }

  /** Lets the tables wait while the evaluation is measured alone, as where they have a machine of their own. */
  async pauseTables(): Promise<void> {
    await this.#processes.stop('sink');
  }

  resumeTables(): void {
    this.#processes.start('sink');
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#processes.gatewayUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** From each alert's log to the alert on its topic, in milliseconds: arrival, log, evaluation and commit together. */
  async alertLatenciesMs(): Promise<number[]> {
    const { logAlerts: topic } = this.topics;
    const serde = await this.registry.serdeFor(subjectOf(topic), logAlertSchema);
    const latenciesMs: number[] = [];
    await this.#eachBatch(topic, async ({ records }) => {
      await serde.prepare?.(topic, records);
      for (const { value, timestampMs } of records) {
        const alert = serde.deserialize(topic, value);
        // The moment of a silence is when its timer was due; nothing crossed a threshold then.
        if (alert.ruleType !== 'ABSENCE') latenciesMs.push(timestampMs - alert.triggeredAt);
      }
    });
    return latenciesMs;
  }

  async lag(): Promise<Lag> {
    const { logEvents: topic } = this.topics;
    const evaluated = await this.#admin.groupLag(`${this.prefix}log-alerting`);
    const stored = await this.#database.query('SELECT partition_id, next_offset FROM sink_offsets WHERE topic = ?', [
      topic,
    ]);
    const positions = new Map(stored.map((row) => [Number(row['partition_id']), Number(row['next_offset'])]));
    let tables = 0;
    for (let partition = 0; partition < (await this.#partitions(topic)); partition += 1) {
      const { end } = await this.#reader.range({ topic, partition });
      tables += Math.max(0, end - (positions.get(partition) ?? 0));
    }
    const evaluation = evaluated.filter((at) => at.topic === topic).reduce((sum, { lag }) => sum + lag, 0);
    return { evaluation, tables };
  }

  async arrived(): Promise<Arrived> {
    const evaluated = await this.#evaluated();
    const days = await this.#database.query(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'log\\_entries\\_2%'",
    );
    let stored = 0;
    for (const { name } of days) {
      const [row] = await this.#database.query(`SELECT COUNT(*) AS logs FROM ${String(name)}`);
      stored += Number(row?.['logs'] ?? 0);
    }
    const [errors] = await this.#database.query(
      "SELECT COALESCE(SUM(errors), 0) AS errors FROM log_error_counts WHERE resolution = 'minute'",
    );
    const letters = await this.#reader.range({ topic: topicNames(this.prefix).deadLetters, partition: 0 });
    return {
      evaluated,
      stored,
      errorsCounted: Number(errors?.['errors'] ?? 0),
      deadLetters: letters.end - letters.beginning,
    };
  }

  /** Until nothing is behind; resolves with how long that took, in seconds. */
  async drained(of: keyof Lag): Promise<number> {
    const startMs = performance.now();
    while ((await this.lag())[of] > 0) {
      if (performance.now() - startMs > WAIT_MS) throw new Error(`${of} did not catch up within ${WAIT_MS / 1000} s`);
      await sleep(100);
    }
    return (performance.now() - startMs) / 1000;
  }

  async close(): Promise<void> {
    await this.#processes.close();
    const counts = await this.#admin.partitionCounts(Object.values(this.topics));
    await this.kafka.admin().deleteTopics([...counts.keys()]);
    await Promise.all([this.kafka.close(), this.#dropDatabase()]);
    await this.#database.close();
  }

  async #evaluated(): Promise<number> {
    const port = this.#processes.environment['PROCESSOR_PORT'];
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return [...text.matchAll(/^logs_processed_total\{[^}]*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  }

  async #partitions(topic: string): Promise<number> {
    return (await this.#admin.partitionCounts([topic])).get(topic) ?? 0;
  }

  async #eachBatch(topic: string, onBatch: Parameters<LogReader['read']>[3]): Promise<void> {
    for (let partition = 0; partition < (await this.#partitions(topic)); partition += 1) {
      const { beginning, end } = await this.#reader.range({ topic, partition });
      await this.#reader.read({ topic, partition }, beginning, end, onBatch);
    }
  }
}
