/**
 * The changes of one batch, collected in a native write batch.
 *
 * Invariant: range deletions are done after the batch was written (the binding cannot put them into it), and come out as if
 * they had been done in their turn: what the batch puts into a range later on is left out of the range.
 */
import binding, { type NativeBatch } from 'rocksdb/binding.js';
import type { KeySpace, StateBatch, TopicPartition } from '../streams/ports.ts';
import { topicPartitionKey } from '../streams/ports.ts';
import { compareBytes, Scratch, successor } from './bytes.ts';
import { concatPrefix, RocksDbKeySpace } from './rocksdb-key-space.ts';
import { RocksDbMeta, type KeyInterval, type MetaRow } from './rocksdb-meta.ts';

export interface FinishedBatch {
  readonly native: NativeBatch;
  readonly ranges: readonly KeyInterval[];
  readonly positions: ReadonlyMap<string, number | undefined>;
  readonly bytes: number;
}

export class RocksDbBatch implements StateBatch {
  #native: NativeBatch | undefined;
  readonly #meta: RocksDbMeta;
  readonly #scratch = keyScratch;
  #ranges: KeyInterval[] = [];
  readonly #positions = new Map<string, number | undefined>();
  #bytes = 0;

  constructor(native: NativeBatch, meta: RocksDbMeta) {
    this.#native = native;
    this.#meta = meta;
  }

  put(space: KeySpace, key: Uint8Array, value: Uint8Array): void {
    const physical = ownSpace(space).physical(key, this.#scratch);
    if (this.#ranges.length > 0) this.#spare(physical);
    binding.batch_put(this.#unwritten(), physical, value, undefined);
    this.#bytes += key.length + value.length;
  }

  delete(space: KeySpace, key: Uint8Array): void {
    binding.batch_del(this.#unwritten(), ownSpace(space).physical(key, this.#scratch), undefined);
    this.#bytes += key.length;
  }

  deleteRange(space: KeySpace, from: Uint8Array, to: Uint8Array): void {
    const { prefix } = ownSpace(space);
    this.#addRange({ from: concatPrefix(prefix, from), to: concatPrefix(prefix, to) });
  }

  setPosition(partition: TopicPartition, offset: number): void {
    const name = topicPartitionKey(partition);
    putRow(this.#unwritten(), this.#meta.positionRow(name, offset));
    this.#positions.set(name, offset);
  }

  /** Every position and everything in every key space; the key spaces keep their prefixes. */
  forgetEverything(): void {
    for (const name of this.#meta.positionNames) {
      binding.batch_del(this.#unwritten(), this.#meta.positionRow(name, 0).key, undefined);
      this.#positions.set(name, undefined);
    }
    this.#addRange(RocksDbMeta.everySpace);
  }

  finish(): FinishedBatch {
    const native = this.#unwritten();
    this.#native = undefined;
    return { native, ranges: this.#ranges, positions: this.#positions, bytes: this.#bytes };
  }

  #addRange(range: KeyInterval): void {
    this.#unwritten();
    if (compareBytes(range.from, range.to) < 0) this.#ranges.push(range);
  }

  /** The ranges are deleted after the batch is written, so they must leave out what the batch puts into them later on. */
  #spare(key: Buffer): void {
    const hit = this.#ranges.some(({ from, to }) => compareBytes(from, key) <= 0 && compareBytes(key, to) < 0);
    if (!hit) return;
    const spared = Buffer.from(key);
    this.#ranges = this.#ranges
      .flatMap(({ from, to }) => {
        const inside = compareBytes(from, spared) <= 0 && compareBytes(spared, to) < 0;
        return inside
          ? [
              { from, to: spared },
              { from: successor(spared), to },
            ]
          : [{ from, to }];
      })
      .filter(({ from, to }) => compareBytes(from, to) < 0);
  }

  #unwritten(): NativeBatch {
    if (this.#native === undefined) throw new Error('This batch was written already; make another.');
    return this.#native;
  }
}

/** One for all batches of a thread: the native side copies a key before the next one is composed. */
const keyScratch = new Scratch();

function ownSpace(space: KeySpace): RocksDbKeySpace {
  if (!(space instanceof RocksDbKeySpace))
    throw new TypeError(`The key space ${space.name} belongs to another backend.`);
  return space;
}

export const putRow = (native: NativeBatch, { key, value }: MetaRow): void =>
  binding.batch_put(native, key, value, undefined);
