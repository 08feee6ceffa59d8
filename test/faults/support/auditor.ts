/**
 * Works out from the input topic alone what the lifecycle events must be, and from those what the tables must hold, and compares.
 *
 * It shares no code with the engine or the processors: the events come from the naive model of the replay tests, driver by driver
 * in the order of the log, the tables from the naive sink.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import type { LogRecord, LogReader } from '../../../streams/ports.ts';
import type { Serde } from '../../../streams/serde.ts';
import { storedForm, type StoredImage, type TestDatabase } from '../../integration/sink/test-database.ts';
import { naiveEvents, type NaiveEvent, type NaiveRule } from '../../replay/naive-alerts.ts';
import { naiveImage } from '../../support/sink-model.ts';
import type { Promised } from './load.ts';

export interface AuditorOptions {
  readonly client: KafkaLogClient;
  readonly topics: { readonly rawAlerts: string; readonly alertEvents: string; readonly deadLetters: string };
  readonly partitions: number;
  readonly rawAlert: Serde<RawAlert>;
  readonly lifecycleEvent: Serde<LifecycleEvent>;
  readonly rules: Readonly<Record<string, NaiveRule>>;
  readonly purgeAfterMs: number;
}

export interface PlacedEvent {
  readonly event: LifecycleEvent;
  readonly partition: number;
  /** When the broker appended it. */
  readonly appendedMs: number;
}

export interface Verdict {
  readonly alerts: number;
  readonly events: number;
}

const POLL_MS = 500;
/** How many differences a report shows. */
const SHOWN = 5;

/** One topic, read on from where the last reading ended. */
class Following {
  readonly #reader: LogReader;
  readonly #topic: string;
  readonly #positions: number[];
  /** Offset of the last record of each partition; -1 where there is none. */
  readonly lastOffsets: number[];

  constructor(reader: LogReader, topic: string, partitions: number) {
    this.#reader = reader;
    this.#topic = topic;
    this.#positions = Array.from({ length: partitions }, () => 0);
    this.lastOffsets = Array.from({ length: partitions }, () => -1);
  }

  async advance(take: (record: LogRecord, partition: number) => void): Promise<void> {
    for (const [partition, from] of this.#positions.entries()) {
      const at = { topic: this.#topic, partition };
      const { end } = await this.#reader.range(at);
      if (end <= from) continue;
      this.#positions[partition] = await this.#reader.read(at, from, end, ({ records }) => {
        for (const record of records) take(record, partition);
        this.lastOffsets[partition] = records.at(-1)?.offset ?? (this.lastOffsets[partition] as number);
      });
    }
  }
}

/** Adds up to the same text for the same step of the same alert. */
const stepOf = ({ alertMetadata, eventType, timestamp, severity, reason, metadata }: LifecycleEvent): string => {
  const { count } = JSON.parse(metadata) as { count?: number };
  return JSON.stringify([alertMetadata, eventType, timestamp, severity, reason, count] satisfies NaiveEvent);
};

const tally = (steps: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1);
  return counts;
};

const missingFrom = (wanted: ReadonlyMap<string, number>, found: ReadonlyMap<string, number>): string[] =>
  [...wanted].filter(([step, count]) => (found.get(step) ?? 0) < count).map(([step]) => step);

