/**
 * The compacted topic of rules as a table: the latest record of each key, and changes to it.
 *
 * Invariant: a rule that this program cannot use counts as none, so that it never keeps a usable one away; who wrote a rule
 * is told by its header alone.
 */
import type { AlertRule } from '../../schemas/alert-rule.ts';
import type { LogProducer, LogReader, LogRecord, ProducedRecord } from '../../streams/ports.ts';
import type { Serde } from '../../streams/serde.ts';

export interface RuleTopicOptions {
  readonly topic: string;
  readonly serde: Serde<AlertRule>;
  /** Header and value (UTF-8) of rules that come from the rules file. */
  readonly origin: { readonly header: string; readonly file: string };
  /** Throws, saying why, when a rule cannot be used under this key. */
  readonly check: (key: string, rule: AlertRule) => void;
}

export interface RuleOnTopic {
  readonly rule: AlertRule;
  readonly fromFile: boolean;
}

export interface RulesOnTopic {
  readonly rules: readonly RuleOnTopic[];
  /** Latest records that cannot be used, a sentence each. */
  readonly unusable: readonly string[];
}

const PARTITION = 0;

const latestRecords = async (topic: string, reader: LogReader): Promise<ReadonlyMap<string, LogRecord>> => {
  const partition = { topic, partition: PARTITION };
  const { beginning, end } = await reader.range(partition);
  const latest = new Map<string, LogRecord>();
  await reader.read(partition, beginning, end, ({ records }) => {
    for (const record of records) {
      if (record.key === null) continue;
      const key = Buffer.from(record.key).toString('utf8');
      if (record.value === null) latest.delete(key);
      else latest.set(key, record);
    }
  });
  return latest;
};

/** Reads the topic from its beginning. Rejects with `RetriableLogError` when Kafka or the registry is away. */
export const readRules = async (options: RuleTopicOptions, reader: LogReader): Promise<RulesOnTopic> => {
  const { topic, serde, origin, check } = options;
  const latest = await latestRecords(topic, reader);
  await serde.prepare?.(topic, [...latest.values()]);
  const rules: RuleOnTopic[] = [];
  const unusable: string[] = [];
  for (const [key, { value, headers = [] }] of latest) {
    try {
      const rule = serde.deserialize(topic, value);
      check(key, rule);
      const fromFile = headers.some(
        ([name, text]) => name === origin.header && Buffer.from(text).toString('utf8') === origin.file,
      );
      rules.push({ rule, fromFile });
    } catch (error) {
      unusable.push(`The rule ${JSON.stringify(key)} on ${topic} cannot be used: ${(error as Error).message}`);
    }
  }
  return { rules, unusable };
};

/** Publishes rules as the file's, and tombstones for the source types to withdraw. Resolves once all are durable. */
export const publishRules = async (
  { topic, serde, origin }: RuleTopicOptions,
  producer: LogProducer,
  rules: readonly AlertRule[],
  withdraw: readonly string[],
): Promise<void> => {
  const headers = [[origin.header, Buffer.from(origin.file)]] as const;
  const place = (sourceType: string): Pick<ProducedRecord, 'topic' | 'partition' | 'key' | 'headers'> => ({
    topic,
    partition: PARTITION,
    key: Buffer.from(sourceType),
    headers,
  });
  const records = [
    // The serializer answers a view that its next call overwrites.
    ...rules.map((rule) => ({ ...place(rule.sourceType), value: Uint8Array.from(serde.serialize(topic, rule) ?? []) })),
    ...withdraw.map((sourceType) => ({ ...place(sourceType), value: null })),
  ];
  if (records.length > 0) await producer.send(records);
};
