/**
 * The rules of the case on the rules topic, with the case's clock scaled, for as long as the demo runs.
 *
 * Invariant: the rules that were there before come back, also after a demo that was killed: each record the demo writes carries the
 * one it replaces in its headers, so the next demo knows the former rules, and the next start takes the demo's rules for
 * the rules file's and puts the file's in their place.
 */
import type { LogProducer, LogReader, LogRecord, Serializer } from '../../connectors/log.ts';
import { RULE_ORIGIN_FILE, RULE_ORIGIN_HEADER } from '../../processors/rule-seeding.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import type { HeaderList } from '../../streams/record.ts';

const DEMO_HEADER = 'demo';
const FORMER_VALUE_HEADER = 'demo-former-value';
const FORMER_HEADER_PREFIX = 'demo-former:';
const PARTITION = 0;

/** What stood on the topic under a key; a null value is none. */
export interface FormerRule {
  readonly value: Uint8Array | null;
  readonly headers: HeaderList;
}

/** The same rule on a clock that runs `speed` times as fast. */
export const scaleRule = (rule: AlertRule, speed: number): AlertRule => {
  const scaled = (minutes: number | null): number | null => (minutes === null ? null : minutes / speed);
  return {
    ...rule,
    windowMins: scaled(rule.windowMins),
    autoCloseAfterMins: scaled(rule.autoCloseAfterMins),
    purgeAfterMins: scaled(rule.purgeAfterMins),
  };
};

/** What a record stands for: itself, or, when a demo wrote it, the record it replaced. */
export const formerRuleOf = (record: Pick<LogRecord, 'value' | 'headers'> | undefined): FormerRule => {
  const headers = record?.headers ?? [];
  if (!headers.some(([name]) => name === DEMO_HEADER)) return { value: record?.value ?? null, headers };
  return {
    value: headers.find(([name]) => name === FORMER_VALUE_HEADER)?.[1] ?? null,
    headers: headers.flatMap(([name, value]) =>
      name.startsWith(FORMER_HEADER_PREFIX) ? [[name.slice(FORMER_HEADER_PREFIX.length), value] as const] : [],
    ),
  };
};

/** The headers of a demo's record, from which `formerRuleOf` makes the former rule again. */
export const demoHeaders = ({ value, headers }: FormerRule): HeaderList => [
  [DEMO_HEADER, Buffer.from('1')],
  [RULE_ORIGIN_HEADER, Buffer.from(RULE_ORIGIN_FILE)],
  ...(value === null ? [] : [[FORMER_VALUE_HEADER, value] as const]),
  ...headers.map(([name, text]) => [`${FORMER_HEADER_PREFIX}${name}`, text] as const),
];

export interface ScaledRulesOptions {
  readonly topic: string;
  readonly reader: LogReader;
  readonly producer: LogProducer;
  readonly serializer: Serializer<AlertRule>;
}

export class ScaledRules {
  readonly #options: ScaledRulesOptions;
  readonly #former = new Map<string, FormerRule>();

  constructor(options: ScaledRulesOptions) {
    this.#options = options;
  }

  /** Resolves once the scaled rules are durable on the topic. */
  async put(rules: readonly AlertRule[], speed: number): Promise<void> {
    const { topic, producer, serializer } = this.#options;
    const latest = await this.#latestRecords();
    for (const { sourceType } of rules) this.#former.set(sourceType, formerRuleOf(latest.get(sourceType)));
    await producer.send(
      rules.map((rule) => ({
        topic,
        partition: PARTITION,
        key: Buffer.from(rule.sourceType),
        // The serializer answers a view that its next call overwrites.
        value: Uint8Array.from(serializer.serialize(topic, scaleRule(rule, speed)) ?? []),
        headers: demoHeaders(this.#former.get(rule.sourceType) ?? { value: null, headers: [] }),
      })),
    );
  }

  /** Puts back what stood there before; without `put` it does nothing. */
  async restore(): Promise<void> {
    const { topic, producer } = this.#options;
    const records = [...this.#former].map(([sourceType, { value, headers }]) => ({
      topic,
      partition: PARTITION,
      key: Buffer.from(sourceType),
      value,
      headers,
    }));
    if (records.length > 0) await producer.send(records);
    this.#former.clear();
  }

  async #latestRecords(): Promise<ReadonlyMap<string, LogRecord>> {
    const { topic, reader } = this.#options;
    const partition = { topic, partition: PARTITION };
    const { beginning, end } = await reader.range(partition);
    const latest = new Map<string, LogRecord>();
    await reader.read(partition, beginning, end, ({ records }) => {
      for (const record of records) {
        if (record.key !== null) latest.set(Buffer.from(record.key).toString('utf8'), record);
      }
    });
    return latest;
  }
}
