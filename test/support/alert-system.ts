/**
 * The escalation topology on the test driver, with a read model made from its events as the sink would make it.
 */
import { RULE_ORIGIN_FILE, RULE_ORIGIN_HEADER } from '../../processors/rule-seeding.ts';
import { rulesFromFile } from '../../processors/rules.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import type { Counter, MetricLabels, Metrics } from '../../streams/ports.ts';
import type { Serializer } from '../../streams/serde.ts';
import { bytesSerde, jsonSerde, stringSerde } from '../../streams/serdes.ts';
import { silentMetrics } from '../../streams/testing/silent.ts';
import {
  TopologyTestDriver,
  type TestOutputTopic,
  type TopologyTestDriverOptions,
} from '../../streams/testing/topology-test-driver.ts';
import { alertEscalationTopology, type AlertEscalationOptions } from '../../topologies/alert-escalation.ts';
import { alertTopics } from '../../topologies/topics.ts';

export interface AlertSystemOptions {
  readonly rules?: Readonly<Record<string, unknown>>;
  readonly topology?: Partial<AlertEscalationOptions>;
  readonly driver?: Partial<TopologyTestDriverOptions>;
}

/** Counters by name and labels. */
export class CountingMetrics implements Metrics {
  readonly counts = new Map<string, number>();
  readonly gauge = silentMetrics.gauge.bind(silentMetrics);
  readonly histogram = silentMetrics.histogram.bind(silentMetrics);

  counter(name: string, labels: MetricLabels = {}): Counter {
    const key = `${name}${JSON.stringify(labels)}`;
    return { add: (amount) => void this.counts.set(key, (this.counts.get(key) ?? 0) + amount) };
  }

  /** The counters of that name, as `[labels, count]`. */
  of(name: string): [unknown, number][] {
    return [...this.counts]
      .filter(([key]) => key.startsWith(`${name}{`))
      .map(([key, count]) => [JSON.parse(key.slice(name.length)), count]);
  }
}

/** Writes a text as it is, to put on a topic what no serializer would. */
const verbatim: Serializer<string | null> = {
  serialize: (_topic, text) => (text === null ? null : Buffer.from(text)),
};

export class AlertSystem {
  readonly driver: TopologyTestDriver;
  readonly metrics: CountingMetrics;
  /** All events so far, partition by partition in the order of the log. */
  readonly events: LifecycleEvent[] = [];
  readonly eventPartitions = new Map<string, number>();
  readonly #output: TestOutputTopic<string, LifecycleEvent>;
  readonly #deadLetters: TestOutputTopic<Uint8Array, Uint8Array>;

  private constructor(driver: TopologyTestDriver, metrics: CountingMetrics) {
    this.driver = driver;
    this.metrics = metrics;
    this.#output = driver.outputTopic('alert-events', stringSerde, jsonSerde<LifecycleEvent>());
    this.#deadLetters = driver.outputTopic('dead-letters', bytesSerde, bytesSerde);
  }

  static async start({ rules, topology, driver }: AlertSystemOptions): Promise<AlertSystem> {
    const metrics = new CountingMetrics();
    const running = await TopologyTestDriver.start({
      topology: alertEscalationTopology({
        serdes: { rawAlert: jsonSerde(), lifecycleEvent: jsonSerde(), alertRule: jsonSerde() },
        ...topology,
      }),
      stateFactory: new MemoryBackendFactory(),
      topicConfigs: Object.fromEntries(alertTopics(1).map(({ name, config }) => [name, config])),
      metrics,
      ...driver,
    });
    const system = new AlertSystem(running, metrics);
    for (const rule of rulesFromFile(rules ?? {})) await system.setRule(rule.sourceType, rule);
    return system;
  }

  /** Puts a rule on the topic, or a tombstone. */
  async setRule(sourceType: string, rule: AlertRule | null): Promise<void> {
    const headers = [[RULE_ORIGIN_HEADER, Buffer.from(RULE_ORIGIN_FILE)]] as const;
    await this.sendRaw('alert-rules', sourceType, rule === null ? null : JSON.stringify(rule), headers);
  }

  /** Puts an alert on the topic now; its key is its driver. */
  async send(alert: RawAlert, options: { partition?: number } = {}): Promise<void> {
    const topic = this.driver.inputTopic('raw-alerts', stringSerde, jsonSerde<RawAlert>());
    await topic.pipe(alert.driverId, alert, options);
    await this.#collect();
  }

  async sendRaw(
    topic: string,
    key: string,
    value: string | null,
    headers: readonly (readonly [string, Uint8Array])[] = [],
  ): Promise<void> {
    await this.driver.inputTopic(topic, stringSerde, verbatim).pipe(key, value, { headers });
    await this.#collect();
  }

  /** Moves the wall clock on to that time. */
  async until(timeMs: number): Promise<void> {
    await this.driver.advanceWallClock(Math.max(0, timeMs - this.driver.clock.now()));
    await this.#collect();
  }

  async restart(): Promise<void> {
    await this.driver.restart();
    await this.#collect();
  }

  /** The alerts table as the sink keeps it: the latest event of each alert, without the purged ones. */
  table(): LifecycleEvent[] {
    const rows = new Map<string, LifecycleEvent>();
    for (const event of this.events) {
      if ((rows.get(event.alertId)?.sequence ?? 0) < event.sequence) rows.set(event.alertId, event);
    }
    return [...rows.values()].filter(({ eventType }) => eventType !== 'PURGED');
  }

  /** The events of each alert in order. */
  eventsOf(alertId: string): LifecycleEvent[] {
    return this.events.filter((event) => event.alertId === alertId);
  }

  /** Dead letters that were not read yet: value and error headers as text. */
  async deadLetters(): Promise<{ value: string; headers: Record<string, string> }[]> {
    const records = await this.#deadLetters.read();
    return records.map(({ value, headers }) => ({
      value: Buffer.from(value).toString(),
      headers: Object.fromEntries((headers ?? []).map(([name, text]) => [name, Buffer.from(text).toString()])),
    }));
  }

  async close(): Promise<void> {
    await this.driver.close();
  }

  async #collect(): Promise<void> {
    for (const { value, partition } of await this.#output.read()) {
      this.events.push(value);
      this.eventPartitions.set(value.eventId, partition);
    }
  }
}
