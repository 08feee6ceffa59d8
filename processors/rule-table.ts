/**
 * The rules in force, ready for use, behind the global store of rule records.
 *
 * Invariant: answers follow the store at once. A prepared rule is used only as long as the store answers the very record it was
 * made from, so nothing is prepared twice and nothing stale is used.
 */
import { SETTINGS_SOURCE_TYPE, type AlertRule } from '../schemas/alert-rule.ts';
import { escalationRule, retentionOf, type EscalationRule, type Retention } from './escalation-rule.ts';

/** What this needs of the global store. */
export interface RuleStore {
  get(sourceType: string): AlertRule | undefined;
}

interface Prepared {
  readonly record: AlertRule;
  readonly rule: EscalationRule;
}

export class RuleTable {
  readonly #store: RuleStore;
  readonly #graceMs: number;
  readonly #prepared = new Map<string, Prepared>();
  #settings: AlertRule | undefined;
  #retention = retentionOf(undefined);

  constructor(store: RuleStore, graceMs: number) {
    this.#store = store;
    this.#graceMs = graceMs;
  }

  /** The rule of a source type, if there is one. */
  ruleOf(sourceType: string): EscalationRule | undefined {
    // The settings stand in the same store, but no source type can have them for a rule.
    const record = sourceType === SETTINGS_SOURCE_TYPE ? undefined : this.#store.get(sourceType);
    const prepared = this.#prepared.get(sourceType);
    if (record === undefined) {
      if (prepared !== undefined) this.#prepared.delete(sourceType);
      return undefined;
    }
    if (prepared?.record === record) return prepared.rule;
    const rule = escalationRule(record, this.#graceMs);
    this.#prepared.set(sourceType, { record, rule });
    return rule;
  }

  /** The settings of all rules. */
  retention(): Retention {
    const settings = this.#store.get(SETTINGS_SOURCE_TYPE);
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.#retention = retentionOf(settings);
    }
    return this.#retention;
  }
}
