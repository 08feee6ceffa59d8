/**
 * Rules as records: read from the rules file, written back to its shape, and checked when they come from the topic.
 *
 * The file: one entry per source type with snake_case fields, and optionally `retention` with the settings of all:
 *
 *     { "overspeed":  { "escalate_if_count": 3, "window_mins": 2, "auto_close_after_mins": 4 },
 *       "compliance": { "auto_close_if": "document_valid" },
 *       "retention":  { "purge_after_mins": 5, "archive": true } }
 *
 * Invariant: a rule that leaves this module is complete and usable; a bad one is an `InvalidRulesError` that lists every
 * problem. A field nobody knows is a problem too, so that a slip of the pen does not silently switch a rule off.
 */
import { SETTINGS_SOURCE_TYPE, type AlertRule } from '../schemas/alert-rule.ts';
import { fieldsOf, quoteValue, RULE_FIELD_NAMES, RULE_FIELDS, ruleProblems, type RuleField } from './rule-fields.ts';

/** The top-level entry of the rules file that holds the settings of all rules. */
export const RETENTION_ENTRY = 'retention';

/** The rules file as a value: entries by source type, and `retention`. */
export type RulesFile = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Nothing of what was read takes effect. */
export class InvalidRulesError extends Error {
  /** One sentence each: rule, field, value, what is allowed. */
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super(`${what}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'InvalidRulesError';
    this.problems = problems;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the text of a rules file. Throws `InvalidRulesError`. */
export function parseRules(text: string): readonly AlertRule[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRulesError('The rules file is not JSON', [(cause as Error).message]);
  }
  return rulesFromFile(file);
}

/** Reads a rules file that is parsed already. Throws `InvalidRulesError`. */
export function rulesFromFile(file: unknown): readonly AlertRule[] {
  if (!isObject(file)) {
    throw new InvalidRulesError('The rules file cannot be used', [
      'It must be an object with one entry per source type.',
    ]);
  }
  const problems: string[] = [];
  const rules = Object.entries(file).map(([entry, value]) => ruleOfEntry(entry, value, problems));
  if (problems.length > 0) throw new InvalidRulesError('The rules file cannot be used', problems);
  return rules;
}

function ruleOfEntry(entry: string, value: unknown, problems: string[]): AlertRule {
  const settings = entry === RETENTION_ENTRY;
  const name = settings ? `"${RETENTION_ENTRY}"` : `Rule "${entry}"`;
  const rule: AlertRule = { ...emptyRule(settings ? SETTINGS_SOURCE_TYPE : entry) };
  if (entry === SETTINGS_SOURCE_TYPE) {
    problems.push(
      `${name}: "${SETTINGS_SOURCE_TYPE}" is no source type; settings of all stand under "${RETENTION_ENTRY}".`,
    );
  } else if (!isObject(value)) {
    problems.push(`${name} is ${quoteValue(value)}; allowed is an object with the rule's fields.`);
  } else {
    const known = fieldsOf(settings ? 'settings' : 'rule');
    const names = known.map((field) => RULE_FIELDS[field].fileName);
    for (const [fileName, fieldValue] of Object.entries(value)) {
      const field = known.find((candidate) => RULE_FIELDS[candidate].fileName === fileName);
      if (field === undefined) problems.push(`${name}: unknown field "${fileName}"; allowed are ${names.join(', ')}.`);
      else if (fieldValue === null) problems.push(`${name}: ${fileName} is null; leave it out instead.`);
      else (rule as { [Field in RuleField]: unknown })[field] = fieldValue;
    }
    problems.push(...ruleProblems(name, rule, (field) => RULE_FIELDS[field].fileName));
  }
  return rule;
}

const emptyRule = (sourceType: string): AlertRule => ({
  sourceType,
  escalateIfCount: null,
  windowMins: null,
  escalateTo: null,
  autoCloseAfterMins: null,
  autoCloseIf: null,
  purgeAfterMins: null,
  archive: null,
});

/** The rules in the shape of the rules file. */
export function rulesFileOf(rules: readonly AlertRule[]): RulesFile {
  return Object.fromEntries(
    rules.map((rule) => [
      rule.sourceType === SETTINGS_SOURCE_TYPE ? RETENTION_ENTRY : rule.sourceType,
      Object.fromEntries(
        RULE_FIELD_NAMES.filter((field) => rule[field] !== null).map((field) => [
          RULE_FIELDS[field].fileName,
          rule[field],
        ]),
      ),
    ]),
  );
}

/** Checks a rule from the topic under its key. Throws `InvalidRulesError`. */
export function checkRule(key: string, rule: AlertRule): void {
  const problems = ruleProblems(`Rule "${key}"`, rule, (field) => field);
  const stray =
    key === rule.sourceType
      ? []
      : [`Rule "${key}": the record names the source type "${rule.sourceType}"; key and source type must be the same.`];
  if (problems.length + stray.length > 0) throw new InvalidRulesError('A rule is refused', [...stray, ...problems]);
}

export const sameRule = (one: AlertRule, other: AlertRule): boolean =>
  one.sourceType === other.sourceType && RULE_FIELD_NAMES.every((field) => one[field] === other[field]);
