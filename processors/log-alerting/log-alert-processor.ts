/**
 * The rules about logs on the engine: takes logs in and sends alerts on.
 *
 * Invariant: this class decides nothing. It reads the stores, asks the `decide…` functions and writes what they answer. All state of
 * a service lies in the task of its partition.
 */
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import type { LogEvent } from '../../schemas/log-event.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { DueKeyValueStore, KeyValueStore, TimerStore } from '../../streams/state-store.ts';
import { type AbsenceWatch, beginWatch, decideAbsence, watchLog } from './decide-absence.ts';
import { decideLog, type LogContext } from './decide-log.ts';
import { LogMetrics } from './log-metrics.ts';
import type { PreparedRule } from './prepared-rule.ts';
import { RuleBook, type RuleChanges } from './rule-book.ts';
import { LOG_ABSENCE_STORE, LOG_COOLDOWNS_STORE, LOG_RULES_STORE, LOG_WINDOWS_STORE } from './store-names.ts';
import type { WindowCounts } from './window-counts.ts';

/** A rule's id and a service. */
export type RuleKey = readonly [ruleId: string, service: string];

export interface LogAlertSettings {
  readonly changes: RuleChanges;
  readonly graceMs: number;
  /** Whether the logs of a service go to a partition: who watches over a service that is silent from the start. */
  readonly isAt: (service: string, partition: number) => boolean;
}

/** How soon a watch begins after its rule came into force. */
const WATCH_INTERVAL_MS = 1_000;

export class LogAlertProcessor implements Processor<string, LogEvent, string, LogAlert> {
  readonly #settings: LogAlertSettings;
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, LogAlert>;
  #windows!: DueKeyValueStore<RuleKey, WindowCounts>;
  #absence!: DueKeyValueStore<RuleKey, AbsenceWatch>;
  #cooldowns!: TimerStore<string>;
  #rules!: RuleBook;
  #metrics!: LogMetrics;
  #watchedVersion = -1;

  constructor(settings: LogAlertSettings) {
    this.#settings = settings;
  }

  init(context: ProcessorContext<string, LogAlert>): void {
    this.#context = context;
    this.#windows = context.getStateStore(LOG_WINDOWS_STORE);
    this.#absence = context.getStateStore(LOG_ABSENCE_STORE);
    this.#cooldowns = context.getStateStore(LOG_COOLDOWNS_STORE);
    const store = context.getStateStore<KeyValueStore<string, LogAlertRule>>(LOG_RULES_STORE);
    this.#rules = new RuleBook(store, this.#settings.changes);
    this.#metrics = new LogMetrics(context.metrics);
    context.onDue<RuleKey, WindowCounts>(LOG_WINDOWS_STORE, (key) => this.#windows.delete(key));
    context.onDue<string, number>(LOG_COOLDOWNS_STORE, (fingerprint) => this.#cooldowns.cancel(fingerprint));
    context.onDue<RuleKey, AbsenceWatch>(LOG_ABSENCE_STORE, (key, watch, dueMs) => this.#silent(key, watch, dueMs));
    context.schedule(WATCH_INTERVAL_MS, 'wall-clock', () => this.#watch());
  }

  process({ value: log, headers }: Record<string, LogEvent>): void {
    for (const prepared of this.#rules.rulesOf(log.service)) {
      if (prepared.rule.type === 'ABSENCE') this.#heard(prepared, log);
      else this.#evaluate(prepared, log, headers);
    }
  }

  #evaluate(prepared: PreparedRule, log: LogEvent, headers: Record<string, LogEvent>['headers']): void {
    if (!prepared.countsAll && !prepared.matches(log)) return;
    const key: RuleKey = [prepared.rule.id, log.service];
    const decision = decideLog(log, prepared, this.#windows.get(key), this.#logContext());
    if (decision.counts !== undefined) this.#windows.put(key, decision.counts);
    if (decision.late) this.#metrics.late();
    if (decision.suppressed) this.#metrics.suppressed(prepared.rule);
    if (decision.alert !== undefined) this.#raise(decision.alert, prepared, headers);
  }

  #heard(prepared: PreparedRule, log: LogEvent): void {
    const key: RuleKey = [prepared.rule.id, log.service];
    const watch = watchLog(this.#absence.get(key), log.timestamp, prepared);
    if (watch !== undefined) this.#absence.put(key, watch);
  }

  #silent(key: RuleKey, known: AbsenceWatch, dueMs: number): void {
    const [ruleId, service] = key;
    const prepared = this.#rules.rules.get(ruleId);
    const decision = decideAbsence(service, known, dueMs, prepared, this.#restsUntilMs);
    if (decision.watch === undefined) this.#absence.delete(key);
    else this.#absence.put(key, decision.watch);
    if (prepared === undefined) return;
    if (decision.suppressed) this.#metrics.suppressed(prepared.rule);
    if (decision.alert !== undefined) this.#raise(decision.alert, prepared, undefined);
  }

  /** After the rules have changed: a service that a rule names is watched though it may never have sent a log. */
  #watch(): void {
    const { version } = this.#rules;
    if (version === this.#watchedVersion) return;
    this.#watchedVersion = version;
    const { rules } = this.#rules;
    for (const { key, value } of [...this.#absence.all()]) {
      if (rules.get(key[0])?.rule.revision !== value.revision) this.#absence.delete(key);
    }
    for (const prepared of rules.values()) {
      const { id, type, service } = prepared.rule;
      if (type !== 'ABSENCE' || service === null || !this.#settings.isAt(service, this.#context.partition)) continue;
      const key: RuleKey = [id, service];
      if (this.#absence.get(key) === undefined)
        this.#absence.put(key, beginWatch(prepared, this.#context.systemTimeMs));
    }
  }

  #raise(alert: LogAlert, { cooldownMs }: PreparedRule, headers: Record<string, LogEvent>['headers']): void {
    if (cooldownMs > 0)
      this.#cooldowns.schedule(alert.fingerprint, alert.triggeredAt + cooldownMs + this.#settings.graceMs);
    this.#context.forward({ key: alert.service, value: alert, timestampMs: alert.triggeredAt, headers });
    this.#metrics.fired(alert, this.#context.systemTimeMs);
  }

  #logContext(): LogContext {
    const { streamTimeMs } = this.#context;
    return { graceMs: this.#settings.graceMs, streamTimeMs, restsUntilMs: this.#restsUntilMs };
  }

  /** A cooldown is remembered for the grace period after its end, for logs that come late. */
  readonly #restsUntilMs = (fingerprint: string): number | undefined => {
    const forgottenAtMs = this.#cooldowns.scheduled(fingerprint);
    return forgottenAtMs === undefined ? undefined : forgottenAtMs - this.#settings.graceMs;
  };
}
