/**
 * A whole alert system on services of its own, under load, with an auditor beside it.
 *
 * The rules close and purge some alerts within seconds, so that timers fire in the middle of every fault, and leave others open,
 * so that state stays. After `audit` the events and the tables are known to be those of the model, all of them, since the start.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import type { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import { lifecycleEventSchema, rawAlertSchema } from '../../../schemas/avro.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import type { Serde } from '../../../streams/serde.ts';
import { topicNames } from '../../../topologies/topics.ts';
import { TestDatabase, urlOf } from '../../integration/sink/test-database.ts';
import type { NaiveRule } from '../../replay/naive-alerts.ts';
import { AlertApp, type AlertAppOptions } from './alert-app.ts';
import { Auditor, type Verdict } from './auditor.ts';
import { Load, type LoadOptions } from './load.ts';
import { OwnServices } from './own-services.ts';
import type { Random } from './random.ts';

const CLOSE_AFTER_MS = 6_000;
const PURGE_AFTER_MS = 6_000;
/** Until what the load made last is closed and purged. */
const SETTLE_MS = CLOSE_AFTER_MS + PURGE_AFTER_MS + 1_000;
const AUDIT_TIMEOUT_MS = 180_000;

const RULES: Readonly<Record<string, NaiveRule>> = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: CLOSE_AFTER_MS / 60_000 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
};

export interface AuditedSystemOptions extends Omit<AlertAppOptions, 'rules' | 'mysqlUrl'> {
  readonly proxied?: boolean;
}

export type AuditedLoadOptions = Partial<
  Pick<LoadOptions, 'alertsPerSecond' | 'throughGateway' | 'drivers' | 'sourceTypes'>
>;

export class AuditedSystem {
  readonly services: OwnServices;
  readonly app: AlertApp;
  readonly auditor: Auditor;
  readonly database: TestDatabase;
  readonly topics = topicNames();
  readonly partitions: number;
  readonly #client: KafkaLogClient;
  readonly #rawAlert: Serde<RawAlert>;
  readonly #loads: Load[] = [];

  private constructor(
    parts: { services: OwnServices; app: AlertApp; database: TestDatabase; client: KafkaLogClient; partitions: number },
    rawAlert: Serde<RawAlert>,
    lifecycleEvent: Serde<LifecycleEvent>,
  ) {
    const { client, partitions } = parts;
    this.services = parts.services;
    this.app = parts.app;
    this.database = parts.database;
    this.partitions = partitions;
    this.#client = client;
    this.#rawAlert = rawAlert;
    const { topics } = this;
    this.auditor = new Auditor({
      ...{ client, topics, partitions, rawAlert, lifecycleEvent },
      ...{ rules: RULES, purgeAfterMs: PURGE_AFTER_MS },
    });
  }

  /** Services, set-up and all processes; resolves when everything is ready. */
  static async start(options: AuditedSystemOptions): Promise<AuditedSystem> {
    const { partitions = 4, proxied = false } = options;
    const services = await OwnServices.start({ proxied });
    try {
      process.env['MYSQL_URL'] = services.directMysqlUrl;
      const database = await TestDatabase.create();
      const app = await AlertApp.prepare(services, {
        ...options,
        rules: { ...RULES, retention: { purge_after_mins: PURGE_AFTER_MS / 60_000 } },
        mysqlUrl: urlOf(database.name, services.proxies?.mysql.port),
      });
      const registry = new SchemaRegistryClient({ url: services.addresses.registry });
      const topics = topicNames();
      const rawAlert = await registry.serdeFor(subjectOf(topics.rawAlerts), rawAlertSchema);
      const lifecycleEvent = await registry.serdeFor(subjectOf(topics.alertEvents), lifecycleEventSchema);
      const client = services.client('auditor');
      await app.start();
      return new AuditedSystem({ services, app, database, client, partitions }, rawAlert, lifecycleEvent);
    } catch (error) {
      await services.stop();
      throw error;
    }
  }

  /** Begins to send; `stopLoad` ends it. */
  startLoad(random: Random, options: AuditedLoadOptions = {}): Load {
    const load = new Load({
      ...{ topic: this.topics.rawAlerts, producer: this.#client.plainProducer(), serde: this.#rawAlert, random },
      ...{ alertsPerSecond: 200, throughGateway: 30, gatewayUrl: this.app.gatewayUrl },
      ...options,
    });
    this.#loads.push(load);
    load.start();
    return load;
  }

  /** Waits for the pipeline to come to rest, then compares everything since the start. Every load must have stopped. */
  async audit(): Promise<Verdict> {
    await this.app.ready();
    await sleep(SETTLE_MS);
    const verdict = await this.auditor.auditEvents(AUDIT_TIMEOUT_MS);
    for (const { promised, refused } of this.#loads) {
      this.auditor.auditPromises(promised);
      if (refused.length > 0) throw new Error(`The gateway refused ${refused.length} alerts: ${refused[0]}`);
    }
    await this.auditor.auditTables(this.database, AUDIT_TIMEOUT_MS);
    return verdict;
  }

  /** What ended by itself meanwhile. */
  get ownExits(): string[] {
    return this.app.processes.flatMap(({ name, ownExits }) => ownExits.map((exit) => `${name} ${exit}`));
  }

  async stop(): Promise<void> {
    await this.app.stop();
    await this.auditor.close();
    await this.#client.close();
    // Where the server is down, its data goes with its folder.
    await this.database.drop().catch(() => undefined);
    await this.services.stop();
  }
}
