/**
 * Passes on the driver alerts that escalate and that a policy opens an incident for.
 *
 * Invariant: events are passed on as they are, in the transaction that makes them. What no policy asks for costs a comparison; the
 * policies are looked through once for each turn of the task, not for each alert.
 */
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { driverSourceTypes } from './escalation-policy.ts';
import { POLICIES_STORE } from './store-names.ts';

export class DriverEscalations implements Processor<string, LifecycleEvent, string, LifecycleEvent> {
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, LifecycleEvent>;
  #policies!: KeyValueStore<string, EscalationPolicy>;
  #lookedMs = -1;
  #opening: ReadonlySet<string> = new Set();

  init(context: ProcessorContext<string, LifecycleEvent>): void {
    this.#context = context;
    this.#policies = context.getStateStore(POLICIES_STORE);
  }

  process(record: Record<string, LifecycleEvent>): void {
    if (record.value.eventType !== 'ESCALATED') return;
    const opening = this.#sourceTypes();
    if (opening.has(record.value.sourceType) || opening.has('*')) this.#context.forward(record);
  }

  #sourceTypes(): ReadonlySet<string> {
    const { systemTimeMs } = this.#context;
    if (systemTimeMs !== this.#lookedMs) {
      this.#lookedMs = systemTimeMs;
      this.#opening = driverSourceTypes(this.#inForce());
    }
    return this.#opening;
  }

  *#inForce(): Iterable<EscalationPolicy> {
    for (const { value } of this.#policies.all()) yield value;
  }
}
