import { describe, expect, it } from 'vitest';
import { avroSerde } from '../../../../connectors/registry/avro-serde.ts';
import { readRules } from '../../../../connectors/setup/rule-topic.ts';
import { setUp, type SetupPlan, type SetupServices } from '../../../../connectors/setup/set-up.ts';
import { decideSeeding, RULE_ORIGIN_FILE, RULE_ORIGIN_HEADER } from '../../../../processors/rule-seeding.ts';
import { checkRule, parseRules } from '../../../../processors/rules.ts';
import type { AlertRule } from '../../../../schemas/alert-rule.ts';
import { alertRuleSchema, rawAlertSchema } from '../../../../schemas/avro.ts';
import { RetriableLogError } from '../../../../streams/errors.ts';
import type { TopicSpec } from '../../../../streams/ports.ts';
import { InMemoryLog } from '../../../../streams/testing/in-memory-log.ts';
import { VirtualClock } from '../../../../streams/testing/virtual-clock.ts';

const RULES_TOPIC = 'alert-rules';
const ruleSerde = avroSerde({ schema: alertRuleSchema, schemaId: 3 });

const topic = (name: string, partitions: number): TopicSpec => ({ name, partitions, config: {} });
const rulesFile = (overspeed: object = { escalate_if_count: 3, window_mins: 2 }, more: object = {}): string =>
  JSON.stringify({ overspeed, compliance: { auto_close_if: 'document_valid' }, ...more });

const plan = (file: string, partitions = 4): SetupPlan => {
  const fileRules = parseRules(file);
  return {
    topics: [topic('raw-alerts', partitions), topic(RULES_TOPIC, 1)],
    schemas: [
      { topic: 'raw-alerts', schema: rawAlertSchema },
      { topic: RULES_TOPIC, schema: alertRuleSchema },
    ],
    rules: {
      topic: RULES_TOPIC,
      origin: { header: RULE_ORIGIN_HEADER, file: RULE_ORIGIN_FILE },
      check: checkRule,
      decide: (onTopic) => decideSeeding(fileRules, onTopic),
    },
  };
};

/** A set-up on memory that can be run again and again. */
const fixture = () => {
  const clock = new VirtualClock(1_795_512_804_000);
  const log = new InMemoryLog({ clock });
  const kafka = log.client('setup');
  const registered: string[] = [];
  const pending = ['0001-alerts'];
  const services: SetupServices = {
    kafka,
    registry: {
      register: async (subject) => registered.push(subject),
      serdeFor: async () => ruleSerde as never,
    },
    migrate: async () => pending.splice(0),
    names: { kafka: 'Kafka', registry: 'The registry', database: 'The database' },
  };
  const run = async (setupPlan: SetupPlan): Promise<string[]> => {
    const lines: string[] = [];
    const running = setUp(setupPlan, services, { waitMs: 10_000, clock, say: (line) => void lines.push(line) });
    await clock.runUntil(running);
    return lines;
  };
  const put = async (key: string, value: Uint8Array | null): Promise<void> => {
    const producer = kafka.plainProducer();
    await clock.runUntil(producer.send([{ topic: RULES_TOPIC, partition: 0, key: Buffer.from(key), value }]));
  };
  const putRule = (rule: AlertRule): Promise<void> =>
    put(rule.sourceType, Uint8Array.from(ruleSerde.serialize(RULES_TOPIC, rule) ?? []));
  const onTopic = () =>
    clock.runUntil(
      readRules({ ...plan(rulesFile()).rules, serde: ruleSerde }, kafka.reader()).then(({ rules }) =>
        Object.fromEntries(rules.map(({ rule, fromFile }) => [rule.sourceType, { rule: { ...rule }, fromFile }])),
      ),
    );
  const written = () => clock.runUntil(kafka.reader().range({ topic: RULES_TOPIC, partition: 0 }));
  return { clock, services, registered, run, put, putRule, onTopic, written };
};

