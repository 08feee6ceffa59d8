/**
 * Lets valid logs through and counts them by level.
 */
import type { LogEvent } from '../../schemas/log-event.ts';
import type { Counter } from '../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import { checkLogEvent } from './log-check.ts';

export class LogCheckProcessor implements Processor<string, LogEvent, string, LogEvent> {
  readonly #counters = new Map<string, Counter>();
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, LogEvent>;

  init(context: ProcessorContext<string, LogEvent>): void {
    this.#context = context;
  }

  process(record: Record<string, LogEvent>): void {
    const { key, value } = record;
    checkLogEvent(key, value);
    let counter = this.#counters.get(value.level);
    if (counter === undefined) {
      counter = this.#context.metrics.counter('logs_processed', { level: value.level });
      this.#counters.set(value.level, counter);
    }
    counter.add(1);
    this.#context.forward(record);
  }
}
