/**
 * What queries see of the stores: the key spaces of their committed state.
 *
 * Invariants:
 * - A view has no memory of its own and touches none of the store's, so it may be made for each query and thrown away.
 * - A scan is lazy and begins anywhere: its cost is that of the rows which are taken from it.
 * - What has expired is not shown, whether or not its rows are still there.
 */
import type { Query, QueryEntry, QueryKind } from '../streams/queries/query.ts';
import type { StoreView, ViewRow } from '../streams/queries/store-view.ts';
import type { KeyRange, KeySpace } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import { prefixEnd, successor } from './bytes.ts';
import type { KeyCodec } from './codecs.ts';
import type { Expiring } from './ttl-store.ts';
import { keyOf, segmentBytes, segmentStart, startOf, WindowKeyCodec } from './window-keys.ts';

export interface ViewParts<K, V> {
  readonly name: string;
  readonly space: KeySpace;
  readonly key: KeyCodec<K>;
  readonly value: Serde<V>;
}

export class KeyValueView<K, V> implements StoreView {
  readonly kinds: readonly QueryKind[] = ['key', 'range', 'prefix'];
  readonly #parts: ViewParts<K, V>;

  constructor(parts: ViewParts<K, V>) {
    this.#parts = parts;
  }

  *scan(query: Query, after: Uint8Array | undefined): Iterable<ViewRow> {
    const { space } = this.#parts;
    if (query.kind === 'key') {
      const value = space.get(query.key);
      if (value !== undefined && after === undefined) yield this.#row(query.key, value);
      return;
    }
    for (const [key, value] of space.range(boundsOf(query, after))) yield this.#row(key, value);
  }

  #row(key: Uint8Array, value: Uint8Array): ViewRow {
    const { name, key: codec, value: serde } = this.#parts;
    const entry = { key: codec.decode(key), value: serde.deserialize(name, value) };
    return { place: key, entry, bytes: key.length + value.length };
  }
}

/** Of a store with a time to live. */
export class TtlView implements StoreView {
  readonly kinds: readonly QueryKind[];
  readonly #entries: KeyValueView<unknown, Expiring<unknown>>;
  readonly #nowMs: number;

  /** `nowMs` is the task's stream time. */
  constructor(entries: KeyValueView<unknown, Expiring<unknown>>, nowMs: number) {
    this.kinds = entries.kinds;
    this.#entries = entries;
    this.#nowMs = nowMs;
  }

  *scan(query: Query, after: Uint8Array | undefined): Iterable<ViewRow> {
    for (const row of this.#entries.scan(query, after)) {
      const { value, expiresAtMs } = row.entry?.value as Expiring<unknown>;
      const entry = expiresAtMs > this.#nowMs ? { key: row.entry?.key, value } : undefined;
      yield { ...row, entry };
    }
  }
}

function boundsOf(query: Query, after: Uint8Array | undefined): KeyRange {
  const { from, to, reverse = false } = query.kind === 'prefix' ? prefixBounds(query) : (query as RangeQuery);
  if (after === undefined) return { from, to, reverse };
  return reverse ? { from, to: after, reverse } : { from: successor(after), to, reverse };
}

type RangeQuery = Query & { kind: 'range' };

const prefixBounds = ({ prefix, reverse = false }: Query & { kind: 'prefix' }): KeyRange => ({
  from: prefix,
  to: prefixEnd(prefix),
  reverse,
});

export interface WindowViewParts<K, V> extends ViewParts<K, V> {
  readonly segmentMs: number;
  /** The first window start that has not expired. */
  readonly firstMs: number;
  /** The entry of a window and of its start; undefined where it is not part of the answer. */
  readonly entry: (key: K, startMs: number, value: V, query: TimeQuery) => QueryEntry | undefined;
  /** Window starts in which a query of a key has to look. Default: those it names. */
  readonly starts?: (query: TimeQuery) => readonly [fromMs: number, toMs: number];
}

export type TimeQuery = Query & { kind: 'window' | 'windows' };

const END_OF_ROWS = Uint8Array.of(0xff);

/** Windows, and sessions by their ends. */
export class WindowView<K, V> implements StoreView {
  readonly kinds: readonly QueryKind[] = ['window', 'windows'];
  readonly #parts: WindowViewParts<K, V>;
  readonly #codec: WindowKeyCodec<K>;

  constructor(parts: WindowViewParts<K, V>) {
    this.#parts = parts;
    this.#codec = new WindowKeyCodec(parts.key, parts.segmentMs);
  }

  *scan(query: Query, after: Uint8Array | undefined): Iterable<ViewRow> {
    const timeQuery = query as TimeQuery;
    const [fromMs, toMs] = this.#interval(timeQuery);
    if (fromMs > toMs) return;
    let segment = this.#segmentFrom(after ?? segmentBytes(this.#codec.segmentOf(fromMs)));
    while (segment !== undefined && segment <= toMs) {
      yield* this.#segment(segment, timeQuery, after, [fromMs, toMs]);
      segment = this.#segmentFrom(segmentBytes(segment + this.#parts.segmentMs));
    }
  }

  /** Whole numbers that a key can have. */
  #interval(query: TimeQuery): readonly [number, number] {
    const { starts, firstMs, segmentMs } = this.#parts;
    const [fromMs, toMs] = starts?.(query) ?? [query.fromMs, query.toMs];
    return [Math.max(0, Math.ceil(Math.max(fromMs, firstMs))), Math.min(Math.floor(toMs), MAX_TIME - segmentMs)];
  }

  /** The segment of the first row at or behind a place: one seek. */
  #segmentFrom(place: Uint8Array): number | undefined {
    for (const [row] of this.#parts.space.range({ from: place, to: END_OF_ROWS, limit: 1 })) return segmentStart(row);
    return undefined;
  }

  *#segment(
    segment: number,
    query: TimeQuery,
    after: Uint8Array | undefined,
    [fromMs, toMs]: readonly [number, number],
  ): Iterable<ViewRow> {
    const { space, segmentMs, name, value: serde, entry } = this.#parts;
    const end = segment + segmentMs - 1;
    const [from, to] =
      query.kind === 'window'
        ? [
            this.#codec.physical(query.key, Math.max(fromMs, segment)),
            successor(this.#codec.physical(query.key, Math.min(toMs, end))),
          ]
        : [segmentBytes(segment), segmentBytes(end + 1)];
    const start = after !== undefined && segmentStart(after) === segment ? successor(after) : from;
    for (const [place, bytes] of space.range({ from: start, to })) {
      const startMs = startOf(place);
      const isIn = startMs >= fromMs && startMs <= toMs;
      const row = { place, bytes: place.length + bytes.length };
      const key = this.#parts.key.decode(keyOf(place));
      yield {
        ...row,
        entry: isIn ? entry(key, startMs, serde.deserialize(name, bytes), query) : undefined,
      };
    }
  }
}

const MAX_TIME = Number.MAX_SAFE_INTEGER;
