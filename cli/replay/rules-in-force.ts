/**
 * The rules that the live job goes by at this moment, and since when.
 *
 * Invariant: the rules topic is read as the processor's rule table reads it: record by record, a tombstone removes, and a record that
 * cannot be used leaves the rule before it in force.
 */
import { checkRule } from '../../processors/rules.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import { StreamsError } from '../../streams/errors.ts';
import type { LogReader, LogRecord } from '../../streams/ports.ts';
import type { Deserializer } from '../../streams/serde.ts';

export interface RulesInForce {
  readonly rules: readonly AlertRule[];
  /** When a rule was last set or removed, UTC epoch milliseconds; undefined when none ever was. */
  readonly changedMs: number | undefined;
  /** Records that cannot be used, a sentence each. */
  readonly refused: readonly string[];
}

export async function readRulesInForce(
  reader: LogReader,
  topic: string,
  serde: Deserializer<AlertRule>,
): Promise<RulesInForce> {
  const at = { topic, partition: 0 };
  const { beginning, end } = await reader.range(at);
  const rules = new Map<string, AlertRule>();
  const refused: string[] = [];
  let changedMs: number | undefined;
  await reader.read(at, beginning, end, async ({ records }) => {
    await serde.prepare?.(topic, records);
    for (const record of records) {
      changedMs = Math.max(changedMs ?? record.timestampMs, record.timestampMs);
      const problem = apply(record, topic, serde, rules);
      if (problem !== undefined) refused.push(`The rule at offset ${record.offset} of ${topic} is refused: ${problem}`);
    }
  });
  return { rules: [...rules.values()], changedMs, refused };
}

/** What is wrong with the record; undefined when it took effect. */
function apply(
  { key, value, headers }: LogRecord,
  topic: string,
  serde: Deserializer<AlertRule>,
  rules: Map<string, AlertRule>,
): string | undefined {
  if (key === null) return 'it has no key';
  const sourceType = Buffer.from(key).toString('utf8');
  if (value === null) {
    rules.delete(sourceType);
    return undefined;
  }
  try {
    const rule = serde.deserialize(topic, value, headers);
    checkRule(sourceType, rule);
    rules.set(sourceType, rule);
    return undefined;
  } catch (error) {
    if (error instanceof StreamsError && error.recovery !== 'skip-record') throw error;
    return (error as Error).message;
  }
}
