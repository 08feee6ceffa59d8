/**
 * Keeps the global store of log rules from the rules topic.
 *
 * Invariant: the store holds usable rules only. A bad one is refused by throwing: the engine takes the record's effects back, logs
 * and counts it, and the rule that was there stays in force. A tombstone removes a rule.
 */
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import { ProcessingError } from '../../streams/errors.ts';
import type { Counter } from '../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import type { RuleChanges } from './rule-book.ts';
import { checkLogRule } from './rule-draft.ts';
import { LOG_RULES_STORE } from './store-names.ts';

export class LogRuleTableProcessor implements Processor<string, LogAlertRule | null> {
  readonly #changes: RuleChanges;
  // Set by `init`, which the engine calls before anything else.
  #refused!: Counter;
  #store!: KeyValueStore<string, LogAlertRule>;

  constructor(changes: RuleChanges) {
    this.#changes = changes;
  }

  init(context: ProcessorContext): void {
    this.#refused = context.metrics.counter('log_alert_rules_refused');
    this.#store = context.getStateStore(LOG_RULES_STORE);
  }

  process({ key, value }: Record<string, LogAlertRule | null>): void {
    if (value === null) {
      this.#store.delete(key);
    } else {
      const problems = value.id === key ? checkLogRule(value) : [{ field: 'id', message: `is not the key ${key}` }];
      if (problems.length > 0) {
        this.#refused.add(1);
        const list = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
        throw new ProcessingError('INVALID_LOG_RULE', `The rule ${key} cannot be used: ${list}.`);
      }
      this.#store.put(key, value);
    }
    this.#changes.count += 1;
  }
}
