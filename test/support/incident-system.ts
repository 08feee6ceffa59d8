/**
 * The incidents topology on the test driver, with commands as the gateway sends them.
 */
import type { CommandResult } from '../../schemas/command-result.ts';
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import type { IncidentCommand } from '../../schemas/incident-command.ts';
import type { IncidentEvent } from '../../schemas/incident-event.ts';
import { incidentIdOf, partitionOfIncident } from '../../schemas/incident-id.ts';
import type { Incident } from '../../schemas/incident.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { LogAlert } from '../../schemas/log-alert.ts';
import { MemoryBackendFactory } from '../../state/memory-backend.ts';
import type { Serializer } from '../../streams/serde.ts';
import { jsonSerde, stringSerde } from '../../streams/serdes.ts';
import {
  TopologyTestDriver,
  type TestOutputTopic,
  type TestRecord,
  type TopologyTestDriverOptions,
} from '../../streams/testing/topology-test-driver.ts';
import { type IncidentOptions, incidentsTopology } from '../../topologies/incidents.ts';
import { CountingMetrics } from './alert-system.ts';

export const START_MS = Date.UTC(2026, 0, 1, 10);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const logAlert = (service: string, ruleId: string, atMs: number, rest: Partial<LogAlert> = {}): LogAlert => ({
  alertId: `${service}.${ruleId}.${atMs}`,
  fingerprint: `${ruleId}|${service}|HIGH`,
  ruleId,
  ruleName: `Rule ${ruleId}`,
  ruleType: 'ERROR_THRESHOLD',
  service,
  severity: 'HIGH',
  count: 120,
  value: 120,
  threshold: 100,
  windowMinutes: 5,
  cooldownMinutes: 10,
  windowStart: atMs - 5 * MINUTE,
  windowEnd: atMs,
  triggeredAt: atMs,
  message: `${service} had 120 errors in 5 minutes`,
  ...rest,
});

export const policy = (rest: Partial<EscalationPolicy> = {}): EscalationPolicy => ({
  id: 'on-call',
  name: 'On call',
  enabled: true,
  severities: null,
  services: null,
  tiers: [
    { delayMinutes: 5, assignee: 'anna' },
    { delayMinutes: 10, assignee: 'ben' },
  ],
  repeat: 0,
  driverSourceTypes: null,
  ...rest,
});

const verbatim: Serializer<string | null> = {
  serialize: (_topic, text) => (text === null ? null : Buffer.from(text)),
};

export interface IncidentSystemOptions {
  readonly topology?: Partial<IncidentOptions>;
  readonly driver?: Partial<TopologyTestDriverOptions>;
}

export class IncidentSystem {
  readonly driver: TopologyTestDriver;
  readonly metrics: CountingMetrics;
  /** All events so far, partition by partition in the order of the log. */
  readonly events: IncidentEvent[] = [];
  readonly eventRecords: TestRecord<string, IncidentEvent>[] = [];
  readonly results: CommandResult[] = [];
  readonly #output: TestOutputTopic<string, IncidentEvent>;
  readonly #resultOutput: TestOutputTopic<string, CommandResult>;
  #commands = 0;

  private constructor(driver: TopologyTestDriver, metrics: CountingMetrics) {
    this.driver = driver;
    this.metrics = metrics;
    this.#output = driver.outputTopic('incident-events', stringSerde, jsonSerde<IncidentEvent>());
    this.#resultOutput = driver.outputTopic('incident-results', stringSerde, jsonSerde<CommandResult>());
  }

  static async start({ topology, driver }: IncidentSystemOptions = {}): Promise<IncidentSystem> {
    const metrics = new CountingMetrics();
    const running = await TopologyTestDriver.start({
      topology: incidentsTopology({
        serdes: {
          logAlert: jsonSerde<LogAlert>(),
          lifecycleEvent: jsonSerde<LifecycleEvent>(),
          incidentCommand: jsonSerde<IncidentCommand>(),
          incidentEvent: jsonSerde<IncidentEvent>(),
          commandResult: jsonSerde<CommandResult>(),
        },
        ...topology,
      }),
      stateFactory: new MemoryBackendFactory(),
      startTimeMs: START_MS,
      metrics,
      ...driver,
    });
    return new IncidentSystem(running, metrics);
  }

