/**
 * Processors on services of a benchmark's own, a topic full of alerts that stay open, and what the processors' logs say about how
 * they came up again.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { evenAssignor } from '../../connectors/even-assignor.ts';
import type { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import { SchemaRegistryClient } from '../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { rawAlertSchema } from '../../schemas/avro.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import { partitionForKey } from '../../streams/partitioner.ts';
import type { LogReader } from '../../streams/ports.ts';
import type { Serde } from '../../streams/serde.ts';
import { AlertApp, APPLICATION, logLines, type AlertAppOptions } from '../../test/faults/support/alert-app.ts';
import type { ControlledProcess } from '../../test/faults/support/controlled-process.ts';
import { OwnServices } from '../../test/faults/support/own-services.ts';
import { topicNames } from '../../topologies/topics.ts';

/** Nothing closes during a run. */
const RULES = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 2880 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
};
const TRANSACTION_BYTES = 8 * 1024 * 1024;
const CONSUMED_TIMEOUT_MS = 30 * 60_000;

export interface RestoredTask {
  readonly taskId: string;
  readonly records: number;
  readonly bytes: number;
  readonly durationMs: number;
  /** When the restore ended, UTC epoch milliseconds. */
  readonly endedMs: number;
}

export interface Changelogs {
  readonly records: number;
  readonly bytes: number;
}

export class Processors {
  readonly services: OwnServices;
  readonly app: AlertApp;
  readonly client: KafkaLogClient;
  readonly reader: LogReader;
  readonly topics = topicNames();
  readonly partitions: number;
  readonly #rawAlert: Serde<RawAlert>;

  private constructor(services: OwnServices, app: AlertApp, partitions: number, rawAlert: Serde<RawAlert>) {
    this.services = services;
    this.app = app;
    this.partitions = partitions;
    this.#rawAlert = rawAlert;
    this.client = services.client('bench');
    this.reader = this.client.reader();
  }

  /** Services and set-up; no processor runs yet. */
  static async prepare(options: Omit<AlertAppOptions, 'rules' | 'mysqlUrl'>): Promise<Processors> {
    const { partitions = 4 } = options;
    const services = await OwnServices.start();
    try {
      const app = await AlertApp.prepare(services, { ...options, rules: RULES, mysqlUrl: services.addresses.mysql });
      const registry = new SchemaRegistryClient({ url: services.addresses.registry });
      const rawAlert = await registry.serdeFor(subjectOf(topicNames().rawAlerts), rawAlertSchema);
      // Only the set-up needs it.
      await services.database.end();
      return new Processors(services, app, partitions, rawAlert);
    } catch (error) {
      await services.stop();
      throw error;
    }
  }

  get first(): ControlledProcess {
    return this.app.processors[0] as ControlledProcess;
  }

  /** Alerts that stay open, spread over so many drivers. */
  async fill(count: number, drivers: number): Promise<void> {
    const { rawAlerts: topic } = this.topics;
    const producer = this.client.producer(`bench-fill-${Date.now()}`);
    await producer.init();
    for (let index = 0; index < count; index++) {
      const alert = this.#alert(index, drivers);
      const key = Buffer.from(alert.driverId);
      const value = this.#rawAlert.serialize(topic, alert);
      producer.append(topic, partitionForKey(key, this.partitions), key, value, alert.timestamp);
      if (producer.pendingBytes >= TRANSACTION_BYTES) await producer.commit('bench-fill', []);
    }
    await producer.commit('bench-fill', []);
    // Waits until the markers of the last transaction are written, and with them everything can be read.
    await producer.init();
    await producer.close();
  }

