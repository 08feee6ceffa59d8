import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { createLogger } from '../../../connectors/observability/pino-logger.ts';
import { SchemaRegistryClient } from '../../../connectors/registry/schema-registry-client.ts';
import { readRules } from '../../../connectors/setup/rule-topic.ts';
import { subjectOf } from '../../../connectors/setup/set-up.ts';
import { RULE_ORIGIN_FILE, RULE_ORIGIN_HEADER } from '../../../processors/rule-seeding.ts';
import { checkRule } from '../../../processors/rules.ts';
import type { AlertRule } from '../../../schemas/alert-rule.ts';
import { alertRuleSchema, rawAlertSchema } from '../../../schemas/avro.ts';
import { incidentTopicNames, incidentTopics } from '../../../topologies/incident-topics.ts';
import { logTopicNames, logTopics } from '../../../topologies/log-topics.ts';
import { alertTopics, topicNames } from '../../../topologies/topics.ts';

const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, MYSQL_URL } = process.env as Record<string, string>;
const id = randomUUID().slice(0, 8);
const prefix = `setup-test-${id}-`;
const database = `alerts_setup_${id}`;
const names = topicNames(prefix);
const ownTopics = alertTopics(3, names).map(({ name }) => name);
const allTopics = [
  ...alertTopics(3, names),
  ...logTopics(3, logTopicNames(prefix)),
  ...incidentTopics(3, incidentTopicNames(prefix)),
].map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), 'setup-test-'));
const rulesFile = join(folder, 'rules.json');

const kafka = new KafkaLogClient({
  brokers: (KAFKA_BROKERS as string).split(','),
  clientId: 'setup-test',
  logger: createLogger({ service: 'test', level: 'error' }),
});
const registry = new SchemaRegistryClient({ url: SCHEMA_REGISTRY_URL as string });

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const databaseUrl = (): string => {
  const url = new URL(MYSQL_URL as string);
  url.pathname = `/${database}`;
  return url.href;
};

const runSetup = (environment: Record<string, string> = {}): Promise<Outcome> => {
  const env = {
    ...process.env,
    KAFKA_BROKERS,
    SCHEMA_REGISTRY_URL,
    MYSQL_URL: databaseUrl(),
    TOPIC_PREFIX: prefix,
    ALERT_PARTITIONS: '3',
    RULES_FILE: rulesFile,
    ...environment,
  };
  const args = ['--disable-warning=TimeoutNegativeWarning', join(import.meta.dirname, '../../../bin/setup.ts')];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
};

const writeRules = (overspeed: object): void => {
  writeFileSync(rulesFile, JSON.stringify({ overspeed, compliance: { auto_close_if: 'document_valid' } }));
};

const rulesOnTopic = async (): Promise<Readonly<Record<string, AlertRule>>> => {
  const serde = await registry.serdeFor(subjectOf(names.alertRules), alertRuleSchema);
  const options = {
    topic: names.alertRules,
    serde,
    origin: { header: RULE_ORIGIN_HEADER, file: RULE_ORIGIN_FILE },
    check: checkRule,
  };
  const reader = kafka.reader();
  const { rules } = await readRules(options, reader);
  await reader.close();
  return Object.fromEntries(rules.map(({ rule }) => [rule.sourceType, rule]));
};

const query = async (url: string, sql: string): Promise<unknown> => {
  const connection = await mysql.createConnection(url);
  try {
    const [rows] = await connection.query(sql);
    return rows;
  } finally {
    await connection.end();
  }
};

beforeAll(() => query(MYSQL_URL as string, `CREATE DATABASE ${database}`));

afterAll(async () => {
  await kafka.admin().deleteTopics(allTopics);
  await kafka.close();
  await query(MYSQL_URL as string, `DROP DATABASE IF EXISTS ${database}`);
  await Promise.all(
    allTopics
      .map(subjectOf)
      .map((subject) => fetch(`${SCHEMA_REGISTRY_URL}/subjects/${subject}`, { method: 'DELETE' })),
  );
  rmSync(folder, { recursive: true });
});

