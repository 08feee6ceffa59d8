/**
 * Keeps the global store of rules from the rules topic.
 *
 * Invariant: the store holds valid rules only. A bad one is refused by throwing: the engine takes the record's effects back, logs
 * and counts it, and the rule that was there stays in force. A tombstone removes a rule.
 */
import type { AlertRule } from '../schemas/alert-rule.ts';
import type { Counter } from '../streams/ports.ts';
import type { Processor, ProcessorContext } from '../streams/processor.ts';
import type { Record } from '../streams/record.ts';
import type { KeyValueStore } from '../streams/state-store.ts';
import { checkRule } from './rules.ts';
import { ALERT_RULES_STORE } from './store-names.ts';

export class RuleTableProcessor implements Processor<string, AlertRule | null> {
  // Set by `init`, which the engine calls before anything else.
  #refused!: Counter;
  #store!: KeyValueStore<string, AlertRule>;

  init(context: ProcessorContext): void {
    this.#refused = context.metrics.counter('alert_rules_refused');
    this.#store = context.getStateStore(ALERT_RULES_STORE);
  }

  process({ key, value }: Record<string, AlertRule | null>): void {
    if (value === null) {
      this.#store.delete(key);
      return;
    }
    try {
      checkRule(key, value);
    } catch (error) {
      this.#refused.add(1);
      throw error;
    }
    this.#store.put(key, value);
  }
}
