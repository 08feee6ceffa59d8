/**
 * The topology of the logs on the test driver.
 */
import { newRule, type RuleDraft } from '../../processors/log-alerting/rule-draft.ts';
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { LogErrorCount } from '../../schemas/log-error-count.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import type { Serializer } from '../../streams/serde.ts';
import { jsonSerde, stringSerde } from '../../streams/serdes.ts';
import {
  TopologyTestDriver,
  type TestOutputTopic,
  type TopologyTestDriverOptions,
} from '../../streams/testing/topology-test-driver.ts';
import { logAlertingTopology } from '../../topologies/log-alerting.ts';
import { logTopics } from '../../topologies/log-topics.ts';
import { CountingMetrics } from './alert-system.ts';

export const START_MS = Date.UTC(2026, 10, 24, 9, 0, 0);
export const MINUTE_MS = 60_000;

/** A complete rule; throws when the draft is none. */
export const ruleOf = (draft: RuleDraft, id = 'rule-1'): LogAlertRule => {
  const outcome = newRule({ name: 'A rule', windowMinutes: 5, ...draft }, id, START_MS);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome.rule;
};

export const logOf = (fields: Partial<LogEvent> = {}): LogEvent => ({
  service: 'payment-service',
  level: 'info',
  message: 'Something happened',
  timestamp: START_MS,
  statusCode: null,
  responseTime: null,
  meta: '{}',
  ...fields,
});

const ruleOrTombstone: Serializer<LogAlertRule | null> = {
  serialize: (_topic, rule) => (rule === null ? null : Buffer.from(JSON.stringify(rule))),
};

export class LogSystem {
  readonly driver: TopologyTestDriver;
  readonly metrics: CountingMetrics;
  readonly alerts: LogAlert[] = [];
  /** The latest of each bucket, by service, resolution and start. */
  readonly errorCounts = new Map<string, number>();
  errorCountRecords = 0;
  readonly #alerts: TestOutputTopic<string, LogAlert>;
  readonly #counts: TestOutputTopic<string, LogErrorCount>;

  private constructor(driver: TopologyTestDriver, metrics: CountingMetrics) {
    this.driver = driver;
    this.metrics = metrics;
    this.#alerts = driver.outputTopic('log-alerts', stringSerde, jsonSerde<LogAlert>());
    this.#counts = driver.outputTopic('log-error-counts', stringSerde, jsonSerde<LogErrorCount>());
  }

  static async start(
    rules: readonly LogAlertRule[],
    options: Partial<TopologyTestDriverOptions> & { readonly graceMs?: number } = {},
  ): Promise<LogSystem> {
    const { graceMs, ...driverOptions } = options;
    const metrics = new CountingMetrics();
    const partitions = driverOptions.partitions ?? 1;
    const serdes = {
      logEvent: jsonSerde<LogEvent>(),
      logAlertRule: jsonSerde<LogAlertRule>(),
      logAlert: jsonSerde<LogAlert>(),
      logErrorCount: jsonSerde<LogErrorCount>(),
    };
    const driver = await TopologyTestDriver.start({
      topology: logAlertingTopology({ serdes, partitions, ...(graceMs !== undefined && { graceMs }) }),
      stateFactory: new MemoryBackendFactory(),
      // The clock of the log is the driver's; logs that tests date ahead of it are meant.
      topicConfigs: Object.fromEntries(logTopics(1).map(({ name, config }) => [name, config])),
      startTimeMs: START_MS,
      metrics,
      ...driverOptions,
    });
    const system = new LogSystem(driver, metrics);
    for (const rule of rules) await system.setRule(rule.id, rule);
    return system;
  }

  async setRule(id: string, rule: LogAlertRule | null): Promise<void> {
    await this.driver.inputTopic('log-alert-rules', stringSerde, ruleOrTombstone).pipe(id, rule);
  }

  /** Sends the log now: the clock goes on to its time when that lies ahead. */
  async log(fields: Partial<LogEvent> = {}): Promise<void> {
    const log = logOf({ timestamp: this.driver.clock.now(), ...fields });
    await this.until(log.timestamp);
    await this.driver.inputTopic('log-events', stringSerde, jsonSerde<LogEvent>()).pipe(log.service, log);
    await this.#collect();
  }

  async logs(count: number, fields: Partial<LogEvent>): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) await this.log(fields);
  }

  async until(timeMs: number): Promise<void> {
    const aheadMs = timeMs - this.driver.clock.now();
    if (aheadMs > 0) await this.driver.advanceWallClock(aheadMs);
    await this.#collect();
  }

  async pass(minutes: number): Promise<void> {
    await this.until(this.driver.clock.now() + minutes * MINUTE_MS);
  }

  /** Counters of that name, added up. */
  count(name: string): number {
    return this.metrics.of(name).reduce((sum, [, count]) => sum + count, 0);
  }

  async #collect(): Promise<void> {
    for (const { value } of await this.#alerts.read()) this.alerts.push(value);
    for (const { value } of await this.#counts.read()) {
      this.errorCountRecords += 1;
      this.errorCounts.set(
        `${value.service} ${value.resolution} ${new Date(value.bucketStart).toISOString()}`,
        value.count,
      );
    }
  }
}
