/**
 * Joining two streams: each record meets those of the other side that are near enough in time.
 *
 * Invariants:
 * - A pair is joined once, when the second of the two comes; its time is the later of theirs.
 * - A record that goes on alone does so once, when no partner can come any more, and never if it had one. Such records go in
 *   the order of their times.
 */
import type { Processor, ProcessorContext } from '../../processor.ts';
import type { Record } from '../../record.ts';
import type { TimedDueStore, TimedWindowStore } from '../../state-store-timed.ts';
import { DroppedRecords } from './dropped.ts';
import { withValue } from './stateless.ts';

/** The records of one side by key and time. */
export type JoinWindowStore<K, V> = TimedWindowStore<K, readonly V[]>;

/** Records that have had no partner so far. */
export interface UnpairedKey<K> {
  readonly timestampMs: number;
  readonly left: boolean;
  readonly key: K;
}

export interface Unpaired<V> {
  readonly timestampMs: number;
  readonly left: boolean;
  readonly values: readonly V[];
}

/** Due when no partner can come any more. */
export type UnpairedStore<K> = TimedDueStore<UnpairedKey<K>, Unpaired<unknown>>;

export interface StreamJoinSide<K, VR> {
  readonly node: string;
  readonly left: boolean;
  readonly ownStore: string;
  readonly otherStore: string;
  /** Undefined: an inner join. */
  readonly unpairedStore: string | undefined;
  /** Whether records of this side go on alone. */
  readonly alone: boolean;
  /** How much earlier and later than a record of this side one of the other side may be. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Of a value of the left side and one of the right. */
  readonly joiner: (left: unknown, right: unknown, key: K) => VR;
}

export class StreamJoinProcessor<K, V, VO, VR> implements Processor<K | null, V | null, K | null, VR> {
  readonly #side: StreamJoinSide<K | null, VR>;
  #context!: ProcessorContext<K | null, VR>;
  #own!: JoinWindowStore<K, V>;
  #other!: JoinWindowStore<K, VO>;
  #unpaired: UnpairedStore<K> | undefined;
  #dropped!: DroppedRecords;

  constructor(side: StreamJoinSide<K | null, VR>) {
    this.#side = side;
  }

  init(context: ProcessorContext<K | null, VR>): void {
    const { node, ownStore, otherStore, unpairedStore } = this.#side;
    this.#context = context;
    this.#own = context.getStateStore(ownStore);
    this.#other = context.getStateStore(otherStore);
    if (unpairedStore !== undefined) this.#unpaired = context.getStateStore<UnpairedStore<K>>(unpairedStore);
    this.#dropped = new DroppedRecords(context, node);
  }

  process(record: Record<K | null, V | null>): void {
    const { key, value, timestampMs } = record;
    this.#own.observe(timestampMs);
    if (value !== null && key === null && this.#side.alone) {
      this.#sendAlone(record, this.#side.left, value);
      return;
    }
    if (key === null || value === null) {
      this.#dropped.add(key === null ? 'null-key' : 'null-value');
      return;
    }
    const complete = record as Record<K, V>;
    if (timestampMs === this.#streamTimeMs) this.#sendUnpaired(complete);
    this.#joinAll(complete);
    const former = this.#own.fetch(key, timestampMs) ?? [];
    this.#own.put(key, [...former, value], timestampMs);
  }

  /** The latest event time on either side. */
  get #streamTimeMs(): number {
    return Math.max(this.#own.observedTimeMs, this.#other.observedTimeMs);
  }

  #joinAll(record: Record<K, V>): void {
    const { beforeMs, afterMs, alone, left } = this.#side;
    const { key, value, timestampMs } = record;
    const untilMs = Math.max(0, timestampMs + afterMs);
    const partners = [...this.#other.fetchRange(key, Math.max(0, timestampMs - beforeMs), untilMs)];
    for (const { windowStartMs: otherMs, value: others } of partners) {
      this.#unpaired?.delete({ timestampMs: otherMs, left: !left, key });
      const time = Math.max(timestampMs, otherMs);
      for (const other of others) this.#send(record, time, left ? [value, other] : [other, value]);
    }
    if (partners.length > 0 || !alone) return;
    // Nobody will look for it among the unpaired ones if its window is over already.
    if (this.#unpaired === undefined || untilMs < this.#streamTimeMs) this.#sendAlone(record, left, value);
    else this.#wait(this.#unpaired, record);
  }

  #wait(store: UnpairedStore<K>, { key, value, timestampMs }: Record<K, V>): void {
    const { left } = this.#side;
    const former = store.get({ timestampMs, left, key })?.values ?? [];
    store.put({ timestampMs, left, key }, { timestampMs, left, values: [...former, value] });
  }

  /** Sends on those that can have no partner any more, with the headers of the record that told so. */
  #sendUnpaired(record: Record<K, V>): void {
    if (this.#unpaired === undefined) return;
    for (const { key: place, value } of takeDue(this.#unpaired, this.#streamTimeMs)) {
      const { key, timestampMs, left } = place;
      for (const each of value.values) this.#sendAlone({ ...record, key, timestampMs }, left, each);
    }
  }

  #sendAlone(record: Record<K | null, unknown>, left: boolean, value: unknown): void {
    this.#send(record, record.timestampMs, left ? [value, null] : [null, value]);
  }

  #send(record: Record<K | null, unknown>, timestampMs: number, [left, right]: readonly [unknown, unknown]): void {
    const value = this.#side.joiner(left, right, record.key);
    this.#context.forward({ ...withValue(record, value), timestampMs });
  }
}

/** In the order of time; of equals, the right side's first, as Kafka Streams has it. */
function takeDue<K>(store: UnpairedStore<K>, untilMs: number) {
  const due = [];
  for (let next = store.peekDue(untilMs); next !== undefined; next = store.peekDue(untilMs)) {
    store.delete(next.key);
    due.push(next);
  }
  return due.sort((a, b) => a.key.timestampMs - b.key.timestampMs || Number(a.key.left) - Number(b.key.left));
}
