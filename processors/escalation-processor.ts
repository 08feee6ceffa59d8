/**
 * The alert rules on the engine: takes raw alerts in and sends lifecycle events on.
 *
 * Invariant: this class decides nothing. It reads the stores, asks the `decide…` functions, writes what they answer and forwards
 * their events, so that everything a decision depends on is in its arguments.
 */
import type { AlertRule } from '../schemas/alert-rule.ts';
import type { LifecycleEvent } from '../schemas/lifecycle-event.ts';
import type { RawAlert } from '../schemas/raw-alert.ts';
import { TaskFailedError } from '../streams/errors.ts';
import type { Processor, ProcessorContext } from '../streams/processor.ts';
import type { Record } from '../streams/record.ts';
import type { DueKeyValueStore, KeyValueStore } from '../streams/state-store.ts';
import { AlertIds } from './alert-id.ts';
import type { AlertState } from './alert-state.ts';
import { decideAlert } from './decide-alert.ts';
import { decideDue, decideQuietKey, type DueContext } from './decide-due.ts';
import { decideDuplicate } from './decide-duplicate.ts';
import { driverKey } from './driver-key.ts';
import { LifecycleMetrics } from './lifecycle-metrics.ts';
import { checkRawAlert } from './raw-alert-check.ts';
import type { RecentTimes } from './recent-times.ts';
import { RuleTable } from './rule-table.ts';
import { ALERT_RULES_STORE, ALERTS_STORE, RECENT_TIMES_STORE } from './store-names.ts';

/** All in milliseconds of event time. */
export interface EscalationSettings {
  /** How far behind the newest alert of its key an alert is still decided exactly. */
  readonly graceMs: number;
  /** How long a key is kept after its last alert has left the window; not less than `graceMs`. */
  readonly quietKeyMs: number;
  /** How long the id of a purged alert is remembered, if its producer chose it. */
  readonly rememberMs: number;
}

type RawRecord = Record<string, RawAlert>;

export class EscalationProcessor implements Processor<string, RawAlert, string, LifecycleEvent> {
  readonly #settings: EscalationSettings;
  readonly #ids = new Map<string, AlertIds>();
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, LifecycleEvent>;
  #recentTimes!: DueKeyValueStore<string, RecentTimes>;
  #alerts!: DueKeyValueStore<string, AlertState>;
  #rules!: RuleTable;
  #metrics!: LifecycleMetrics;

  constructor(settings: EscalationSettings) {
    this.#settings = settings;
  }

  init(context: ProcessorContext<string, LifecycleEvent>): void {
    const rules = context.getStateStore<KeyValueStore<string, AlertRule>>(ALERT_RULES_STORE);
    this.#context = context;
    this.#recentTimes = context.getStateStore(RECENT_TIMES_STORE);
    this.#alerts = context.getStateStore(ALERTS_STORE);
    this.#rules = new RuleTable(rules, this.#settings.graceMs);
    this.#metrics = new LifecycleMetrics(context.metrics);
    context.onDue<string, AlertState>(ALERTS_STORE, (alertId, state, dueMs) => this.#alertDue(alertId, state, dueMs));
    context.onDue<string, RecentTimes>(RECENT_TIMES_STORE, (key, recent, dueMs) => this.#keyDue(key, recent, dueMs));
  }

  /** The keys that `process` will read. Records may still be invalid here. */
  prefetch(records: readonly RawRecord[]): void {
    const keys: string[] = [];
    const alertIds: string[] = [];
    for (const { value } of records) {
      if (this.#rules.ruleOf(value.sourceType)?.count !== undefined)
        keys.push(driverKey(value.driverId, value.sourceType));
      if (value.alertId !== null) alertIds.push(value.alertId);
    }
    if (keys.length > 0) this.#recentTimes.prefetch(keys);
    if (alertIds.length > 0) this.#alerts.prefetch(alertIds);
  }

  process({ key, value, headers }: RawRecord): void {
    const alert = checkRawAlert(key, value);
    const { streamTimeMs } = this.#context;
    const { sourceType } = alert;
    const rule = this.#rules.ruleOf(sourceType);
    // Ids made here are unique, so there is nothing to look up.
    if (alert.alertId !== null && decideDuplicate(this.#alerts.get(alert.alertId), streamTimeMs) === 'duplicate') {
      this.#metrics.duplicate(sourceType, rule !== undefined);
      return;
    }
    const recentKey = rule?.count === undefined ? undefined : driverKey(alert.driverId, sourceType);
    const known = recentKey === undefined ? undefined : this.#recentTimes.get(recentKey);
    const alertId = alert.alertId ?? this.#newId(alert.timestamp);
    const decision = decideAlert(alertId, alert, known, {
      rule,
      retention: this.#rules.retention(),
      streamTimeMs,
      quietKeyMs: this.#settings.quietKeyMs,
    });
    if (recentKey !== undefined && decision.recent !== undefined) this.#recentTimes.put(recentKey, decision.recent);
    this.#alerts.put(alertId, decision.state);
    if (decision.late) this.#metrics.late(sourceType, rule !== undefined);
    for (const event of decision.events) this.#send(event, rule !== undefined, headers);
  }

  #alertDue(alertId: string, state: AlertState, dueMs: number): void {
    const decision = decideDue(alertId, state, dueMs, this.#dueContext());
    if (decision.state === undefined) this.#alerts.delete(alertId);
    else this.#alerts.put(alertId, decision.state);
    const { event } = decision;
    if (event !== undefined) this.#send(event, this.#rules.ruleOf(event.sourceType) !== undefined, undefined);
  }

  #keyDue(key: string, recent: RecentTimes, dueMs: number): void {
    const kept = decideQuietKey(recent, dueMs, this.#dueContext());
    if (kept === undefined) this.#recentTimes.delete(key);
    else this.#recentTimes.put(key, kept);
  }

  #send(event: LifecycleEvent, hasRule: boolean, headers: RawRecord['headers']): void {
    this.#context.forward({ key: event.driverId, value: event, timestampMs: event.timestamp, headers });
    this.#metrics.event(event, hasRule);
  }

  #newId(timestampMs: number): string {
    const place = this.#context.recordMetadata;
    if (place === undefined)
      throw new TaskFailedError('NO_RECORD', 'An alert id is made of a record’s place; there is none.');
    let ids = this.#ids.get(place.topic);
    if (ids === undefined) {
      ids = new AlertIds(place.topic, place.partition);
      this.#ids.set(place.topic, ids);
    }
    return ids.idOf(timestampMs, place.offset);
  }

  #dueContext(): DueContext {
    const { rememberMs, quietKeyMs } = this.#settings;
    const { streamTimeMs, systemTimeMs } = this.#context;
    return { retention: this.#rules.retention(), rememberMs, quietKeyMs, streamTimeMs, nowMs: systemTimeMs };
  }
}
