/**
 * What the producers of the simulated application write.
 *
 * Invariant: a key is only ever written to its own partition. Event times lie before the time of writing, some of them long
 * before; a few lie a little after it.
 */
import type { ProducedRecord, TopicSpec } from '../../streams/ports.ts';
import type { SeededRandom } from '../../streams/testing/simulation/random.ts';
import { FAR_MS, MAX_RESULT_BYTES, type Input, type Kind } from './workload.ts';

export const SIDES = ['left', 'right'] as const;
export const GROUPS = ['red', 'green', 'blue', 'grey'] as const;
/** How long before the start the backlog ends; further than any clock is off. */
const BACKLOG_AGE_MS = 5_000;
const KEYS_PER_PARTITION = 4;

export const topics = (partitions: number): readonly TopicSpec[] => [
  { name: 'left', partitions, config: {} },
  { name: 'right', partitions, config: {} },
  { name: 'results', partitions, config: { 'max.message.bytes': String(MAX_RESULT_BYTES) } },
  { name: 'totals', partitions, config: {} },
  { name: 'dead-letters', partitions: 1, config: {} },
  { name: 'rates', partitions: 1, config: { 'cleanup.policy': 'compact' } },
];

const utf8 = new TextEncoder();

export const rateOf = (group: string): string => `rate of ${group}`;

/** Makes the records of one run, with ids that tell their topic. */
export class Inputs {
  #ids = 0;
  #lastBacklogId = 0;

  /** The highest number among the ids of the backlog. */
  get lastBacklogId(): number {
    return this.#lastBacklogId;
  }

  readonly backlog = (random: SeededRandom, nowMs: number, partitions: number): readonly ProducedRecord[] => {
    const rates = GROUPS.map((group) => ({
      ...{ topic: 'rates', partition: 0, timestampMs: nowMs },
      ...{ key: utf8.encode(group), value: utf8.encode(rateOf(group)) },
    }));
    const count = random.between(0, 20 * partitions);
    const times = Array.from({ length: count }, () => nowMs - BACKLOG_AGE_MS - random.between(0, 10_000)).sort(
      (a, b) => a - b,
    );
    const records = times.map((timestampMs) => this.#record(random, partitions, late(random, timestampMs)));
    this.#lastBacklogId = this.#ids;
    return [...rates, ...records];
  };

  readonly wave = (random: SeededRandom, nowMs: number, partitions: number): readonly ProducedRecord[] =>
    Array.from({ length: random.between(1, 6 * partitions) }, () => {
      const timestampMs = random.chance(0.05) ? nowMs + random.between(1, 500) : nowMs - random.between(0, 300);
      return this.#record(random, partitions, late(random, timestampMs));
    });

  #record(random: SeededRandom, partitions: number, timestampMs: number): ProducedRecord {
    const topic = random.pick(SIDES);
    const partition = random.between(0, partitions - 1);
    const key = utf8.encode(`p${partition}k${random.between(1, KEYS_PER_PARTITION)}`);
    const id = `${topic}-${(this.#ids += 1)}`;
    // Rounded, so that equal times occur.
    const place = { topic, partition, key, timestampMs: Math.floor(timestampMs / 10) * 10 };
    if (random.chance(0.03)) return { ...place, value: utf8.encode(`${id} is no JSON`) };
    return { ...place, value: utf8.encode(JSON.stringify(this.#input(random, id))) };
  }

  #input(random: SeededRandom, id: string): Input {
    const kind = random.weighted<Kind>({
      plain: 8,
      remind: 6,
      forget: 1,
      clear: 1,
      throw: 0.7,
      oversize: 0.5,
      poison: 0.5,
    });
    const delayMs = random.chance(0.2) ? FAR_MS : random.between(1, 1_500);
    return { id, kind, group: random.pick(GROUPS), delayMs, times: random.between(1, 3) };
  }
}

const late = (random: SeededRandom, timestampMs: number): number =>
  random.chance(0.1) ? timestampMs - random.between(500, 6_000) : timestampMs;

/** After the last record: three delays, then a closing. */
export const QUIET_MS = 8_000;
