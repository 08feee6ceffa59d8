/**
 * Sessions by key: windows whose end is known by their place and whose start is kept with the value.
 *
 * Invariant: sessions of one key do not overlap, so a key has one session at most for each end, and sessions in the order of
 * their ends are in the order of their starts too. Whoever puts sessions keeps to that, as merging does.
 */
import type { LogRecord, StateBatch } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import type { Session, SessionEntry, SessionStore } from '../streams/state-store-timed.ts';
import type { ChangelogSink, KeyScanOptions, ScanOptions, StoreContext, WindowEntry } from '../streams/state-store.ts';
import { asBuffer, readInt64, requireTimestamp, writeInt64 } from './bytes.ts';
import { BackedTimedWindowStore } from './timed-window-store.ts';
import type { WindowStoreOptions } from './window-store.ts';

export interface HeldSession<V> {
  readonly startMs: number;
  readonly value: V;
}

const START_BYTES = 8;

export class BackedSessionStore<K, V> implements SessionStore<K, V> {
  readonly name: string;
  readonly retentionMs: number;
  /** By the end of the session. */
  readonly #byEnd: BackedTimedWindowStore<K, HeldSession<V>>;

  constructor(options: WindowStoreOptions<K, V>, context: StoreContext) {
    this.name = options.name;
    this.retentionMs = options.retentionMs;
    this.#byEnd = new BackedTimedWindowStore({ ...options, value: heldSerde(options.value) }, context);
  }

  get observedTimeMs(): number {
    return this.#byEnd.observedTimeMs;
  }

  observe(timestampMs: number): void {
    this.#byEnd.observe(timestampMs);
  }

  *findSessions(
    key: K,
    earliestEndMs: number,
    latestStartMs: number,
    { reverse = false }: ScanOptions = {},
  ): IterableIterator<SessionEntry<K, V>> {
    for (const window of this.#byEnd.fetchRange(key, earliestEndMs, Infinity, { reverse })) {
      if (window.value.startMs <= latestStartMs) yield entryOf(window);
      else if (!reverse) return;
    }
  }

  findSessionsByEnd(
    fromEndMs: number,
    toEndMs: number,
    { reverse = false, ...keys }: KeyScanOptions<K> = {},
  ): IterableIterator<SessionEntry<K, V>> {
    // By end and key already.
    const entries = [...this.#byEnd.fetchAll(fromEndMs, toEndMs, keys)].map(entryOf);
    const byTime = (a: SessionEntry<K, V>, b: SessionEntry<K, V>): number =>
      a.session.endMs - b.session.endMs || a.session.startMs - b.session.startMs;
    entries.sort(byTime);
    return (reverse ? entries.reverse() : entries).values();
  }

  fetchSession(key: K, { startMs, endMs }: Session): V | undefined {
    const held = this.#byEnd.fetch(key, endMs);
    return held?.startMs === startMs ? held.value : undefined;
  }

  /** Throws a `RangeError` when a bound is not whole milliseconds from 1970 on, or the session ends before it starts. */
  put(key: K, { startMs, endMs }: Session, value: V): boolean {
    requireTimestamp('A session start', startMs);
    if (endMs < startMs) throw new RangeError(`A session cannot end (${endMs}) before it starts (${startMs}).`);
    return this.#byEnd.put(key, { startMs, value }, endMs);
  }

  remove(key: K, session: Session): void {
    if (this.fetchSession(key, session) !== undefined) this.#byEnd.put(key, undefined, session.endMs);
  }

  get dirtyEntries(): number {
    return this.#byEnd.dirtyEntries;
  }

  flush(changelog: ChangelogSink): void {
    this.#byEnd.flush(changelog);
  }

  stage(batch: StateBatch): void {
    this.#byEnd.stage(batch);
  }

  rollback(): void {
    this.#byEnd.rollback();
  }

  mark(): void {
    this.#byEnd.mark();
  }

  undo(): void {
    this.#byEnd.undo();
  }

  restore(records: readonly LogRecord[], batch: StateBatch): void {
    this.#byEnd.restore(records, batch);
  }

  close(): void {
    this.#byEnd.close();
  }
}

const entryOf = <K, V>({ key, windowStartMs, value }: WindowEntry<K, HeldSession<V>>): SessionEntry<K, V> => ({
  key,
  session: { startMs: value.startMs, endMs: windowStartMs },
  value: value.value,
});

export const heldSerde = <V>(serde: Serde<V>): Serde<HeldSession<V>> => ({
  serialize: (topic, { startMs, value }) => {
    const bytes = serde.serialize(topic, value);
    if (bytes === null) throw new TypeError(`The serde of "${topic}" wrote null; remove a session instead.`);
    const out = Buffer.allocUnsafe(START_BYTES + bytes.length);
    writeInt64(out, startMs, 0);
    out.set(bytes, START_BYTES);
    return out;
  },
  deserialize: (topic, data) => {
    const bytes = data as Uint8Array;
    return {
      startMs: readInt64(asBuffer(bytes), 0),
      value: serde.deserialize(topic, bytes.subarray(START_BYTES)),
    };
  },
});
