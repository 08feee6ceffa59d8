/**
 * Records that an operator cannot use.
 *
 * Invariant: each of them is counted, by operator and reason; none of them stops the task.
 */
import type { Counter } from '../../ports.ts';
import type { ProcessorContext } from '../../processor.ts';

export type DropReason = 'null-key' | 'null-value' | 'late' | 'superseded' | 'stale-response' | 'null-foreign-key';

export class DroppedRecords {
  readonly #counters = new Map<DropReason, Counter>();
  readonly #counterFor: (reason: DropReason) => Counter;

  constructor({ metrics, taskId }: ProcessorContext<never, never>, node: string) {
    this.#counterFor = (reason) => metrics.counter('stream_processor_dropped_records', { task: taskId, node, reason });
  }

  add(reason: DropReason): void {
    let counter = this.#counters.get(reason);
    if (counter === undefined) this.#counters.set(reason, (counter = this.#counterFor(reason)));
    counter.add(1);
  }
}
