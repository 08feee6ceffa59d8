/**
 * How far the ends of changelogs are, and how long ago a copy was complete.
 *
 * Invariant: an end is never older than the stated age when it is used, and the log is asked once for all who want it at a time. A
 * copy counts as complete as of a moment when it has reached the end that the changelog had then.
 */
import type { Clock, LogReader, TopicPartition } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';

interface KnownEnd {
  readonly end: number;
  /** When the log was asked, UTC epoch milliseconds. */
  readonly asOfMs: number;
}

/** Ends to remember per changelog, so that a copy that lags can say when it was complete. */
const REMEMBERED = 32;

export class ChangelogEnds {
  readonly #reader: LogReader;
  readonly #clock: Clock;
  readonly #known = new Map<string, KnownEnd[]>();
  readonly #asking = new Map<string, Promise<KnownEnd>>();

  constructor(reader: LogReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /** The end of the committed log, at most `maxAgeMs` old; with 0 the log is asked. Rejects as the reader does. */
  async endOf(changelog: TopicPartition, maxAgeMs: number): Promise<number> {
    const key = topicPartitionKey(changelog);
    const latest = this.#known.get(key)?.at(-1);
    if (latest !== undefined && this.#clock.now() - latest.asOfMs < maxAgeMs) return latest.end;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(key, changelog).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return (await asking).end;
  }

  /** Milliseconds since a copy at this position was complete, as far as was ever asked; undefined: not known. */
  stalenessMs(changelog: TopicPartition, position: number): number | undefined {
    const reached = this.#known.get(topicPartitionKey(changelog))?.findLast(({ end }) => end <= position);
    return reached === undefined ? undefined : Math.max(0, this.#clock.now() - reached.asOfMs);
  }

  async #ask(key: string, changelog: TopicPartition): Promise<KnownEnd> {
    const asOfMs = this.#clock.now();
    const { end } = await this.#reader.range(changelog);
    const known = { end, asOfMs };
    this.#known.set(key, [...(this.#known.get(key) ?? []), known].slice(-REMEMBERED));
    return known;
  }
}