  /** Puts a log alert on its topic now. */
  async alert(alert: LogAlert): Promise<void> {
    await this.driver.inputTopic('log-alerts', stringSerde, jsonSerde<LogAlert>()).pipe(alert.service, alert);
    await this.#collect();
  }

  /** A driver alert that escalated, as the escalation topology passes it on. */
  async escalated(event: LifecycleEvent): Promise<void> {
    const topic = this.driver.inputTopic('driver-escalations', stringSerde, jsonSerde<LifecycleEvent>());
    await topic.pipe(event.driverId, event);
    await this.#collect();
  }

  /** Sends a command at the present time of the clock and answers its result. */
  async command(
    incidentId: string,
    commandType: IncidentCommand['commandType'],
    rest: Partial<IncidentCommand> = {},
  ): Promise<CommandResult> {
    const command = this.commandOf(incidentId, commandType, rest);
    const topic = this.driver.inputTopic('incident-commands', stringSerde, jsonSerde<IncidentCommand>());
    const partition = partitionOfIncident(incidentId) ?? 0;
    await topic.pipe(incidentId, command, { partition });
    await this.#collect();
    const result = this.results.find(({ commandId }) => commandId === command.commandId);
    if (result === undefined) throw new Error(`no result for ${JSON.stringify(command)}`);
    return result;
  }

  commandOf(
    incidentId: string,
    commandType: IncidentCommand['commandType'],
    rest: Partial<IncidentCommand>,
  ): IncidentCommand {
    this.#commands += 1;
    return {
      commandId: `command-${this.#commands}`,
      commandType,
      incidentId,
      ...{ status: null, expectedVersion: null, title: null, description: null, severity: null, service: null },
      ...{ assignee: null, text: null, actor: null },
      timestamp: this.driver.clock.now(),
      ...rest,
    };
  }

  setStatus(incidentId: string, status: string, rest: Partial<IncidentCommand> = {}): Promise<CommandResult> {
    return this.command(incidentId, 'SET_STATUS', { status, ...rest });
  }

  async setPolicy(id: string, record: unknown): Promise<void> {
    await this.#sendRaw('escalation-policies', id, record);
  }

  async setDependencies(service: string, dependsOn: readonly string[] | null): Promise<void> {
    await this.#sendRaw('service-dependencies', service, dependsOn === null ? null : { service, dependsOn });
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

  /** The latest state of each incident by its events, in the order of their ids. */
  incidents(): Incident[] {
    const latest = new Map<string, Incident>();
    for (const event of this.events) latest.set(event.incidentId, JSON.parse(event.incident) as Incident);
    return [...latest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  active(): Incident[] {
    return this.incidents().filter(({ status }) => status !== 'RESOLVED');
  }

  /** Events as short words, in the order of the log. */
  steps(): string[] {
    return this.events.map(
      ({ eventType, metadata }) => `${eventType} ${(JSON.parse(metadata) as { reason: string }).reason}`,
    );
  }

  close(): Promise<void> {
    return this.driver.close();
  }

  async #sendRaw(topic: string, key: string, value: unknown): Promise<void> {
    const text = value === null ? null : JSON.stringify(value);
    await this.driver.inputTopic(topic, stringSerde, verbatim).pipe(key, text, { partition: 0 });
    await this.#collect();
  }

  async #collect(): Promise<void> {
    for (const record of await this.#output.read()) {
      this.events.push(record.value);
      this.eventRecords.push(record);
    }
    this.results.push(...(await this.#resultOutput.read()).map(({ value }) => value));
  }
}

let made = 0;

/** An id as the gateway makes it. */
export const newIncidentId = (partition = 0): string => {
  made += 1;
  return incidentIdOf(START_MS, partition, { high: 0, low: made });
};
