/**
 * One partition of the in-memory log: records, transaction markers, and what a committed reader may see of them.
 *
 * Invariant: offsets only grow and are never given out twice; a commit or abort marker takes one. Below the last stable offset
 * every transaction is decided, and readers get, up to there, the committed records in offset order and nothing else.
 */
import { FatalLogError, OffsetOutOfRangeError } from '../errors.ts';
import type { FetchedBatch, LogRange, LogRecord, TopicPartition } from '../ports.ts';
import { topicPartitionKey } from '../ports.ts';
import { identityOf } from './bytes.ts';

export type TransactionOutcome = 'committed' | 'aborted';

export type AppendedRecord = Omit<LogRecord, 'offset'>;

/** What one transaction wrote to this partition. */
interface PartitionTransaction {
  readonly firstOffset: number;
  outcome: TransactionOutcome | 'open';
}

interface Entry {
  readonly record: LogRecord;
  readonly transaction: PartitionTransaction | undefined;
}

export interface PartitionSettings {
  readonly compacted: boolean;
  readonly logAppendTime: boolean;
}

export class InMemoryPartition {
  readonly id: TopicPartition;
  readonly #settings: PartitionSettings;
  /** In offset order, with gaps where markers stand and where compaction removed records. */
  #entries: Entry[] = [];
  #beginning = 0;
  #end = 0;
  /** By producer, oldest first. */
  readonly #open = new Map<string, PartitionTransaction>();

  constructor(id: TopicPartition, settings: PartitionSettings) {
    this.id = id;
    this.#settings = settings;
  }

  /** What a committed reader can reach: the first offset of an undecided transaction, or the end of the log. */
  get lastStableOffset(): number {
    for (const transaction of this.#open.values()) return transaction.firstOffset;
    return this.#end;
  }

  get range(): LogRange {
    return { beginning: this.#beginning, end: this.lastStableOffset };
  }

  /**
   * Appends in one piece; records of a producer's open transaction stay invisible until its end. Returns the first offset.
   * Throws `FatalLogError` for a record without key where the topic is compacted.
   */
  append(records: readonly AppendedRecord[], nowMs: number, transactionalId?: string): number {
    if (this.#settings.compacted && records.some(({ key }) => key === null)) {
      const topic = this.id.topic;
      throw new FatalLogError('INVALID_RECORD', `${topic} is compacted: every record needs a key; give it one`);
    }
    const transaction = transactionalId === undefined ? undefined : this.#transactionOf(transactionalId);
    const baseOffset = this.#end;
    for (const appended of records) {
      const timestampMs = this.#settings.logAppendTime ? nowMs : appended.timestampMs;
      this.#entries.push({ record: { ...appended, timestampMs, offset: this.#end++ }, transaction });
    }
    return baseOffset;
  }

  /** Writes the marker that ends the producer's transaction here. */
  endTransaction(transactionalId: string, outcome: TransactionOutcome): void {
    const transaction = this.#open.get(transactionalId);
    if (transaction === undefined) return;
    transaction.outcome = outcome;
    this.#open.delete(transactionalId);
    this.#end += 1;
  }

  /** True when a fetch from `offset` would move on, or has to be refused. */
  hasNews(offset: number): boolean {
    return offset < this.lastStableOffset || !this.#holds(offset);
  }

  /**
   * The committed records in `[fromOffset, untilOffset)`, `maxRecords` at most, up to the last stable offset. The position
   * steps over markers, aborted records and compacted gaps. Throws `OffsetOutOfRangeError` outside of the log.
   */
  fetch(fromOffset: number, maxRecords: number, untilOffset = Number.POSITIVE_INFINITY): FetchedBatch {
    if (!this.#holds(fromOffset)) throw this.#outOfRange(fromOffset);
    const endOffset = this.lastStableOffset;
    const limit = Math.min(untilOffset, endOffset);
    const records: LogRecord[] = [];
    let index = this.#indexOf(fromOffset);
    for (; index < this.#entries.length; index++) {
      const { record, transaction } = this.#entries[index]!;
      if (record.offset >= limit) break;
      if (transaction?.outcome === 'aborted') continue;
      if (records.length === maxRecords) break;
      records.push(record);
    }
    const following = this.#entries[index]?.record.offset ?? limit;
    const nextOffset = Math.max(fromOffset, Math.min(limit, following));
    return { ...this.id, records, nextOffset, endOffset, logAppendTime: this.#settings.logAppendTime };
  }

  /** Deletes what stands before `offset`, as retention does. */
  deleteBefore(offset: number): void {
    if (offset < 0 || offset > this.#end) throw this.#outOfRange(offset);
    this.#beginning = Math.max(this.#beginning, offset);
    this.#entries.splice(0, this.#indexOf(this.#beginning));
  }

  /** Keeps only the last record of each key below the last stable offset. Offsets stay; tombstones stay as well. */
  compact(): void {
    const stable = this.#indexOf(this.lastStableOffset);
    const latest = new Map<string, number>();
    const settled = this.#entries.slice(0, stable).filter(({ transaction }) => transaction?.outcome !== 'aborted');
    for (const { record } of settled) latest.set(nameOf(record), record.offset);
    const kept = settled.filter(({ record }) => latest.get(nameOf(record)) === record.offset);
    this.#entries = [...kept, ...this.#entries.slice(stable)];
  }

  #transactionOf(transactionalId: string): PartitionTransaction {
    const open = this.#open.get(transactionalId);
    if (open !== undefined) return open;
    const begun: PartitionTransaction = { firstOffset: this.#end, outcome: 'open' };
    this.#open.set(transactionalId, begun);
    return begun;
  }

  #holds(offset: number): boolean {
    return offset >= this.#beginning && offset <= this.#end;
  }

  #outOfRange(offset: number): OffsetOutOfRangeError {
    const held = `${this.#beginning} to ${this.#end}`;
    const message = `${topicPartitionKey(this.id)} holds ${held}, not ${offset}; start again from an offset that it holds`;
    return new OffsetOutOfRangeError('OFFSET_OUT_OF_RANGE', message);
  }

  /** The index of the first entry at or after the offset. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.record.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const nameOf = ({ key }: LogRecord): string => (key === null ? '' : identityOf(key));