describe('bin/setup.ts', () => {
  it('changes nothing when the rules file has a mistake, and names it', async () => {
    writeRules({ escalate_if_count: 0, window_mins: 2 });
    const { code, stderr } = await runSetup();
    expect(code).toBe(1);
    expect(stderr).toMatch(/"overspeed".*escalate_if_count is 0; allowed is a whole number from 1/s);
    expect(stderr).not.toContain('    at ');
    expect((await kafka.admin().partitionCounts(allTopics)).size).toBe(0);
  });

  it('puts everything in place, and [INV-SETUP-IDEMPOTENT] a second run changes nothing', async () => {
    writeRules({ escalate_if_count: 3, window_mins: 0.5 });
    const first = await runSetup();
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('Rules published: overspeed, compliance');

    const admin = kafka.admin();
    expect(Object.fromEntries(await admin.partitionCounts(ownTopics))).toEqual({
      [names.rawAlerts]: 3,
      [names.alertEvents]: 3,
      [names.alertCommands]: 3,
      [names.alertResults]: 3,
      [names.alertRules]: 1,
      [names.deadLetters]: 1,
    });
    expect((await admin.topicConfig(names.rawAlerts)).get('message.timestamp.type')).toBe('LogAppendTime');
    expect((await admin.topicConfig(names.alertRules)).get('cleanup.policy')).toBe('compact');
    const schemaId = await registry.lookup(subjectOf(names.rawAlerts), rawAlertSchema);
    expect((await rulesOnTopic())['overspeed']).toMatchObject({
      escalateIfCount: 3,
      windowMins: 0.5,
      escalateTo: null,
    });
    const tables = await query(databaseUrl(), 'SHOW TABLES');
    expect(JSON.stringify(tables)).toContain('"alert_events"');

    const before = await kafka.reader().range({ topic: names.alertRules, partition: 0 });
    const second = await runSetup();
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain(`Topics are in place (${allTopics.length})`);
    expect(second.stdout).toContain('Tables are up to date');
    expect(second.stdout).toContain('Rules are in place');
    expect(await kafka.reader().range({ topic: names.alertRules, partition: 0 })).toEqual(before);
    expect(await registry.lookup(subjectOf(names.rawAlerts), rawAlertSchema)).toBe(schemaId);
  });

  it('publishes a rule that changed in the file', async () => {
    writeRules({ escalate_if_count: 7, window_mins: 2 });
    expect((await runSetup()).stdout).toContain('Rules published: overspeed\n');
    expect((await rulesOnTopic())['overspeed']).toMatchObject({ escalateIfCount: 7, windowMins: 2 });
  });

  it('refuses to create topics beside ones of another partition count', async () => {
    const { code, stderr } = await runSetup({ ALERT_PARTITIONS: '5' });
    expect(code).toBe(1);
    expect(stderr).toContain(`${names.rawAlerts} has 3, not 5`);
  });

  it.each([
    ['KAFKA_BROKERS', '127.0.0.1:1', 'Kafka at 127.0.0.1:1'],
    ['SCHEMA_REGISTRY_URL', 'http://127.0.0.1:1/apis/ccompat/v7', 'The schema registry at http://127.0.0.1:1'],
    ['MYSQL_URL', 'mysql://alerts:hunter2@127.0.0.1:1/alerts', 'The database alerts at 127.0.0.1:1'],
  ])('waits for a service that is away only as long as it was told: %s', async (variable, address, service) => {
    const startMs = performance.now();
    const { code, stdout, stderr } = await runSetup({ [variable]: address, SETUP_WAIT_MS: '3000' });
    expect(code).toBe(1);
    expect(stdout).toContain(`Waiting for ${service}`);
    expect(stderr).toContain(`${service}`);
    expect(stderr).toContain('was not available within 3 s');
    expect(stdout + stderr).not.toContain('hunter2');
    expect(performance.now() - startMs).toBeLessThan(30_000);
  });

  it('names a variable that cannot be used', async () => {
    const { code, stderr } = await runSetup({ ALERT_PARTITIONS: 'four' });
    expect(code).toBe(1);
    expect(stderr).toBe('ALERT_PARTITIONS is "four"; allowed is a whole number from 1 to 1024.\n');
  });
});
