/**
 * Every version of a key, one row each, found by key and the time it is valid from.
 *
 * Invariants:
 * - A version is valid up to the next one of its key; the row says so, and a deletion is a version without a value.
 * - A row is removed when its version ended more than the history retention ago, found by due time and not by scanning; the
 *   latest version stays.
 */
import type { LogRecord, StateBatch } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import type { VersionedKeyValueStore, VersionedValue, VersionScanOptions } from '../streams/state-store-timed.ts';
import type { ChangelogSink, KeyValueEntry, ScanOptions, StoreContext } from '../streams/state-store.ts';
import { asBuffer, readInt64, requireTimestamp, writeInt64 } from './bytes.ts';
import { int64Key, pairKey, pairPrefix, type KeyCodec } from './codecs.ts';
import { keyChoice } from './key-choice.ts';
import type { KeyValueStoreOptions } from './key-value-store.ts';
import { BackedTimedDueStore } from './timed-due-store.ts';

export interface VersionedStoreOptions<K, V> extends KeyValueStoreOptions<K, V> {
  /** How far behind the latest put the past can be asked for. Milliseconds. */
  readonly historyRetentionMs: number;
}

type RowKey<K> = readonly [key: K, validFromMs: number];

export interface Row<V> {
  /** Undefined: deleted as of that time. */
  readonly value: V | undefined;
  readonly validFromMs: number;
  readonly validToMs: number | undefined;
}

const END_OF_TIME = Number.MAX_SAFE_INTEGER;
const HEADER_BYTES = 17;

export class BackedVersionedStore<K, V> implements VersionedKeyValueStore<K, V> {
  readonly name: string;
  readonly historyRetentionMs: number;
  readonly #key: KeyCodec<K>;
  readonly #rows: BackedTimedDueStore<RowKey<K>, Row<V>>;

