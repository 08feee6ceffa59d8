/**
 * What a task's database keeps about itself, under prefix 0: the format, the prefix of each key space, the log positions the
 * state stands for, and the range deletions that are still to be done.
 *
 * Invariant: what is held here in memory is what the database holds after its last batch. A name keeps its prefix, and a
 * prefix is never given to another name, so key spaces may be added to a database at any time.
 */
import { StateCorruptedError } from '../streams/errors.ts';
import type { TopicPartition } from '../streams/ports.ts';
import { topicPartitionKey } from '../streams/ports.ts';
import { asBuffer, readInt64, writeInt64 } from './bytes.ts';

const FORMAT = 1;
const LAST_PREFIX = 0xff_fe;

const kinds = { format: 'f', space: 's', position: 'p', intent: 'r' } as const;

export interface MetaRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A range of physical keys. */
export interface KeyInterval {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export class RocksDbMeta {
  /** Where the rows of this class lie. */
  static readonly interval: KeyInterval = { from: prefixBytes(0), to: prefixBytes(1) };
  /** Where the rows of all key spaces lie. */
  static readonly everySpace: KeyInterval = { from: prefixBytes(1), to: prefixBytes(LAST_PREFIX + 1) };

  readonly #prefixes = new Map<string, number>();
  readonly #positions = new Map<string, number>();
  #intents: (KeyInterval & { readonly key: Uint8Array })[] = [];

  /** Reads the rows; the keys come without prefix. Throws `StateCorruptedError` for rows that this code did not write. */
  load(rows: Iterable<readonly [Uint8Array, Uint8Array]>, directory: string): void {
    for (const [key, value] of rows) {
      const [kind, name] = [String.fromCharCode(key[0] ?? 0), asBuffer(key).toString('utf8', 1)];
      if (kind === kinds.space) this.#prefixes.set(name, asBuffer(value).readUInt16BE(0));
      else if (kind === kinds.position) this.#positions.set(name, readInt64(asBuffer(value), 0));
      else if (kind === kinds.intent) this.#intents.push({ key: metaKey(kind, name), ...decodeInterval(value) });
      else if (kind !== kinds.format || value[0] !== FORMAT) throw unknownFormat(directory);
    }
  }

  /** The prefix of a key space that the database knows. */
  prefixOf(name: string): Buffer | undefined {
    const prefix = this.#prefixes.get(name);
    return prefix === undefined ? undefined : prefixBytes(prefix);
  }

  /** Takes a prefix for a key space. It holds once the rows are written. */
  addSpace(name: string): { readonly prefix: Buffer; readonly rows: readonly MetaRow[] } {
    const number = this.#prefixes.size + 1;
    if (number > LAST_PREFIX) throw new RangeError(`A task cannot have more than ${LAST_PREFIX} key spaces.`);
    this.#prefixes.set(name, number);
    const prefix = prefixBytes(number);
    const format = { key: metaKey(kinds.format, ''), value: Buffer.of(FORMAT) };
    return { prefix, rows: [format, { key: metaKey(kinds.space, name), value: prefix }] };
  }

  position(partition: TopicPartition): number | undefined {
    return this.#positions.get(topicPartitionKey(partition));
  }

  get positionNames(): Iterable<string> {
    return this.#positions.keys();
  }

  positionRow(name: string, offset: number): MetaRow {
    const value = Buffer.allocUnsafe(8);
    writeInt64(value, offset, 0);
    return { key: metaKey(kinds.position, name), value };
  }

  /** Range deletions whose batch is written and whose row is still there. */
  get intents(): readonly (KeyInterval & { readonly key: Uint8Array })[] {
    return this.#intents;
  }

  intentRow(index: number, interval: KeyInterval): MetaRow {
    return { key: metaKey(kinds.intent, String(index)), value: encodeInterval(interval) };
  }

  /** After a batch: its positions (undefined: forgotten), and the intents that took the place of the former ones. */
  written(positions: ReadonlyMap<string, number | undefined>, ranges: readonly KeyInterval[]): void {
    for (const [name, offset] of positions) {
      if (offset === undefined) this.#positions.delete(name);
      else this.#positions.set(name, offset);
    }
    this.#intents = ranges.map((range, index) => ({ ...range, key: this.intentRow(index, range).key }));
  }
}

/** Above every key with this prefix, below every key with the next. */
export function prefixEnd(prefix: Buffer): Buffer {
  return prefixBytes(prefix.readUInt16BE(0) + 1);
}

function prefixBytes(prefix: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(prefix, 0);
  return bytes;
}

const metaKey = (kind: string, name: string): Buffer => Buffer.from(`\0\0${kind}${name}`, 'utf8');

function encodeInterval({ from, to }: KeyInterval): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(from.length, 0);
  return Buffer.concat([length, from, to]);
}

function decodeInterval(bytes: Uint8Array): KeyInterval {
  const length = asBuffer(bytes).readUInt32BE(0);
  return { from: bytes.subarray(4, 4 + length), to: bytes.subarray(4 + length) };
}

const unknownFormat = (directory: string): StateCorruptedError =>
  new StateCorruptedError(
    'STATE_FORMAT',
    `The state in ${directory} was written in a form that this program does not know. It must be destroyed and restored from its changelogs.`,
  );
