/**
 * What each field of a rule may hold, in one table for the rules file and the rules topic.
 *
 * Invariant: a rule that passes here can be used as it is. Every problem names the rule, the field, the value and what is
 * allowed.
 */
import { SETTINGS_SOURCE_TYPE, type AlertRule } from '../schemas/alert-rule.ts';
import { isSeverity, SEVERITIES } from '../schemas/vocabulary.ts';
import { minutesToMs } from './minutes.ts';
import { isBuiltInReason } from './reasons.ts';

export type RuleField = Exclude<keyof AlertRule, 'sourceType'>;

interface FieldCheck {
  /** The field's name in the rules file. */
  readonly fileName: string;
  /** Whose field it is: a source type's, or the settings' of all. */
  readonly of: 'rule' | 'settings';
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

/** Longest source type and flag name, as the read model's columns hold them. */
export const MAX_NAME_LENGTH = 64;
const MAX_COUNT = 1000;
/** 30 days: raw alerts are kept that long, so a replay can count over it. */
const MAX_WINDOW_MINS = 43_200;
/** 10 years. */
const MAX_DELAY_MINS = 5_256_000;

const isMinutes = (value: unknown, minMs: number, maxMins: number): boolean =>
  typeof value === 'number' && Number.isFinite(value) && value <= maxMins && minutesToMs(value) >= minMs;

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH;

export const RULE_FIELDS: Readonly<Record<RuleField, FieldCheck>> = {
  escalateIfCount: {
    fileName: 'escalate_if_count',
    of: 'rule',
    allowed: `a whole number from 1 to ${MAX_COUNT}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_COUNT,
  },
  windowMins: {
    fileName: 'window_mins',
    of: 'rule',
    allowed: `minutes, fractions allowed, from a millisecond up to ${MAX_WINDOW_MINS}`,
    accepts: (value) => isMinutes(value, 1, MAX_WINDOW_MINS),
  },
  escalateTo: {
    fileName: 'escalate_to',
    of: 'rule',
    allowed: `one of ${SEVERITIES.join(', ')}`,
    accepts: isSeverity,
  },
  autoCloseAfterMins: {
    fileName: 'auto_close_after_mins',
    of: 'rule',
    allowed: `minutes, fractions allowed, from a millisecond up to ${MAX_DELAY_MINS}`,
    accepts: (value) => isMinutes(value, 1, MAX_DELAY_MINS),
  },
  autoCloseIf: {
    fileName: 'auto_close_if',
    of: 'rule',
    allowed: `the name of a metadata flag, up to ${MAX_NAME_LENGTH} characters, that is no built-in reason`,
    accepts: (value) => isName(value) && !isBuiltInReason(value),
  },
  purgeAfterMins: {
    fileName: 'purge_after_mins',
    of: 'settings',
    allowed: `minutes, fractions allowed, from 0 to ${MAX_DELAY_MINS}`,
    accepts: (value) => typeof value === 'number' && value >= 0 && isMinutes(value, 0, MAX_DELAY_MINS),
  },
  archive: {
    fileName: 'archive',
    of: 'settings',
    allowed: 'true or false',
    accepts: (value) => typeof value === 'boolean',
  },
};

export const RULE_FIELD_NAMES = Object.keys(RULE_FIELDS) as readonly RuleField[];

export const fieldsOf = (of: 'rule' | 'settings'): readonly RuleField[] =>
  RULE_FIELD_NAMES.filter((field) => RULE_FIELDS[field].of === of);

/** A value as it is quoted in an error: as JSON, cut short. */
export const quoteValue = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
};

/**
 * Everything that is wrong with a rule's fields, one sentence each. `name` stands for the rule in them; `nameOf` spells a
 * field as its origin does.
 */
export function ruleProblems(name: string, rule: AlertRule, nameOf: (field: RuleField) => string): readonly string[] {
  const problems: string[] = [];
  const settings = rule.sourceType === SETTINGS_SOURCE_TYPE;
  if (!isName(rule.sourceType)) {
    const allowed = `a name of 1 to ${MAX_NAME_LENGTH} characters`;
    problems.push(`${name}: the source type is ${quoteValue(rule.sourceType)}; allowed is ${allowed}.`);
  }
  for (const field of RULE_FIELD_NAMES) {
    const value = rule[field];
    if (value === null) continue;
    const { of, allowed, accepts } = RULE_FIELDS[field];
    if ((of === 'settings') !== settings) {
      const place = of === 'settings' ? `under "${SETTINGS_SOURCE_TYPE}"` : `in the rule of a source type`;
      problems.push(`${name}: ${nameOf(field)} is allowed only ${place}.`);
    } else if (!accepts(value)) {
      problems.push(`${name}: ${nameOf(field)} is ${quoteValue(value)}; allowed is ${allowed}.`);
    }
  }
  return [...problems, ...missingPartners(name, rule, nameOf)];
}

function missingPartners(name: string, rule: AlertRule, nameOf: (field: RuleField) => string): readonly string[] {
  const problems: string[] = [];
  const needs = (field: RuleField, partner: RuleField): void => {
    if (rule[field] === null || rule[partner] !== null) return;
    problems.push(`${name}: ${nameOf(field)} is set without ${nameOf(partner)}; set both or neither.`);
  };
  needs('escalateIfCount', 'windowMins');
  needs('windowMins', 'escalateIfCount');
  if (rule.escalateTo !== null && rule.escalateIfCount === null) {
    problems.push(`${name}: ${nameOf('escalateTo')} needs ${nameOf('escalateIfCount')}; nothing escalates without it.`);
  }
  if (RULE_FIELD_NAMES.every((field) => rule[field] === null)) {
    const of = rule.sourceType === SETTINGS_SOURCE_TYPE ? 'settings' : 'rule';
    problems.push(`${name}: nothing is set; allowed are ${fieldsOf(of).map(nameOf).join(', ')}.`);
  }
  return problems;
}