describe('setting up', () => {
  it('creates topics, registers each schema under its subject, migrates and publishes the rules of the file', async () => {
    const { run, registered, onTopic } = fixture();
    expect(await run(plan(rulesFile()))).toEqual([
      'Topics created: raw-alerts, alert-rules',
      'Schema RawAlert is registered under raw-alerts-value with id 1',
      'Schema AlertRule is registered under alert-rules-value with id 2',
      'Migrations applied: 0001-alerts',
      'Rules published: overspeed, compliance',
    ]);
    expect(registered).toEqual(['raw-alerts-value', 'alert-rules-value']);
    expect(await onTopic()).toMatchObject({
      overspeed: { rule: { escalateIfCount: 3, windowMins: 2 }, fromFile: true },
      compliance: { rule: { autoCloseIf: 'document_valid' }, fromFile: true },
    });
  });

  it('[INV-SETUP-IDEMPOTENT] changes nothing when it is run again', async () => {
    const { run, written } = fixture();
    await run(plan(rulesFile()));
    const before = await written();
    const lines = await run(plan(rulesFile()));
    expect(await written()).toEqual(before);
    expect([lines[0], ...lines.slice(-2)]).toEqual([
      'Topics are in place (2)',
      'Tables are up to date',
      'Rules are in place',
    ]);
  });

  it('refuses topics of another partition count before it creates any', async () => {
    const { run, services, clock } = fixture();
    await clock.runUntil(services.kafka.admin().createTopics([topic('raw-alerts', 8)]));
    await expect(run(plan(rulesFile()))).rejects.toThrow(/raw-alerts has 8, not 4.*ALERT_PARTITIONS/);
    const counts = await clock.runUntil(services.kafka.admin().partitionCounts(['raw-alerts', RULES_TOPIC]));
    expect([...counts]).toEqual([['raw-alerts', 8]]);
  });

  it('waits for a service that is still starting', async () => {
    const { run, services } = fixture();
    let attempts = 0;
    const migrate = async (): Promise<readonly string[]> => {
      if (++attempts < 3) throw new RetriableLogError('AWAY', 'connection refused');
      return [];
    };
    Object.assign(services, { migrate });
    expect(await run(plan(rulesFile()))).toContain('Waiting for The database (0 of 10 s): connection refused');
  });
});

describe('[INV-RULE-SEEDING] seeding rules', () => {
  it('replaces a rule that came from the file when the file changes, and removes one that left it', async () => {
    const { run, onTopic } = fixture();
    await run(plan(rulesFile(undefined, { parking: { auto_close_after_mins: 1 } })));
    const lines = await run(plan(rulesFile({ escalate_if_count: 5, window_mins: 0.5 })));
    expect(lines.slice(-2)).toEqual([
      'Rules published: overspeed',
      'Rules removed, as they left the rules file: parking',
    ]);
    const rules = await onTopic();
    expect(Object.keys(rules).toSorted()).toEqual(['compliance', 'overspeed']);
    expect(rules['overspeed']).toMatchObject({ rule: { escalateIfCount: 5, windowMins: 0.5 }, fromFile: true });
  });

  it('leaves a rule that an operator has set through the topic, and says so', async () => {
    const { run, putRule, onTopic } = fixture();
    await run(plan(rulesFile()));
    const seeded = (await onTopic())['overspeed'];
    await putRule({ ...(seeded?.rule as AlertRule), escalateIfCount: 9 });
    const lines = await run(plan(rulesFile()));
    expect(lines.at(-2)).toContain('The rule "overspeed" set on alert-rules stays');
    expect((await onTopic())['overspeed']).toMatchObject({ rule: { escalateIfCount: 9 }, fromFile: false });
  });

  it('publishes the rule of the file again where the topic has none that can be used', async () => {
    const { run, put, onTopic } = fixture();
    await run(plan(rulesFile()));
    await put('compliance', null);
    await put('overspeed', Buffer.from('not a rule'));
    const lines = await run(plan(rulesFile()));
    expect(lines.join('\n')).toContain('The rule "overspeed" on alert-rules cannot be used');
    expect(lines.at(-1)).toBe('Rules published: overspeed, compliance');
    expect(Object.keys(await onTopic())).toHaveLength(2);
  });

  it('takes a rule that says nothing usable for none, though its bytes can be read', async () => {
    const { run, putRule, onTopic } = fixture();
    await run(plan(rulesFile()));
    const seeded = (await onTopic())['overspeed']?.rule as AlertRule;
    await putRule({ ...seeded, windowMins: null });
    const lines = await run(plan(rulesFile()));
    expect(lines.join('\n')).toMatch(/The rule "overspeed" on alert-rules cannot be used: .*windowMins/s);
    expect((await onTopic())['overspeed']).toEqual({ rule: seeded, fromFile: true });
  });
});
