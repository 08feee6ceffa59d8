/**
 * The rules in force, ready for use, behind the global store of rule records.
 *
 * Invariant: answers follow the store: what was prepared is dropped as soon as the table says that it has changed. A service's list
 * of rules is made once and kept while nothing changes; the number of lists is bounded.
 */
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { KeyValueEntry } from '../../streams/state-store.ts';
import { type PreparedRule, prepareRule } from './prepared-rule.ts';

/** How often the table has changed; shared by the table and those who read it. */
export interface RuleChanges {
  count: number;
}

/** What this needs of the global store. */
export interface RuleStore {
  all(): IterableIterator<KeyValueEntry<string, LogAlertRule>>;
}

const MAX_LISTS = 10_000;

export class RuleBook {
  readonly #store: RuleStore;
  readonly #changes: RuleChanges;
  readonly #lists = new Map<string, readonly PreparedRule[]>();
  #rules: ReadonlyMap<string, PreparedRule> = new Map();
  #seen = -1;

  constructor(store: RuleStore, changes: RuleChanges) {
    this.#store = store;
    this.#changes = changes;
  }

  /** Another number whenever the rules may have changed. */
  get version(): number {
    return this.#changes.count;
  }

  /** The enabled rules by id. */
  get rules(): ReadonlyMap<string, PreparedRule> {
    this.#follow();
    return this.#rules;
  }

  /** The enabled rules that look at a service, in the order of their ids. */
  rulesOf(service: string): readonly PreparedRule[] {
    this.#follow();
    let list = this.#lists.get(service);
    if (list === undefined) {
      list = [...this.#rules.values()].filter(({ rule }) => rule.service === null || rule.service === service);
      if (this.#lists.size >= MAX_LISTS) this.#lists.clear();
      this.#lists.set(service, list);
    }
    return list;
  }

  #follow(): void {
    if (this.#seen === this.#changes.count) return;
    this.#seen = this.#changes.count;
    this.#lists.clear();
    const enabled = [...this.#store.all()].filter(({ value }) => value.enabled);
    this.#rules = new Map(enabled.map(({ key, value }) => [key, prepareRule(value)]));
  }
}
