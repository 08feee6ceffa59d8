/**
 * Counts the errors of each service by minute and rolls them up into hours and days.
 *
 * The path of a log touches its minute alone. A durable timer, a second after the first error that was not told yet, adds what
 * the minute has gained to its hour and its day and sends all three on, so that a flood of errors is a record a second.
 *
 * Invariant: hour and day hold exactly what their minutes have told, whenever the timer fires and whatever crashes in between: minute,
 * timer and roll-ups change in the same commits.
 */
import { type LogErrorCount, type Resolution, RESOLUTION_MS } from '../../schemas/log-error-count.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import type { Counter } from '../../streams/ports.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { TimerStore, WindowStore } from '../../streams/state-store.ts';
import { isError } from './prepared-rule.ts';
import { ERROR_COUNT_TIMERS_STORE, ERROR_DAYS_STORE, ERROR_HOURS_STORE, ERROR_MINUTES_STORE } from './store-names.ts';

/** Errors of one minute, and how many of them hour and day know of. */
export interface MinuteCount {
  readonly count: number;
  readonly told: number;
}

/** A service and the start of a minute, in UTC epoch milliseconds. */
export type MinuteKey = readonly [service: string, minuteMs: number];

const TELL_AFTER_MS = 1_000;

const startOf = (timeMs: number, resolution: Resolution): number =>
  Math.floor(timeMs / RESOLUTION_MS[resolution]) * RESOLUTION_MS[resolution];

export class ErrorCountProcessor implements Processor<string, LogEvent, string, LogErrorCount> {
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, LogErrorCount>;
  #minutes!: WindowStore<string, MinuteCount>;
  #hours!: WindowStore<string, number>;
  #days!: WindowStore<string, number>;
  #timers!: TimerStore<MinuteKey>;
  #dropped!: Counter;

  init(context: ProcessorContext<string, LogErrorCount>): void {
    this.#context = context;
    this.#minutes = context.getStateStore(ERROR_MINUTES_STORE);
    this.#hours = context.getStateStore(ERROR_HOURS_STORE);
    this.#days = context.getStateStore(ERROR_DAYS_STORE);
    this.#timers = context.getStateStore(ERROR_COUNT_TIMERS_STORE);
    this.#dropped = context.metrics.counter('log_errors_not_counted');
    context.onDue<MinuteKey, number>(ERROR_COUNT_TIMERS_STORE, (key) => this.#tell(key));
  }

  process({ value: log }: Record<string, LogEvent>): void {
    if (!isError(log)) return;
    const { service, timestamp } = log;
    const minuteMs = startOf(timestamp, 'minute');
    const { count, told } = this.#minutes.fetch(service, minuteMs) ?? { count: 0, told: 0 };
    if (!this.#minutes.put(service, { count: count + 1, told }, minuteMs)) {
      this.#dropped.add(1);
      return;
    }
    const key: MinuteKey = [service, minuteMs];
    if (this.#timers.scheduled(key) === undefined) {
      this.#timers.schedule(key, Math.max(timestamp, this.#context.streamTimeMs) + TELL_AFTER_MS);
    }
  }

  #tell(key: MinuteKey): void {
    const [service, minuteMs] = key;
    this.#timers.cancel(key);
    const minute = this.#minutes.fetch(service, minuteMs);
    if (minute === undefined || minute.told === minute.count) return;
    this.#minutes.put(service, { count: minute.count, told: minute.count }, minuteMs);
    this.#send(service, 'minute', minuteMs, minute.count);
    const gained = minute.count - minute.told;
    this.#rollUp(service, 'hour', this.#hours, minuteMs, gained);
    this.#rollUp(service, 'day', this.#days, minuteMs, gained);
  }

  #rollUp(
    service: string,
    resolution: Resolution,
    store: WindowStore<string, number>,
    minuteMs: number,
    gained: number,
  ): void {
    const startMs = startOf(minuteMs, resolution);
    const count = (store.fetch(service, startMs) ?? 0) + gained;
    store.put(service, count, startMs);
    this.#send(service, resolution, startMs, count);
  }

  #send(service: string, resolution: Resolution, bucketStart: number, count: number): void {
    const value = { service, resolution, bucketStart, count };
    this.#context.forward({ key: service, value, timestampMs: bucketStart });
  }
}
