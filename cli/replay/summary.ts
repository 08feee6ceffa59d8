/**
 * What a replay has brought, in numbers: bounded by the number of source types, however many alerts there are.
 */
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { CHANGE_KINDS, type AlertDifference, type ChangeKind, type Side } from './comparison.ts';

/** Events by type. */
export type EventCounts = Readonly<Record<string, number>>;

export interface SourceComparison {
  readonly sourceType: string;
  readonly alerts: number;
  readonly escalated: Readonly<Record<Side, number>>;
  readonly closed: Readonly<Record<Side, number>>;
  /** Alerts that would have fared otherwise. */
  readonly differing: number;
}

export interface ComparisonSummary {
  readonly differing: number;
  readonly changes: Readonly<Partial<Record<ChangeKind, number>>>;
  readonly sources: readonly SourceComparison[];
  /** The first of those that differ. */
  readonly examples: readonly AlertDifference[];
}

export class EventCounter {
  readonly #counts = new Map<string, number>();

  add({ eventType }: LifecycleEvent): void {
    this.#counts.set(eventType, (this.#counts.get(eventType) ?? 0) + 1);
  }

  get counts(): EventCounts {
    return Object.fromEntries(this.#counts);
  }
}

interface SourceCounts {
  alerts: number;
  readonly escalated: Record<Side, number>;
  readonly closed: Record<Side, number>;
  differing: number;
}

/** Source types come from outside, so there may be more than anybody wants to read; the rest is counted under one name. */
const MAX_SOURCES = 1_000;
const OTHER_SOURCES = '(others)';
const MAX_EXAMPLES = 1_000;

export class ComparisonCounter {
  readonly #sources = new Map<string, SourceCounts>();
  readonly #changes = new Map<ChangeKind, number>();
  readonly #examples: AlertDifference[] = [];
  #differing = 0;

  event(side: Side, { eventType, sourceType }: LifecycleEvent): void {
    const counts = this.#source(sourceType);
    if (eventType === 'CREATED' && side === 'current') counts.alerts += 1;
    if (eventType === 'ESCALATED') counts.escalated[side] += 1;
    if (eventType === 'AUTO_CLOSED') counts.closed[side] += 1;
  }

  difference(difference: AlertDifference): void {
    this.#differing += 1;
    this.#source(difference.sourceType).differing += 1;
    for (const change of difference.changes) this.#changes.set(change, (this.#changes.get(change) ?? 0) + 1);
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(difference);
  }

  get summary(): ComparisonSummary {
    const known = CHANGE_KINDS.filter((kind) => this.#changes.has(kind));
    return {
      differing: this.#differing,
      changes: Object.fromEntries(known.map((kind) => [kind, this.#changes.get(kind) ?? 0])),
      sources: [...this.#sources]
        .map(([sourceType, counts]) => ({ sourceType, ...counts }))
        .sort((one, other) => other.differing - one.differing || (one.sourceType < other.sourceType ? -1 : 1)),
      examples: this.#examples,
    };
  }

  #source(name: string): SourceCounts {
    const sourceType = this.#sources.has(name) || this.#sources.size < MAX_SOURCES ? name : OTHER_SOURCES;
    let counts = this.#sources.get(sourceType);
    if (counts === undefined) {
      counts = {
        alerts: 0,
        escalated: { current: 0, candidate: 0 },
        closed: { current: 0, candidate: 0 },
        differing: 0,
      };
      this.#sources.set(sourceType, counts);
    }
    return counts;
  }
}
