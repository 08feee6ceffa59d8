/**
 * From what somebody asks for to a complete rule, with the defaults of its type; and whether a rule can be used at all.
 *
 * Invariant: a rule that comes out of here is one that `checkLogRule` passes, and every refusal names the field and what is allowed.
 */
import {
  type LogAlertRule,
  LOG_RULE_TYPES,
  LOG_SEVERITIES,
  LOG_WINDOW_TYPES,
  type LogRuleType,
} from '../../schemas/log-alert-rule.ts';
import { ConditionError, parseCondition } from './condition.ts';

/** The fields that somebody may set, as they came. */
export type RuleDraft = Readonly<Record<string, unknown>>;

export interface RuleProblem {
  readonly field: string;
  readonly message: string;
}

export type RuleOutcome =
  | { readonly ok: true; readonly rule: LogAlertRule }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] };

export const MAX_SERVICE_LENGTH = 100;
/** UTF-16 units without control characters and without blanks at either end. */
export const isServiceName = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_SERVICE_LENGTH && text.trim() === text && !/\p{Cc}/u.test(text);

const MAX_TEXT = { name: 200, description: 2_000 };
/** A second to a week. */
const WINDOW_MINUTES = { least: 1 / 60, most: 10_080 };
const MAX_COOLDOWN_MINUTES = 43_200;
/** What a watch over silence remembers for each service. */
const MAX_ABSENCE_THRESHOLD = 1_000;
const MAX_NUMBER = 1e12;
const ABSENCE_CONDITION = 'count < threshold';
const DEFAULT_SLOWER_THAN_MS = 1_000;

/** A rate over a handful of logs says nothing, so it counts from ten on unless the rule says otherwise. */
const DEFAULT_CONDITION: Readonly<Record<LogRuleType, string>> = {
  ERROR_THRESHOLD: 'count > threshold',
  LATENCY: 'count > threshold',
  ERROR_RATE: 'rate > threshold and total >= 10',
  SERVER_ERROR: 'count > threshold',
  ABSENCE: ABSENCE_CONDITION,
};

const EDITABLE = [
  'name',
  'description',
  'type',
  'condition',
  'service',
  'threshold',
  'windowMinutes',
  'windowType',
  'slowerThanMs',
  'severity',
  'cooldownMinutes',
  'enabled',
] as const;
type Editable = (typeof EDITABLE)[number];

/** Undefined: all right. Else what is wrong, to follow the field's name. */
type Check = (value: unknown, rule: Readonly<Record<Editable, unknown>>) => string | undefined;

const text =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'string' && value.trim().length >= least && value.length <= most
      ? undefined
      : `must be a text of ${least} to ${most} characters`;

const oneOf =
  (words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value) ? undefined : `must be one of ${words.join(', ')}`;

const number =
  (least: number, most: number, described: string): Check =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most ? undefined : `must be a number ${described}`;

const checkThreshold: Check = (value, { type }) => {
  if (type !== 'ABSENCE') return number(0, MAX_NUMBER, 'that is not negative')(value, {} as never);
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_ABSENCE_THRESHOLD
    ? undefined
    : `must be a whole number from 1 to ${MAX_ABSENCE_THRESHOLD} for ABSENCE: how many logs are missed`;
};

const checkCondition: Check = (value, { type }) => {
  if (typeof value !== 'string') return 'must be a text such as "count > threshold"';
  if (type === 'ABSENCE' && value.trim() !== ABSENCE_CONDITION) return `must be "${ABSENCE_CONDITION}" for ABSENCE`;
  try {
    parseCondition(value);
    return undefined;
  } catch (error) {
    if (error instanceof ConditionError) return error.message;
    throw error;
  }
};

const CHECKS: Readonly<Record<Editable, Check>> = {
  name: text(1, MAX_TEXT.name),
  description: text(0, MAX_TEXT.description),
  type: oneOf(LOG_RULE_TYPES),
  condition: checkCondition,
  service: (value) =>
    value === null || (typeof value === 'string' && isServiceName(value))
      ? undefined
      : `must be the name of a service (1 to ${MAX_SERVICE_LENGTH} characters), or null for any`,
  threshold: checkThreshold,
  windowMinutes: number(WINDOW_MINUTES.least, WINDOW_MINUTES.most, 'of minutes, from a second to a week'),
  windowType: oneOf(LOG_WINDOW_TYPES),
  slowerThanMs: (value, rule) =>
    value === null && rule.type !== 'LATENCY'
      ? undefined
      : rule.type === 'LATENCY'
        ? number(0, MAX_NUMBER, 'of milliseconds that is not negative')(value, rule)
        : 'belongs to rules of type LATENCY only',
  severity: oneOf(LOG_SEVERITIES),
  cooldownMinutes: number(0, MAX_COOLDOWN_MINUTES, 'of minutes, from 0 to 30 days'),
  enabled: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
};

