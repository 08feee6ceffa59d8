/**
 * Everything that has to be there before the processes start: topics, schemas, tables, rules.
 *
 * Invariant: every step leaves what is already right alone, so that running all of it again changes nothing and a run that
 * was cut short is completed by the next. What is in place after a step is what the next one needs.
 */
import type { AlertRule } from '../../schemas/alert-rule.ts';
import { alertRuleSchema, type RecordSchema } from '../../schemas/avro.ts';
import type { Clock, LogClient, TopicSpec } from '../../streams/ports.ts';
import type { SchemaRegistryClient } from '../registry/schema-registry-client.ts';
import { createMissingTopics } from './create-topics.ts';
import { publishRules, readRules, type RuleOnTopic, type RuleTopicOptions } from './rule-topic.ts';
import { untilAvailable } from './until-available.ts';

/** What becomes of the rules file, given the rules that are on the topic. */
export interface Seeding {
  readonly publish: readonly AlertRule[];
  /** Source types whose rule from the file is to be removed. */
  readonly withdraw: readonly string[];
  /** Rules of the file that give way to others on the topic. */
  readonly overruled: readonly { readonly inFile: AlertRule }[];
}

export interface SetupPlan {
  readonly topics: readonly TopicSpec[];
  readonly schemas: readonly { readonly topic: string; readonly schema: RecordSchema<unknown> }[];
  readonly rules: Omit<RuleTopicOptions, 'serde'> & { readonly decide: (onTopic: readonly RuleOnTopic[]) => Seeding };
}

export interface SetupServices {
  readonly kafka: LogClient;
  readonly registry: Pick<SchemaRegistryClient, 'register' | 'serdeFor'>;
  /** Resolves with the names of the migrations that were pending. */
  readonly migrate: () => Promise<readonly string[]>;
  /** The addresses for messages, without credentials. */
  readonly names: { readonly kafka: string; readonly registry: string; readonly database: string };
}

export interface SetupRun {
  readonly waitMs: number;
  readonly clock: Clock;
  /** Gets one line for each thing that is done or waited for. */
  readonly say: (line: string) => void;
}

export const subjectOf = (topic: string): string => `${topic}-value`;

const listOf = (names: readonly string[]): string => names.join(', ');

const createTopics = async (plan: SetupPlan, { kafka, names }: SetupServices, run: SetupRun): Promise<void> => {
  const admin = kafka.admin();
  try {
    const created = await untilAvailable({ ...run, service: names.kafka }, () =>
      createMissingTopics(admin, plan.topics),
    );
    run.say(created.length > 0 ? `Topics created: ${listOf(created)}` : `Topics are in place (${plan.topics.length})`);
  } finally {
    await admin.close();
  }
};

const registerSchemas = async (plan: SetupPlan, { registry, names }: SetupServices, run: SetupRun): Promise<void> => {
  for (const { topic, schema } of plan.schemas) {
    const subject = subjectOf(topic);
    const id = await untilAvailable({ ...run, service: names.registry }, () => registry.register(subject, schema));
    run.say(`Schema ${schema.name} is registered under ${subject} with id ${id}`);
  }
};

const migrateTables = async ({ migrate, names }: SetupServices, run: SetupRun): Promise<void> => {
  const applied = await untilAvailable({ ...run, service: names.database }, migrate);
  run.say(applied.length > 0 ? `Migrations applied: ${listOf(applied)}` : 'Tables are up to date');
};

const seedRules = async (plan: SetupPlan, { kafka, registry }: SetupServices, run: SetupRun): Promise<void> => {
  const { topic, decide } = plan.rules;
  const options = { ...plan.rules, serde: await registry.serdeFor(subjectOf(topic), alertRuleSchema) };
  const reader = kafka.reader();
  const producer = kafka.plainProducer();
  try {
    const { rules, unusable } = await readRules(options, reader);
    for (const line of unusable) run.say(line);
    const { publish, withdraw, overruled } = decide(rules);
    await publishRules(options, producer, publish, withdraw);
    for (const { inFile } of overruled) {
      run.say(
        `The rule "${inFile.sourceType}" set on ${topic} stays; the one in the rules file differs and is not used`,
      );
    }
    if (publish.length > 0) run.say(`Rules published: ${listOf(publish.map(({ sourceType }) => sourceType))}`);
    if (withdraw.length > 0) run.say(`Rules removed, as they left the rules file: ${listOf(withdraw)}`);
    if (publish.length + withdraw.length === 0) run.say('Rules are in place');
  } finally {
    await Promise.all([reader.close(), producer.close()]);
  }
};

/** Does all steps in order. Rejects with the first fault that waiting does not heal; its message is for the operator. */
export const setUp = async (plan: SetupPlan, services: SetupServices, run: SetupRun): Promise<void> => {
  await createTopics(plan, services, run);
  await registerSchemas(plan, services, run);
  await migrateTables(services, run);
  await untilAvailable({ ...run, service: services.names.kafka }, () => seedRules(plan, services, run));
};