  /** Sends so many a second until the signal aborts. */
  async trickle(alertsPerSecond: number, drivers: number, signal: AbortSignal): Promise<void> {
    const { rawAlerts: topic } = this.topics;
    const producer = this.client.plainProducer();
    for (let index = 0; !signal.aborted;) {
      const records = Array.from({ length: Math.ceil(alertsPerSecond / 10) }, () => {
        const alert = this.#alert(index++, drivers);
        return {
          topic,
          key: Buffer.from(alert.driverId),
          value: Buffer.from(this.#rawAlert.serialize(topic, alert) ?? []),
        };
      });
      // A broker that is away is a part of some runs; what it did not take is not missed here.
      await producer.send(records).catch(() => undefined);
      await sleep(100);
    }
    await producer.close();
  }

  /** Until the processors have committed everything that is on the topic now. */
  async consumed(): Promise<void> {
    const { rawAlerts: topic } = this.topics;
    const places = Array.from({ length: this.partitions }, (_, partition) => ({ topic, partition }));
    const ends = await Promise.all(places.map(async (place) => (await this.reader.range(place)).end));
    const options = { groupId: APPLICATION.id, clientId: 'bench-offsets', topics: [topic] };
    const offsets = this.client.consumer({ ...options, assignor: evenAssignor, sessionTimeoutMs: 10_000 });
    for (const deadline = Date.now() + CONSUMED_TIMEOUT_MS; ; await sleep(500)) {
      const committed = await offsets.committed(places);
      // The last offset of a transactional topic is a marker.
      if (ends.every((end, partition) => end === 0 || (committed[partition]?.offset ?? 0) >= end - 1)) break;
      if (Date.now() > deadline) throw new Error(`The topic is not consumed after ${CONSUMED_TIMEOUT_MS / 1000} s.`);
    }
    await offsets.close();
  }

  /** Of the application's changelogs, as the broker has them on its disk. */
  async changelogs(
    application: string = APPLICATION.id,
    stores: readonly string[] = APPLICATION.changelogs,
  ): Promise<Changelogs> {
    let [records, bytes] = [0, 0];
    for (const store of stores) {
      for (let partition = 0; partition < this.partitions; partition++) {
        const topic = `${application}-${store}-changelog`;
        const { beginning, end } = await this.reader.range({ topic, partition });
        records += end - beginning;
        bytes += folderBytes(this.services.partitionFolder(topic, partition), '.log');
      }
    }
    return { records, bytes };
  }

  /** What tasks restored since a byte of the log. */
  async restored(processor: ControlledProcess, fromByte: number): Promise<RestoredTask[]> {
    const lines = await logLines(processor, fromByte);
    return lines
      .filter(({ message }) => /^Task \S+ restored$/.test(message))
      .map((line) => ({
        taskId: line['taskId'] as string,
        records: line['records'] as number,
        bytes: line['bytes'] as number,
        durationMs: line['durationMs'] as number,
        endedMs: Date.parse(line.timestamp),
      }));
  }

  /** Until the log has a new event that was appended later than `sinceMs`; its delay after that, for each partition in turn. */
  async firstEventsAfter(sinceMs: number, from: readonly number[], timeoutMs: number): Promise<number[]> {
    const { alertEvents: topic } = this.topics;
    const found = new Map<number, number>();
    const positions = [...from];
    for (const deadline = Date.now() + timeoutMs; found.size < this.partitions; await sleep(20)) {
      if (Date.now() > deadline)
        throw new Error(`Only ${found.size} partitions have new events after ${timeoutMs} ms.`);
      for (const [partition, position] of positions.entries()) {
        if (found.has(partition)) continue;
        const place = { topic, partition };
        const { end } = await this.reader.range(place);
        if (end <= position) continue;
        positions[partition] = await this.reader.read(place, position, end, ({ records }) => {
          const fresh = records.find(({ timestampMs }) => timestampMs > sinceMs);
          // Committed by the time it could be read here.
          if (fresh !== undefined && !found.has(partition)) found.set(partition, Date.now() - sinceMs);
        });
      }
    }
    return [...found].sort(([a], [b]) => a - b).map(([, delayMs]) => delayMs);
  }

  async eventEnds(): Promise<number[]> {
    const { alertEvents: topic } = this.topics;
    const partitions = Array.from({ length: this.partitions }, (_, partition) => partition);
    return Promise.all(partitions.map(async (partition) => (await this.reader.range({ topic, partition })).end));
  }

  logBytes(processor: ControlledProcess): number {
    return statSync(processor.spec.logFile).size;
  }

  async stop(): Promise<void> {
    await this.app.stop();
    await this.client.close();
    await this.services.stop();
  }

  #alert(index: number, drivers: number): RawAlert {
    return {
      alertId: null,
      driverId: `driver-${(index * 7919) % drivers}`,
      sourceType: 'feedback_negative',
      severity: 'low',
      timestamp: Date.now(),
      metadata: `{"rating":${1 + (index % 5)},"comment":"Rude driver"}`,
    };
  }
}

export const folderBytes = (folder: string, ending = ''): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** Records a second from the first task's begin to the last one's end. */
export const restoreRate = (tasks: readonly RestoredTask[]): number => {
  const records = tasks.reduce((sum, task) => sum + task.records, 0);
  const beganMs = Math.min(...tasks.map(({ endedMs, durationMs }) => endedMs - durationMs));
  const endedMs = Math.max(...tasks.map((task) => task.endedMs));
  return Math.round(records / ((endedMs - beganMs) / 1000));
};
