/**
 * The rules topic as commands use it.
 *
 * Invariant: what a command writes carries the operator's origin, so that seeding never overwrites it.
 */
import { readRules, type RulesOnTopic, type RuleTopicOptions } from '../../connectors/setup/rule-topic.ts';
import { RULE_ORIGIN_FILE, RULE_ORIGIN_HEADER, RULE_ORIGIN_OPERATOR } from '../../processors/rule-seeding.ts';
import { checkRule, RETENTION_ENTRY } from '../../processors/rules.ts';
import { SETTINGS_SOURCE_TYPE, type AlertRule } from '../../schemas/alert-rule.ts';
import type { LogProducer, LogReader } from '../../streams/ports.ts';
import type { Serde } from '../../streams/serde.ts';

export interface RuleTopic {
  readonly topic: string;
  readonly serde: Serde<AlertRule>;
}

/** The latest usable rule of each source type, and what is wrong with the others. */
export const rulesOnTopic = ({ topic, serde }: RuleTopic, reader: LogReader): Promise<RulesOnTopic> => {
  const origin: RuleTopicOptions['origin'] = { header: RULE_ORIGIN_HEADER, file: RULE_ORIGIN_FILE };
  return readRules({ topic, serde, origin, check: checkRule }, reader);
};

/** Resolves once all are durable. Null removes the rule. */
export async function writeRules(
  { topic, serde }: RuleTopic,
  producer: Pick<LogProducer, 'send'>,
  rules: ReadonlyMap<string, AlertRule | null>,
): Promise<void> {
  const headers = [[RULE_ORIGIN_HEADER, Buffer.from(RULE_ORIGIN_OPERATOR)]] as const;
  const records = [...rules].map(([sourceType, rule]) => {
    // The serializer answers a view that its next call overwrites.
    const value = rule === null ? null : Uint8Array.from(serde.serialize(topic, rule) ?? []);
    return { topic, partition: 0, key: Buffer.from(sourceType), value, headers };
  });
  if (records.length > 0) await producer.send(records);
}

/** A rule's source type from its name in a rules file, and back. */
export const sourceTypeOf = (name: string): string => (name === RETENTION_ENTRY ? SETTINGS_SOURCE_TYPE : name);
export const nameOf = (sourceType: string): string =>
  sourceType === SETTINGS_SOURCE_TYPE ? RETENTION_ENTRY : sourceType;
