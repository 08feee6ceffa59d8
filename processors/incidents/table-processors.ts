/**
 * Keep the global tables of escalation policies and service dependencies.
 *
 * Invariant: the tables hold only what can be used. A bad record is refused by throwing: the engine takes its effects back, logs
 * and counts it, and what was there stays in force. A tombstone removes an entry.
 */
import type { EscalationPolicy, ServiceDependencies } from '../../schemas/escalation-policy.ts';
import { ProcessingError } from '../../streams/errors.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { checkPolicy } from './escalation-policy.ts';
import { relink, type ServiceLinks } from './service-graph.ts';
import { POLICIES_STORE, SERVICES_STORE } from './store-names.ts';

export class PolicyTableProcessor implements Processor<string, EscalationPolicy | null> {
  #store!: KeyValueStore<string, EscalationPolicy>;

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(POLICIES_STORE);
  }

  process({ key, value }: Record<string, EscalationPolicy | null>): void {
    if (value === null) {
      this.#store.delete(key);
      return;
    }
    checkPolicy(key, value);
    this.#store.put(key, value);
  }
}

export class ServiceTableProcessor implements Processor<string, ServiceDependencies | null> {
  #store!: KeyValueStore<string, ServiceLinks>;

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(SERVICES_STORE);
  }

  process({ key, value }: Record<string, ServiceDependencies | null>): void {
    if (value !== null && (value.service !== key || !isNames(value.dependsOn))) {
      throw new ProcessingError(
        'INVALID_DEPENDENCIES',
        `The dependencies of ${JSON.stringify(key)} cannot be used: service must be the record's key and dependsOn a list of names.`,
      );
    }
    for (const [service, links] of relink(this.#store, key, value?.dependsOn ?? null)) {
      if (links === undefined) this.#store.delete(service);
      else this.#store.put(service, links);
    }
  }
}

const isNames = (list: unknown): boolean => Array.isArray(list) && list.every((name) => typeof name === 'string');