/** What is wrong with a rule; empty when it can be used. */
export const checkLogRule = (rule: Readonly<Record<Editable, unknown>>): readonly RuleProblem[] =>
  EDITABLE.flatMap((field) => {
    const message = CHECKS[field](rule[field], rule);
    return message === undefined ? [] : [{ field, message }];
  });

const defaultsOf = (draft: RuleDraft): Readonly<Record<Editable, unknown>> => {
  const type = draft['type'] as LogRuleType;
  return {
    name: undefined,
    description: '',
    type,
    condition: DEFAULT_CONDITION[type] ?? '',
    service: null,
    threshold: type === 'ABSENCE' ? 1 : undefined,
    windowMinutes: undefined,
    windowType: 'TUMBLING',
    slowerThanMs: type === 'LATENCY' ? DEFAULT_SLOWER_THAN_MS : null,
    severity: 'HIGH',
    cooldownMinutes: 15,
    enabled: true,
  };
};

/** `*` and an empty text mean any service, as null does; words are taken in any case. */
const normalized = (draft: RuleDraft): RuleDraft => {
  const upper = (field: Editable): Readonly<Record<string, unknown>> => {
    const value = draft[field];
    return typeof value === 'string' ? { [field]: value.toUpperCase() } : {};
  };
  const anyService = draft['service'] === '*' || draft['service'] === '';
  const words = { ...upper('type'), ...upper('severity'), ...upper('windowType') };
  return { ...draft, ...words, ...(anyService && { service: null }) };
};

const unknownFields = (draft: RuleDraft): readonly RuleProblem[] =>
  Object.keys(draft)
    .filter((field) => !(EDITABLE as readonly string[]).includes(field))
    .map((field) => ({ field, message: 'is not a field of a rule that can be set' }));

const complete = (
  fields: Readonly<Record<Editable, unknown>>,
  kept: Pick<LogAlertRule, 'id' | 'revision' | 'createdAt' | 'updatedAt'>,
  unknown: readonly RuleProblem[],
): RuleOutcome => {
  const problems = [...unknown, ...checkLogRule(fields)];
  // A bad type makes the fields that depend on it look bad as well.
  const causes = problems.some(({ field }) => field === 'type')
    ? problems.filter(({ field }) => !['condition', 'threshold', 'slowerThanMs'].includes(field))
    : problems;
  if (causes.length > 0) return { ok: false, problems: causes };
  return { ok: true, rule: { ...(fields as unknown as LogAlertRule), ...kept } };
};

/** A rule that is not there yet. */
export function newRule(draft: RuleDraft, id: string, nowMs: number): RuleOutcome {
  const given = normalized(draft);
  const fields = { ...defaultsOf(given), ...given } as Readonly<Record<Editable, unknown>>;
  return complete(fields, { id, revision: 1, createdAt: nowMs, updatedAt: nowMs }, unknownFields(draft));
}

/** The rule after a change of some fields. */
export function changedRule(rule: LogAlertRule, draft: RuleDraft, nowMs: number): RuleOutcome {
  const { id, revision, createdAt, updatedAt: _, ...current } = rule;
  const given = normalized(draft);
  const changesType = 'type' in given && given['type'] !== rule.type;
  // What the former type had by default does not suit another one.
  const base = changesType ? { ...defaultsOf(given), ...withoutTyped(current) } : current;
  const fields = { ...base, ...given } as Readonly<Record<Editable, unknown>>;
  return complete(fields, { id, revision: revision + 1, createdAt, updatedAt: nowMs }, unknownFields(draft));
}

const withoutTyped = (fields: Omit<LogAlertRule, 'id' | 'revision' | 'createdAt' | 'updatedAt'>): RuleDraft => {
  const { condition: _condition, slowerThanMs: _slowerThanMs, type: _type, ...rest } = fields;
  return rest;
};
