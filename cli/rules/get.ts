/**
 * `alerts rules get`: the rules in force, in the shape of the rules file.
 */
import { rulesFileOf } from '../../processors/rules.ts';
import type { CommandContext } from '../context.ts';
import { failure } from '../exit-codes.ts';
import { table } from '../text.ts';
import { nameOf, rulesOnTopic } from './rule-topic.ts';

export async function getRules(context: CommandContext, name?: string): Promise<void> {
  const services = await context.services();
  const topic = { topic: services.topics.alertRules, serde: await services.alertRuleSerde() };
  const { rules, unusable } = await rulesOnTopic(topic, services.reader);
  for (const line of unusable) context.reporter.line(line);
  const shown = rules
    .map(({ rule, fromFile }) => ({
      name: nameOf(rule.sourceType),
      origin: fromFile ? 'file' : 'operator',
      rule: rulesFileOf([rule])[nameOf(rule.sourceType)],
    }))
    .filter((entry) => name === undefined || entry.name === name)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  if (name !== undefined && shown.length === 0) throw failure(`There is no rule for ${name}: its alerts stay OPEN.`);
  context.show(shown, () =>
    table(
      ['name', 'origin', 'rule'],
      shown.map((entry) => [entry.name, entry.origin, JSON.stringify(entry.rule)]),
    ),
  );
}
