/**
 * What queries see of a versioned store: the version of a key that is valid, or was at some time.
 *
 * Invariant: it answers from the committed rows alone, by one seek.
 */
import type { Query, QueryEntry, QueryKind } from '../streams/queries/query.ts';
import type { StoreView, ViewRow } from '../streams/queries/store-view.ts';
import type { KeySpace, StateBackend } from '../streams/ports.ts';
import type { Serde } from '../streams/serde.ts';
import { bytesKey, int64Key, pairKey, type KeyCodec } from './codecs.ts';
import { committedTimeMs } from './observed-time.ts';
import { rowSerde, type Row, type VersionedStoreOptions } from './versioned-store.ts';

const END_OF_TIME = Number.MAX_SAFE_INTEGER;

/** The store's row keys, for keys that are serialized already. */
const rowKey = pairKey(bytesKey, int64Key);

type Spec<K, V> = Pick<VersionedStoreOptions<K, V>, 'name' | 'key' | 'value' | 'historyRetentionMs'>;

export class VersionedView<K, V> implements StoreView {
  readonly kinds: readonly QueryKind[] = ['key', 'version'];
  readonly #name: string;
  readonly #key: KeyCodec<K>;
  readonly #rows: Serde<Row<V>>;
  readonly #space: KeySpace;
  readonly #historyFromMs: number;

  constructor({ name, key, value, historyRetentionMs }: Spec<K, V>, backend: StateBackend) {
    this.#name = name;
    this.#key = key;
    this.#rows = rowSerde(value);
    this.#space = backend.keySpace(name);
    this.#historyFromMs = committedTimeMs(backend, `observed-${name}`) - historyRetentionMs;
  }

  *scan(query: Query, after: Uint8Array | undefined): Iterable<ViewRow> {
    if (after !== undefined) return;
    const { key, asOfMs } = query as Query & { kind: 'version' };
    const range = {
      from: rowKey.encode([key, 0]),
      to: rowKey.encode([key, asOfMs === undefined ? END_OF_TIME : asOfMs + 1]),
    };
    for (const [place, bytes] of this.#space.range({ ...range, reverse: true, limit: 1 })) {
      const row = this.#rows.deserialize(this.#name, bytes);
      yield { place, entry: this.#entry(key, row, asOfMs), bytes: place.length + bytes.length };
    }
  }

  /** Nothing for a deletion, and for a past that the history does not reach back to. */
  #entry(key: Uint8Array, row: Row<V>, asOfMs: number | undefined): QueryEntry | undefined {
    const { value, validFromMs, validToMs } = row;
    if (value === undefined) return undefined;
    if (asOfMs !== undefined && asOfMs < this.#historyFromMs && validToMs !== undefined) return undefined;
    return { key: this.#key.decode(key), value, validFromMs, ...(validToMs !== undefined && { validToMs }) };
  }
}
