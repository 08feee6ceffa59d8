/**
 * Counters of what is decided.
 *
 * Invariant: labels are bounded. Source types without a rule share the label `other`, and reasons are the built-in ones and
 * flag names of rules; nothing that a producer sends becomes a label.
 */
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { Counter, Metrics } from '../streams/ports.ts';

const OTHER = 'other';

export class LifecycleMetrics {
  readonly #metrics: Metrics;
  /** By source label, event type and reason: look-ups in three small maps cost less than building a key. */
  readonly #events = new Map<string, Map<string, Map<string, Counter>>>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  event({ eventType, reason, sourceType }: LifecycleEvent, hasRule: boolean): void {
    const source = hasRule ? sourceType : OTHER;
    const byReason = nested(nested(this.#events, source), eventType);
    let counter = byReason.get(reason);
    if (counter === undefined) {
      const labels = { event_type: eventType, source_type: source, reason };
      counter = this.#metrics.counter('alerts_lifecycle_events', labels);
      byReason.set(reason, counter);
    }
    counter.add(1);
  }

  duplicate(sourceType: string, hasRule: boolean): void {
    this.#metrics.counter('alerts_duplicates', { source_type: hasRule ? sourceType : OTHER }).add(1);
  }

  late(sourceType: string, hasRule: boolean): void {
    this.#metrics.counter('alerts_late', { source_type: hasRule ? sourceType : OTHER }).add(1);
  }
}

function nested<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}
