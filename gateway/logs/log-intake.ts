/**
 * Takes logs in: produces them to `log-events`, keyed by their service.
 *
 * Invariant: a caller gets an answer only once all replicas have every log of the request; in every other case it gets an error that
 * says that some of them may be there.
 */
import { type Counter, type LogProducer, type Metrics, recoveryOf, type Serializer } from '../../connectors/log.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import { unavailable } from '../http/api-error.ts';

export interface LogIntakeOptions {
  readonly producer: LogProducer;
  readonly topic: string;
  readonly logs: Serializer<LogEvent>;
  readonly metrics: Metrics;
}

const RETRY_AFTER_SECONDS = 1;

export class LogIntake {
  readonly #options: LogIntakeOptions;
  readonly #accepted: Counter;
  readonly #refused: Counter;

  constructor(options: LogIntakeOptions) {
    this.#options = options;
    this.#accepted = options.metrics.counter('gateway_logs_accepted_total');
    this.#refused = options.metrics.counter('gateway_logs_refused_total');
  }

  /** Rejects with an `ApiError` of status 503 while the log does not take them. */
  async submit(logs: readonly LogEvent[]): Promise<void> {
    const { producer, topic, logs: serializer } = this.#options;
    const records = logs.map((log) => {
      const value = serializer.serialize(topic, log);
      // The serializer answers a view that its next call overwrites.
      return { topic, key: Buffer.from(log.service), value: value && Uint8Array.from(value) };
    });
    try {
      await producer.send(records);
    } catch (cause) {
      if (recoveryOf(cause) !== 'retry') throw cause;
      const message = 'The logs could not be stored for certain; send them again, which may store some of them twice.';
      throw unavailable('LOGS_NOT_CONFIRMED', message, RETRY_AFTER_SECONDS, { cause });
    }
    this.#accepted.add(logs.length);
  }

  refused(count: number): void {
    this.#refused.add(count);
  }
}
