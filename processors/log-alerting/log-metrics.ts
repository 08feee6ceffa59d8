/**
 * Counters of the evaluation of logs.
 *
 * Invariant: labels are levels, types and severities of this program; nothing that a producer sends becomes a label.
 */
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { Counter, Histogram, Metrics } from '../../streams/ports.ts';

export class LogMetrics {
  readonly #metrics: Metrics;
  readonly #delay: Histogram;
  readonly #late: Counter;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#delay = metrics.histogram('log_alert_delay_ms');
    this.#late = metrics.counter('log_evaluations_late');
  }

  /** `nowMs`: the wall clock; the delay is that of the log that crossed the threshold. */
  fired({ ruleType, severity, triggeredAt }: LogAlert, nowMs: number): void {
    this.#metrics.counter('alerts_processed', { type: ruleType, severity }).add(1);
    this.#delay.record(Math.max(0, nowMs - triggeredAt));
  }

  suppressed({ type, severity }: LogAlertRule): void {
    this.#metrics.counter('alerts_processed', { type, severity }).add(1);
    this.#metrics.counter('alerts_deduplicated', { type, severity }).add(1);
  }

  late(): void {
    this.#late.add(1);
  }
}
