/**
 * The rules about logs as clients see and change them.
 *
 * Invariant: changes are made one after the other, each on the rule as the one before left it, and a change is answered once the
 * compacted topic has it and this gateway shows it. What a rule may be is decided by the model that the processor uses.
 */
import { type Clock, recoveryOf, type Serializer } from '../../connectors/log.ts';
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import { ApiError, type FieldProblem, invalidRequest, unavailable } from '../http/api-error.ts';
import type { TopicTable } from '../tables/topic-table.ts';

/** The fields that somebody wants to set, as they came. */
export type RuleDraft = Readonly<Record<string, unknown>>;

export type RuleOutcome =
  | { readonly ok: true; readonly rule: LogAlertRule }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** The processor's model of rules. */
export interface RuleModel {
  newRule(draft: RuleDraft, id: string, nowMs: number): RuleOutcome;
  changedRule(rule: LogAlertRule, draft: RuleDraft, nowMs: number): RuleOutcome;
}

export interface RuleDeskOptions {
  readonly table: TopicTable<LogAlertRule>;
  readonly topic: string;
  readonly rules: Serializer<LogAlertRule>;
  readonly model: RuleModel;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Every log is held against the rules of its service. */
const MAX_RULES = 1_000;

const notFound = (): ApiError => new ApiError(404, 'RULE_NOT_FOUND', 'There is no rule with this id.');

const reaching = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    if (recoveryOf(cause) !== 'retry') throw cause;
    throw unavailable('RULES_UNAVAILABLE', 'Rules cannot be read or changed at the moment.', 2, { cause });
  }
};

const accepted = (outcome: RuleOutcome): LogAlertRule => {
  if (!outcome.ok) throw invalidRequest(outcome.problems);
  return outcome.rule;
};

export class RuleDesk {
  readonly #options: RuleDeskOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RuleDeskOptions) {
    this.#options = options;
  }

  /** The oldest first. */
  async list(): Promise<readonly LogAlertRule[]> {
    const rules = [...(await reaching(this.#options.table.entries())).values()];
    return rules.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  async get(id: string): Promise<LogAlertRule> {
    const rule = (await reaching(this.#options.table.entries())).get(id);
    if (rule === undefined) throw notFound();
    return rule;
  }

  create(draft: RuleDraft): Promise<LogAlertRule> {
    return this.#inTurn(async () => {
      const { model, clock, newId } = this.#options;
      const rule = accepted(model.newRule(draft, newId(), clock.now()));
      if ((await this.list()).length >= MAX_RULES) {
        throw new ApiError(409, 'TOO_MANY_RULES', `There are ${MAX_RULES} rules already; remove one first.`);
      }
      return this.#write(rule);
    });
  }

  /** Changes the fields that the draft has. */
  change(id: string, draft: RuleDraft): Promise<LogAlertRule> {
    return this.#inTurn(async () => {
      const rule = await this.get(id);
      return this.#write(accepted(this.#options.model.changedRule(rule, draft, this.#options.clock.now())));
    });
  }

  /** Fields that the draft does not have get their defaults. */
  replace(id: string, draft: RuleDraft): Promise<LogAlertRule> {
    return this.#inTurn(async () => {
      const { createdAt, revision } = await this.get(id);
      const rule = accepted(this.#options.model.newRule(draft, id, this.#options.clock.now()));
      return this.#write({ ...rule, createdAt, revision: revision + 1 });
    });
  }

  remove(id: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.get(id);
      await reaching(this.#options.table.write(id, null));
    });
  }

  async #write(rule: LogAlertRule): Promise<LogAlertRule> {
    const { table, topic, rules } = this.#options;
    const value = rules.serialize(topic, rule);
    await reaching(table.write(rule.id, value && Uint8Array.from(value)));
    return rule;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