export class Auditor {
  /** In the order of the log, partition by partition of each reading. */
  readonly events: PlacedEvent[] = [];
  readonly #options: AuditorOptions;
  readonly #raw: Following;
  readonly #lifecycle: Following;
  readonly #deadLetters: Following;
  readonly #byDriver = new Map<string, RawAlert[]>();
  readonly #reader: LogReader;
  #alerts = 0;
  #dead = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#reader = options.client.reader();
    const { topics, partitions } = options;
    this.#raw = new Following(this.#reader, topics.rawAlerts, partitions);
    this.#lifecycle = new Following(this.#reader, topics.alertEvents, partitions);
    this.#deadLetters = new Following(this.#reader, topics.deadLetters, 1);
  }

  /** Waits until as many events are there as must be, then compares every one of them. Throws with the differences. */
  async auditEvents(timeoutMs: number): Promise<Verdict> {
    const { events } = await this.#settled(timeoutMs);
    const expected = tally(events);
    const found = tally(this.events.map(({ event }) => stepOf(event)));
    const [lost, extra] = [missingFrom(expected, found), missingFrom(found, expected)];
    if (lost.length > 0 || extra.length > 0) {
      const show = (steps: string[]): string => `${steps.length}\n${steps.slice(0, SHOWN).join('\n')}`;
      throw new Error(`Events differ from the model.\nLost: ${show(lost)}\nToo many: ${show(extra)}`);
    }
    const twice = [...found].filter(([step, count]) => count > 1 && step.includes('"CREATED"'));
    if (twice.length > 0) throw new Error(`${twice.length} alerts were taken in twice, the first is ${twice[0]?.[0]}`);
    this.#checkSequences();
    if (this.#dead > 0) throw new Error(`${this.#dead} records are in the dead letters; none should be.`);
    return { alerts: this.#alerts, events: this.events.length };
  }

  /** Waits until the sink has written the last event, then compares every row. After `auditEvents`. Throws with the differences. */
  async auditTables(database: TestDatabase, timeoutMs: number): Promise<void> {
    const { alertEvents } = this.#options.topics;
    const { lastOffsets } = this.#lifecycle;
    const written = async (): Promise<boolean> => {
      const next = await Promise.all(lastOffsets.map((_, partition) => database.position(alertEvents, partition)));
      return lastOffsets.every((offset, partition) => (next[partition] ?? 0) > offset);
    };
    for (const deadline = Date.now() + timeoutMs; !(await written().catch(() => false)); await sleep(POLL_MS)) {
      if (Date.now() > deadline) throw new Error(`The sink has not written every event after ${timeoutMs / 1000} s.`);
    }
    const expected = storedForm(naiveImage(this.events.map(({ event }) => event)));
    const stored = await database.image();
    for (const table of Object.keys(expected) as (keyof StoredImage)[]) {
      if (!isDeepStrictEqual(stored[table], expected[table])) throw tableError(table, expected[table], stored[table]);
    }
  }

  /**
   * Holds the system to what the gateway answered: the alert is there, and has had the status it said. After `auditEvents`. An
   * answer to a repeated request may be that of a later state than the first.
   */
  auditPromises(promised: ReadonlyMap<string, Promised>): void {
    const had = new Map<string, Set<string>>();
    for (const { event } of this.events) {
      had.set(event.alertId, (had.get(event.alertId) ?? new Set()).add(event.newStatus));
    }
    const broken = [...promised.values()].filter(({ alertId, status }) => {
      const statuses = had.get(alertId);
      return statuses === undefined || (status !== 'PENDING' && !statuses.has(status));
    });
    if (broken.length === 0) return;
    const shown = broken
      .slice(0, SHOWN)
      .map((one) => `${JSON.stringify(one)} was ${[...(had.get(one.alertId) ?? [])].join(', ') || 'never seen'}`);
    throw new Error(`${broken.length} answers of the gateway were not kept:\n${shown.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  async read(): Promise<void> {
    const { topics, rawAlert, lifecycleEvent } = this.#options;
    await this.#raw.advance(({ value }) => {
      const alert = rawAlert.deserialize(topics.rawAlerts, value ?? new Uint8Array());
      const ofDriver = this.#byDriver.get(alert.driverId);
      if (ofDriver === undefined) this.#byDriver.set(alert.driverId, [alert]);
      else ofDriver.push(alert);
      this.#alerts += 1;
    });
    await this.#lifecycle.advance(({ value, timestampMs }, partition) => {
      const event = lifecycleEvent.deserialize(topics.alertEvents, value ?? new Uint8Array());
      this.events.push({ event, partition, appendedMs: timestampMs });
    });
    await this.#deadLetters.advance(() => {
      this.#dead += 1;
    });
  }

  /** What the model says up to now, once the topic holds as many events or the time is over. */
  async #settled(timeoutMs: number): Promise<{ events: string[] }> {
    const { rules, purgeAfterMs } = this.#options;
    for (const deadline = Date.now() + timeoutMs; ; await sleep(POLL_MS)) {
      const nowMs = Date.now();
      await this.read();
      const events: string[] = [];
      for (const alerts of this.#byDriver.values()) {
        for (const step of naiveEvents(alerts, rules, nowMs, purgeAfterMs)) events.push(JSON.stringify(step));
      }
      if (events.length === this.events.length || Date.now() > deadline) return { events };
    }
  }

  #checkSequences(): void {
    const last = new Map<string, LifecycleEvent>();
    for (const { event } of this.events) {
      const before = last.get(event.alertId);
      const follows = event.sequence === (before?.sequence ?? 0) + 1 && event.oldStatus === (before?.newStatus ?? null);
      if (!follows || event.eventId !== `${event.alertId}:${event.sequence}`) {
        throw new Error(`${JSON.stringify(event)} does not follow ${JSON.stringify(before)}`);
      }
      last.set(event.alertId, event);
    }
  }
}

function tableError(table: string, expected: readonly object[], stored: readonly object[]): Error {
  const differs = expected.findIndex((row, index) => !isDeepStrictEqual(row, stored[index]));
  const at = differs < 0 ? expected.length : differs;
  return new Error(
    `${table}: ${stored.length} rows stored, ${expected.length} expected; the first difference is row ${at}:\n` +
      `stored   ${JSON.stringify(stored[at])}\nexpected ${JSON.stringify(expected[at])}`,
  );
}
