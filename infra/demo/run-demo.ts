/**
 * One demo from its beginning to its end: finds the stack, scales the rules, plays, and puts everything back.
 *
 * Invariant: however the demo ends, by its end, by a fault or by Ctrl-C, the former rules are put back before the stack is let go.
 */
import { KafkaLogClient } from '../../connectors/kafka/kafka-log-client.ts';
import type { KafkaClientOptions } from '../../connectors/kafka/config.ts';
import type { LogClient } from '../../connectors/log.ts';
import { openMysql } from '../../connectors/mysql/database.ts';
import { createLogger } from '../../connectors/observability/pino-logger.ts';
import { SchemaRegistryClient, type SchemaRegistryOptions } from '../../connectors/registry/schema-registry-client.ts';
import { subjectOf } from '../../connectors/setup/set-up.ts';
import { systemClock } from '../../connectors/system-clock.ts';
import { rulesFromFile } from '../../processors/rules.ts';
import { alertRuleSchema } from '../../schemas/avro.ts';
import { CASE_DRIVERS, CASE_RULES, CASE_SECONDS, type CaseAlert } from './case.ts';
import { play } from './play.ts';
import { findOrStartStack } from './running-stack.ts';
import { ScaledRules } from './scaled-rules.ts';
import { readTables } from './tables.ts';

export interface DemoOptions {
  readonly speed: number;
  readonly gatewayUrl: string;
  readonly apiKey: string | undefined;
  readonly rulesTopic: string;
  readonly kafka: Pick<KafkaClientOptions, 'brokers' | 'ssl' | 'sasl'>;
  readonly registry: SchemaRegistryOptions;
  readonly mysqlUrl: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The processors read a changed rule within milliseconds; nothing tells when the last of them has. */
const RULES_SETTLE_MS = 2_000;
const ANSWER_TIMEOUT_MS = 15_000;

/** A suffix that no other demo has, so that each begins with drivers nobody knows. */
const driverNamer = (): ((driver: string) => string) => {
  const run = Date.now().toString(36).slice(-5);
  return (driver) => `${driver}-${run}`;
};

const sender =
  ({ gatewayUrl, apiKey }: DemoOptions, nameOf: (driver: string) => string) =>
  async ({ driver, sourceType, severity, metadata }: CaseAlert): Promise<{ alertId: string; status: string }> => {
    const timestamp = new Date().toISOString();
    const response = await fetch(`${gatewayUrl}/process-alert`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }) },
      body: JSON.stringify({ sourceType, driverId: nameOf(driver), severity, timestamp, metadata }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const answer = (await response.json()) as { alertId: string; status: string; message?: string };
    if (!response.ok) throw new Error(`The gateway refused an alert with ${response.status}: ${answer.message}`);
    return answer;
  };

const announce = ({ speed, say }: DemoOptions, drivers: readonly string[]): void => {
  const real = (minutes: number): string => `${Number(((minutes * 60) / speed).toFixed(1))} s`;
  const { overspeed, retention } = CASE_RULES;
  say(`Drivers: ${drivers.join(', ')}`);
  say(
    `Time runs ${speed} times as fast: the window of ${overspeed.window_mins} min takes ${real(overspeed.window_mins)}, ` +
      `closing after ${overspeed.auto_close_after_mins} min ${real(overspeed.auto_close_after_mins)}, ` +
      `purging after ${retention.purge_after_mins} min ${real(retention.purge_after_mins)}; ` +
      `all of it about ${real(CASE_SECONDS.purged / 60)}`,
  );
};

const perform = async (options: DemoOptions, kafka: LogClient): Promise<boolean> => {
  const { speed, say, signal, rulesTopic, mysqlUrl } = options;
  const nameOf = driverNamer();
  const drivers = CASE_DRIVERS.map(nameOf);
  const registry = new SchemaRegistryClient(options.registry);
  const serializer = await registry.serdeFor(subjectOf(rulesTopic), alertRuleSchema);
  const database = openMysql({ url: mysqlUrl });
  const rules = new ScaledRules({
    topic: rulesTopic,
    reader: kafka.reader(),
    producer: kafka.plainProducer(),
    serializer,
  });
  try {
    announce(options, drivers);
    await rules.put(rulesFromFile(CASE_RULES), speed);
    await systemClock.sleep(RULES_SETTLE_MS, signal);
    const look = () => readTables(database, drivers);
    const problems = await play({ send: sender(options, nameOf), look, say, clock: systemClock, signal, speed });
    say(problems.length === 0 ? 'The case came out exactly.' : `The case did not come out: ${problems.join('; ')}`);
    return problems.length === 0;
  } finally {
    await rules.restore();
    say('The former rules are back.');
    await database.close();
  }
};

/** Resolves with whether the case came out as it must. Rejects when it could not be played. */
export const runDemo = async (options: DemoOptions): Promise<boolean> => {
  const { gatewayUrl, environment, say, signal } = options;
  const stack = await findOrStartStack(gatewayUrl, environment, say, signal);
  const logger = createLogger({ service: 'demo', level: 'warn' });
  const kafka = new KafkaLogClient({ ...options.kafka, clientId: 'demo', logger });
  try {
    return await perform(options, kafka);
  } finally {
    await kafka.close();
    await stack.stop();
  }
};
