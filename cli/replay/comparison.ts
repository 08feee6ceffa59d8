/**
 * What other rules would have changed, alert by alert.
 *
 * Invariant: a step that both rule sets take of an alert cancels out, whenever the two take it; what is left over is the
 * difference. An alert is reported once both have purged it or all events are in, and forgotten then, so memory holds the living
 * alerts that differ. Only escalating and closing counts: neither the reason for doing nothing nor the time of purging is a difference.
 */
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { failure } from '../exit-codes.ts';

export type Side = 'current' | 'candidate';

/** A step of an alert that changes what people see of it. */
export interface Step {
  readonly eventType: 'ESCALATED' | 'AUTO_CLOSED';
  readonly timestampMs: number;
  /** After an escalation. */
  readonly severity: string | undefined;
  readonly reason: string;
}

/** How an alert would have fared otherwise. */
export interface AlertDifference {
  readonly alertId: string;
  readonly driverId: string;
  readonly sourceType: string;
  readonly happenedMs: number;
  readonly changes: readonly ChangeKind[];
  /** What only the rules in force did. */
  readonly current: readonly Step[];
  /** What only the other rules would have done. */
  readonly candidate: readonly Step[];
}

export const CHANGE_KINDS = [
  'would escalate',
  'would not escalate',
  'would escalate to another severity',
  'would be closed',
  'would not be closed',
  'would be closed at another time',
  'would be closed for another reason',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

interface Entry {
  readonly about: Pick<LifecycleEvent, 'alertId' | 'driverId' | 'sourceType' | 'alertTimestamp'>;
  readonly left: Record<Side, Step[]>;
  readonly purged: Set<Side>;
}

/** Living alerts that differ, at most; some hundred bytes each. */
const MAX_ENTRIES = 1_000_000;

export class Comparison {
  readonly #entries = new Map<string, Entry>();
  readonly #onDifference: (difference: AlertDifference) => void;

  constructor(onDifference: (difference: AlertDifference) => void) {
    this.#onDifference = onDifference;
  }

  add(side: Side, event: LifecycleEvent): void {
    if (event.eventType === 'PURGED') this.#purged(side, event.alertId);
    else if (event.eventType === 'ESCALATED' || event.eventType === 'AUTO_CLOSED')
      this.#step(side, event, event.eventType);
  }

  /** All events are in. */
  finish(): void {
    for (const entry of this.#entries.values()) this.#onDifference(differenceOf(entry));
    this.#entries.clear();
  }

  #step(side: Side, event: LifecycleEvent, eventType: Step['eventType']): void {
    const { alertId, timestamp: timestampMs, reason } = event;
    const severity = eventType === 'ESCALATED' ? event.severity : undefined;
    const step: Step = { eventType, timestampMs, severity, reason };
    const entry = this.#entries.get(alertId) ?? this.#begin(event);
    const others = entry.left[side === 'current' ? 'candidate' : 'current'];
    const same = others.findIndex((other) => sameStep(other, step));
    if (same < 0) entry.left[side].push(step);
    else others.splice(same, 1);
    if (entry.left.current.length + entry.left.candidate.length === 0) this.#entries.delete(alertId);
  }

  #begin({ alertId, driverId, sourceType, alertTimestamp }: LifecycleEvent): Entry {
    if (this.#entries.size >= MAX_ENTRIES) {
      throw failure(
        `More than ${MAX_ENTRIES} alerts that live at the same time differ; compare a shorter stretch of time, or a rules file that ` +
          'changes less.',
      );
    }
    const about = { alertId, driverId, sourceType, alertTimestamp };
    const entry: Entry = { about, left: { current: [], candidate: [] }, purged: new Set() };
    this.#entries.set(alertId, entry);
    return entry;
  }

  /** Without an entry the alert does not differ so far. */
  #purged(side: Side, alertId: string): void {
    const entry = this.#entries.get(alertId);
    if (entry === undefined) return;
    entry.purged.add(side);
    if (entry.purged.size < 2) return;
    this.#entries.delete(alertId);
    this.#onDifference(differenceOf(entry));
  }
}

const sameStep = (one: Step, other: Step): boolean =>
  one.eventType === other.eventType &&
  one.timestampMs === other.timestampMs &&
  one.severity === other.severity &&
  one.reason === other.reason;

function differenceOf({ about, left: { current, candidate } }: Entry): AlertDifference {
  const { alertId, driverId, sourceType, alertTimestamp: happenedMs } = about;
  const changes = [escalationChange(current, candidate), closingChange(current, candidate)];
  return {
    ...{ alertId, driverId, sourceType, happenedMs, current, candidate },
    changes: changes.filter((change) => change !== undefined),
  };
}

type Change = (current: readonly Step[], candidate: readonly Step[]) => ChangeKind | undefined;

const pick = (steps: readonly Step[], eventType: Step['eventType']): Step | undefined =>
  steps.find((step) => step.eventType === eventType);

const escalationChange: Change = (current, candidate) => {
  const was = pick(current, 'ESCALATED');
  const wouldBe = pick(candidate, 'ESCALATED');
  if (was === undefined) return wouldBe && 'would escalate';
  return wouldBe === undefined ? 'would not escalate' : 'would escalate to another severity';
};

const closingChange: Change = (current, candidate) => {
  const was = pick(current, 'AUTO_CLOSED');
  const wouldBe = pick(candidate, 'AUTO_CLOSED');
  if (was === undefined) return wouldBe && 'would be closed';
  if (wouldBe === undefined) return 'would not be closed';
  return was.timestampMs === wouldBe.timestampMs
    ? 'would be closed for another reason'
    : 'would be closed at another time';
};