  constructor(options: VersionedStoreOptions<K, V>, context: StoreContext) {
    const { name, key, value, historyRetentionMs } = options;
    this.name = name;
    this.#key = key;
    this.historyRetentionMs = historyRetentionMs;
    const endedMs = (row: Row<V>): number | undefined =>
      row.validToMs ?? (row.value === undefined ? row.validFromMs : undefined);
    this.#rows = new BackedTimedDueStore(
      {
        ...options,
        key: pairKey(key, int64Key),
        value: rowSerde(value),
        dueAtMs: (row) => {
          const ended = endedMs(row);
          return ended === undefined ? undefined : ended + historyRetentionMs;
        },
      },
      context,
    );
  }

  get observedTimeMs(): number {
    return this.#rows.observedTimeMs;
  }

  observe(timestampMs: number): void {
    this.#rows.observe(timestampMs);
  }

  get(key: K): VersionedValue<V> | undefined {
    return versionOf(this.#lastBefore(key, END_OF_TIME));
  }

  getAsOf(key: K, timestampMs: number): VersionedValue<V> | undefined {
    const row = this.#lastBefore(key, timestampMs + 1);
    return timestampMs >= this.#historyFromMs || row?.validToMs === undefined ? versionOf(row) : undefined;
  }

  *history(key: K, fromMs: number, toMs: number, options?: ScanOptions): IterableIterator<VersionedValue<V>> {
    const earliestMs = Math.max(fromMs, this.#historyFromMs);
    const behind = Math.min(Math.floor(toMs) + 1, END_OF_TIME);
    if (behind <= 0) return;
    for (const { value: row } of this.#rows.range([key, 0], [key, behind], options)) {
      const version = versionOf(row);
      if (version !== undefined && (row.validToMs === undefined || row.validToMs > earliestMs)) yield version;
    }
  }

  *all({ asOfMs, ...keys }: VersionScanOptions<K> = {}): IterableIterator<KeyValueEntry<K, VersionedValue<V>>> {
    const isChosen = keyChoice(this.#key, keys);
    for (const { key: rowKey, value: row } of this.#rowsOf(keys)) {
      const version = versionOf(row);
      if (version === undefined || !this.#isValid(row, asOfMs)) continue;
      if (isChosen(this.#key.encode(rowKey[0]))) yield { key: rowKey[0], value: version };
    }
  }

  /** Throws a `RangeError` when the time is not whole milliseconds from 1970 on. */
  put(key: K, value: V | undefined, timestampMs: number): 'latest' | 'past' | 'expired' {
    requireTimestamp('A version', timestampMs);
    if (timestampMs < this.#historyFromMs) return 'expired';
    this.observe(timestampMs);
    const before = this.#lastBefore(key, timestampMs);
    const after = first(this.#rows.range([key, timestampMs + 1], [key, END_OF_TIME]));
    if (before !== undefined && before.validToMs !== timestampMs)
      this.#putRow(key, { ...before, validToMs: timestampMs });
    this.#putRow(key, { value, validFromMs: timestampMs, validToMs: after?.validFromMs });
    this.#dropEnded();
    return after === undefined ? 'latest' : 'past';
  }

  get dirtyEntries(): number {
    return this.#rows.dirtyEntries;
  }

  flush(changelog: ChangelogSink): void {
    this.#rows.flush(changelog);
  }

  stage(batch: StateBatch): void {
    this.#rows.stage(batch);
  }

  rollback(): void {
    this.#rows.rollback();
  }

  mark(): void {
    this.#rows.mark();
  }

  undo(): void {
    this.#rows.undo();
  }

  restore(records: readonly LogRecord[], batch: StateBatch): void {
    this.#rows.restore(records, batch);
  }

  close(): void {
    this.#rows.close();
  }

  /** How far back the past can be asked for. */
  get #historyFromMs(): number {
    return this.observedTimeMs - this.historyRetentionMs;
  }

  /** Whether the version is its key's latest, or the one as of that time. */
  #isValid({ validFromMs, validToMs }: Row<V>, asOfMs: number | undefined): boolean {
    if (asOfMs === undefined) return validToMs === undefined;
    const reachesBack = asOfMs >= this.#historyFromMs || validToMs === undefined;
    return reachesBack && validFromMs <= asOfMs && (validToMs === undefined || asOfMs < validToMs);
  }

  /** All rows of the keys, and perhaps of others. */
  #rowsOf({
    fromKey,
    toKey,
    prefix,
    reverse,
  }: VersionScanOptions<K>): IterableIterator<KeyValueEntry<RowKey<K>, Row<V>>> {
    const options = { reverse: reverse ?? false };
    if (prefix !== undefined) return this.#rows.prefixScan(pairPrefix(prefix), options);
    const first = fromKey === undefined ? undefined : ([fromKey, 0] as const);
    const end = toKey === undefined ? undefined : ([toKey, 0] as const);
    return this.#rows.range(first, end, options);
  }

  #lastBefore(key: K, timestampMs: number): Row<V> | undefined {
    return first(this.#rows.range([key, 0], [key, timestampMs], { reverse: true }));
  }

  #putRow(key: K, row: Row<V>): void {
    this.#rows.put([key, row.validFromMs], row);
  }

  #dropEnded(): void {
    for (;;) {
      const ended = this.#rows.peekDue(this.observedTimeMs);
      if (ended === undefined) return;
      this.#rows.delete(ended.key);
    }
  }
}

function first<K, V>(entries: IterableIterator<KeyValueEntry<K, V>>): V | undefined {
  for (const { value } of entries) return value;
  return undefined;
}

const versionOf = <V>(row: Row<V> | undefined): VersionedValue<V> | undefined =>
  row?.value === undefined ? undefined : { value: row.value, validFromMs: row.validFromMs, validToMs: row.validToMs };

/** Valid from, valid to (-1 for the latest), whether there is a value, and the value. */
export const rowSerde = <V>(serde: Serde<V>): Serde<Row<V>> => ({
  serialize: (topic, { value, validFromMs, validToMs }) => {
    const bytes = value === undefined ? undefined : serde.serialize(topic, value);
    if (bytes === null) throw new TypeError(`The serde of "${topic}" wrote null; put undefined to delete.`);
    const out = Buffer.alloc(HEADER_BYTES + (bytes?.length ?? 0));
    writeInt64(out, validFromMs, 0);
    writeInt64(out, validToMs ?? -1, 8);
    out[16] = bytes === undefined ? 0 : 1;
    if (bytes !== undefined) out.set(bytes, HEADER_BYTES);
    return out;
  },
  deserialize: (topic, data) => {
    const bytes = asBuffer(data as Uint8Array);
    const validToMs = readInt64(bytes, 8);
    return {
      value: bytes[16] === 1 ? serde.deserialize(topic, bytes.subarray(HEADER_BYTES)) : undefined,
      validFromMs: readInt64(bytes, 0),
      validToMs: validToMs < 0 ? undefined : validToMs,
    };
  },
});
