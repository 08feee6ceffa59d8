/**
 * Which rules of the rules file go to the rules topic when the system starts.
 *
 * Invariant: the file owns what it has seeded and nothing else. A rule that somebody set through the topic is never
 * overwritten; where it differs from the file that is reported.
 */
import type { AlertRule } from '../schemas/alert-rule.ts';
import { sameRule } from './rules.ts';

/** Header of a rule record on the topic that says where the rule comes from. */
export const RULE_ORIGIN_HEADER = 'rule-origin';
/** The header's value (UTF-8) on rules that were seeded from a rules file. */
export const RULE_ORIGIN_FILE = 'file';
/** The header's value (UTF-8) on rules that an operator set by command; seeding leaves them alone. */
export const RULE_ORIGIN_OPERATOR = 'operator';

/** The latest record of a key on the topic; a tombstone counts as none. */
export interface TopicRule {
  readonly rule: AlertRule;
  /** True when its origin header says that it was seeded from a file. */
  readonly fromFile: boolean;
}

export interface Seeding {
  /** To be published, with the origin header. */
  readonly publish: readonly AlertRule[];
  /** Source types whose seeded rule has left the file: to be removed with a tombstone. */
  readonly withdraw: readonly string[];
  /** Rules of the file that give way to another one set through the topic. */
  readonly overruled: readonly { readonly inFile: AlertRule; readonly onTopic: AlertRule }[];
}

/** Both lists hold one rule per source type at most. */
export function decideSeeding(fileRules: readonly AlertRule[], topicRules: readonly TopicRule[]): Seeding {
  const onTopic = new Map(topicRules.map((known) => [known.rule.sourceType, known]));
  const inFile = new Set(fileRules.map(({ sourceType }) => sourceType));
  const publish: AlertRule[] = [];
  const overruled: { inFile: AlertRule; onTopic: AlertRule }[] = [];
  for (const rule of fileRules) {
    const known = onTopic.get(rule.sourceType);
    if (known === undefined) publish.push(rule);
    else if (sameRule(rule, known.rule)) continue;
    else if (known.fromFile) publish.push(rule);
    else overruled.push({ inFile: rule, onTopic: known.rule });
  }
  const withdraw = topicRules
    .filter(({ rule, fromFile }) => fromFile && !inFile.has(rule.sourceType))
    .map(({ rule }) => rule.sourceType);
  return { publish, withdraw, overruled };
}
