/**
 * `alerts rules set` and `alerts rules remove`.
 *
 * Invariant: only rules that were checked reach the topic, all of a file or none.
 */
import { rulesFileOf, rulesFromFile } from '../../processors/rules.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import type { CommandContext } from '../context.ts';
import { failure, usageError } from '../exit-codes.ts';
import { nameOf, rulesOnTopic, sourceTypeOf, writeRules } from './rule-topic.ts';
import { readRulesFile } from './rules-file.ts';

export async function setRules(
  context: CommandContext,
  name: string | undefined,
  rule: string | undefined,
  { file }: { file?: string },
): Promise<void> {
  const rules = rulesGiven(name, rule, file);
  const services = await context.services();
  const topic = { topic: services.topics.alertRules, serde: await services.alertRuleSerde() };
  await writeRules(topic, services.producer, new Map(rules.map((one) => [one.sourceType, one])));
  context.show(rulesFileOf(rules), () =>
    Object.entries(rulesFileOf(rules))
      .map(([set, fields]) => `${set} is set to ${JSON.stringify(fields)}`)
      .join('\n'),
  );
}

function rulesGiven(
  name: string | undefined,
  rule: string | undefined,
  file: string | undefined,
): readonly AlertRule[] {
  if ((file === undefined) === (name === undefined || rule === undefined)) {
    throw usageError('Give a source type and its rule, or --file with a rules file.');
  }
  if (file !== undefined) return readRulesFile(file);
  let fields: unknown;
  try {
    fields = JSON.parse(rule ?? '');
  } catch (error) {
    throw usageError(
      `The rule is not JSON: ${(error as Error).message}. Quote it for the shell: '{"escalate_if_count": 3}'.`,
    );
  }
  return rulesFromFile({ [name as string]: fields });
}

export async function removeRule(context: CommandContext, name: string): Promise<void> {
  const services = await context.services();
  const topic = { topic: services.topics.alertRules, serde: await services.alertRuleSerde() };
  const { rules } = await rulesOnTopic(topic, services.reader);
  if (!rules.some((known) => nameOf(known.rule.sourceType) === name)) throw failure(`There is no rule for ${name}.`);
  await writeRules(topic, services.producer, new Map([[sourceTypeOf(name), null]]));
  context.show({ removed: name }, () => `The rule for ${name} is removed.`);
}
