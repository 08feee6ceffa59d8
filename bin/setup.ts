#!/usr/bin/env node
/**
 * The set-up step: topics, schemas, tables and rules, put in place before the processes start.
 *
 * Invariant: it can be run at any time and any number of times, and a rules file with a mistake in it changes nothing.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { readSetupConfig, SETUP_SETTINGS } from '../connectors/config/processes.ts';
import {
  KAFKA_SETTINGS,
  MYSQL_SETTINGS,
  readKafkaConnection,
  readMysqlUrl,
  readRegistryConnection,
  REGISTRY_SETTINGS,
} from '../connectors/config/services.ts';
import { ConfigError, describeSettings } from '../connectors/config/settings.ts';
import { KafkaLogClient } from '../connectors/kafka/kafka-log-client.ts';
import { parseMysqlUrl } from '../connectors/mysql/connection-options.ts';
import { createLogger } from '../connectors/observability/pino-logger.ts';
import { SchemaRegistryClient } from '../connectors/registry/schema-registry-client.ts';
import { setUp, type SetupPlan } from '../connectors/setup/set-up.ts';
import { systemClock } from '../connectors/system-clock.ts';
import { decideSeeding, RULE_ORIGIN_FILE, RULE_ORIGIN_HEADER } from '../processors/rule-seeding.ts';
import { checkRule, InvalidRulesError, parseRules } from '../processors/rules.ts';
import {
  alertCommandSchema,
  alertRuleSchema,
  commandResultSchema,
  incidentCommandSchema,
  incidentEventSchema,
  lifecycleEventSchema,
  logAlertRuleSchema,
  logAlertSchema,
  logErrorCountSchema,
  logEventSchema,
  rawAlertSchema,
} from '../schemas/avro.ts';
import type { AlertRule } from '../schemas/alert-rule.ts';
import { migrate } from '../sink/migrate.ts';
import { StreamsError } from '../streams/errors.ts';
import { incidentTopicNames, incidentTopics } from '../topologies/incident-topics.ts';
import { logTopicNames, logTopics } from '../topologies/log-topics.ts';
import { alertTopics, topicNames } from '../topologies/topics.ts';

/** A single attempt; the waiting around it is the set-up's own. */
const ATTEMPT_MS = 2000;

const readRulesFile = (path: string): readonly AlertRule[] => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError([`RULES_FILE is "${path}", which cannot be read: ${(cause as Error).message}.`], { cause });
  }
  return parseRules(text);
};

const planOf = (rules: readonly AlertRule[], topicPrefix: string, partitions: number): SetupPlan => {
  const names = topicNames(topicPrefix);
  const logs = logTopicNames(topicPrefix);
  const incidents = incidentTopicNames(topicPrefix);
  return {
    topics: [
      ...alertTopics(partitions, names),
      ...logTopics(partitions, logs),
      ...incidentTopics(partitions, incidents),
    ],
    schemas: [
      { topic: names.rawAlerts, schema: rawAlertSchema },
      { topic: names.alertEvents, schema: lifecycleEventSchema },
      { topic: names.alertRules, schema: alertRuleSchema },
      { topic: logs.logEvents, schema: logEventSchema },
      { topic: logs.logAlertRules, schema: logAlertRuleSchema },
      { topic: logs.logAlerts, schema: logAlertSchema },
      { topic: logs.logErrorCounts, schema: logErrorCountSchema },
      { topic: names.alertCommands, schema: alertCommandSchema },
      { topic: names.alertResults, schema: commandResultSchema },
      { topic: incidents.driverEscalations, schema: lifecycleEventSchema },
      { topic: incidents.incidentCommands, schema: incidentCommandSchema },
      { topic: incidents.incidentEvents, schema: incidentEventSchema },
      { topic: incidents.incidentResults, schema: commandResultSchema },
    ],
    rules: {
      topic: names.alertRules,
      origin: { header: RULE_ORIGIN_HEADER, file: RULE_ORIGIN_FILE },
      check: checkRule,
      decide: (onTopic) => decideSeeding(rules, onTopic),
    },
  };
};

const run = async (): Promise<void> => {
  const config = readSetupConfig(process.env);
  const connection = readKafkaConnection(process.env);
  const registry = new SchemaRegistryClient({ ...readRegistryConnection(process.env), timeoutMs: ATTEMPT_MS });
  const mysqlUrl = readMysqlUrl(process.env);
  const { host, port, database } = parseMysqlUrl(mysqlUrl);
  const plan = planOf(readRulesFile(config.rulesFile), config.topicPrefix, config.partitions);
  const logger = createLogger({ service: 'setup', level: 'error' });
  const kafka = new KafkaLogClient({ ...connection, clientId: 'setup', logger, faultTimeoutMs: ATTEMPT_MS });
  const names = {
    kafka: `Kafka at ${connection.brokers.join(', ')}`,
    registry: `The schema registry at ${registry.url}`,
    database: `The database ${database} at ${host}:${port}`,
  };
  try {
    const services = { kafka, registry, names, migrate: () => migrate(mysqlUrl, logger) };
    await setUp(plan, services, { waitMs: config.waitMs, clock: systemClock, say: (line) => console.log(line) });
  } finally {
    await kafka.close();
  }
};

new Command('setup')
  .description('Creates topics, registers schemas, migrates the database and seeds the rules; what is there stays.')
  .addHelpText(
    'after',
    `\nEnvironment:\n${describeSettings(SETUP_SETTINGS, KAFKA_SETTINGS, REGISTRY_SETTINGS, MYSQL_SETTINGS)}`,
  )
  .parse();

try {
  await run();
} catch (error) {
  const isForOperator =
    error instanceof ConfigError || error instanceof InvalidRulesError || error instanceof StreamsError;
  console.error(isForOperator ? error.message : error);
  process.exitCode = 1;
}
