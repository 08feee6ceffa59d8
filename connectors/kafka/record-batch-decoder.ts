/**
 * Decodes the record batches of one partition as a fetch answers them, for a reader of committed records.
 *
 * Invariant: every complete batch moves the position past its last offset, whether its records are delivered or not, so
 * transaction markers, aborted records and offsets removed by compaction are stepped over. A batch that the broker cut off
 * at the size limit is left for the next fetch.
 */
import { FatalLogError } from '../../streams/errors.ts';
import type { LogRecord } from '../../streams/ports.ts';
import type { HeaderList } from '../../streams/record.ts';
import { decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { readInt64 } from './protocol/wire.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface DecodedRecords {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
  readonly logAppendTime: boolean;
}

const BATCH_HEADER_BYTES = 61;
const LENGTH_END = 12;
const CHECKSUM_FROM = 21;
const MAGIC = 2;
const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;

/** Walks the variable-length fields of records; one instance per batch, so that it costs nothing per record. */
class RecordCursor {
  readonly bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  /** A zigzag integer of up to 32 bits. */
  int(): number {
    const { bytes } = this;
    let byte = bytes[this.position++] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[this.position++] as number;
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag integer of up to 53 bits. */
  long(): number {
    const { bytes } = this;
    let byte = bytes[this.position++] as number;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = bytes[this.position++] as number;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  data(): Buffer | null {
    const length = this.int();
    if (length < 0) return null;
    const start = this.position;
    this.position = start + length;
    return this.bytes.subarray(start, this.position);
  }

  headers(): HeaderList | undefined {
    const count = this.int();
    if (count <= 0) return undefined;
    const headers: [string, Uint8Array][] = [];
    for (let i = 0; i < count; i++) {
      const nameBytes = this.int();
      const name = this.bytes.toString('utf8', this.position, this.position + nameBytes);
      this.position += nameBytes;
      headers.push([name, this.data() ?? EMPTY]);
    }
    return headers;
  }
}

const EMPTY = Buffer.alloc(0);

interface BatchHeader {
  readonly baseOffset: number;
  readonly attributes: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly count: number;
}

const readRecords = (header: BatchHeader, cursor: RecordCursor, fromOffset: number, into: LogRecord[]): void => {
  const appendTime = (header.attributes & LOG_APPEND_TIME) !== 0;
  for (let i = 0; i < header.count; i++) {
    const length = cursor.int();
    const end = cursor.position + length;
    cursor.position++;
    const timestampDelta = cursor.long();
    const offset = header.baseOffset + cursor.int();
    if (offset >= fromOffset) {
      const key = cursor.data();
      const value = cursor.data();
      const headers = cursor.headers();
      const timestampMs = appendTime ? header.maxTimestampMs : header.baseTimestampMs + timestampDelta;
      into.push({ offset, timestampMs, key, value, headers });
    }
    cursor.position = end;
  }
};

/** Which producers' records are to be skipped at the place where the reader is. */
class AbortedProducers {
  private readonly transactions: readonly AbortedTransaction[];
  private next = 0;
  private readonly producers = new Set<number>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.transactions = transactions.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  enter(lastOffset: number): void {
    for (; this.next < this.transactions.length; this.next++) {
      const transaction = this.transactions[this.next] as AbortedTransaction;
      if (transaction.firstOffset > lastOffset) return;
      this.producers.add(transaction.producerId);
    }
  }

  leave(producerId: number): void {
    this.producers.delete(producerId);
  }

  has(producerId: number): boolean {
    return this.producers.has(producerId);
  }
}

/** The key of a control record is a version and a type, both int16. */
const isAbortMarker = (bytes: Buffer, batchStart: number): boolean => {
  const cursor = new RecordCursor(bytes, batchStart + BATCH_HEADER_BYTES);
  cursor.int();
  cursor.position++;
  cursor.long();
  cursor.int();
  const key = cursor.data();
  return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT_MARKER;
};

const checkBatch = (bytes: Buffer, start: number, end: number, where: string): void => {
  const magic = bytes.readInt8(start + 16);
  if (magic !== MAGIC) {
    throw new FatalLogError(
      'UNSUPPORTED_RECORD_FORMAT',
      `${where} holds records of message format ${magic}; only format 2 (Kafka 0.11 and later) can be read`,
    );
  }
  const expected = bytes.readUInt32BE(start + 17);
  if (crc32c(bytes, start + CHECKSUM_FROM, end) !== expected) {
    throw new FatalLogError(
      'CORRUPT_RECORD_BATCH',
      `${where} has a record batch at offset ${readInt64(bytes, start)} whose checksum is wrong; check the broker's disk`,
    );
  }
};

/**
 * Reads what a fetch from `fromOffset` answered. `where` names the partition in errors. Keys and values are views into
 * `bytes`, so whoever keeps one keeps the whole answer alive.
 */
export const decodeRecordBatches = (
  bytes: Buffer | null,
  fromOffset: number,
  abortedTransactions: readonly AbortedTransaction[],
  where: string,
): DecodedRecords => {
  const records: LogRecord[] = [];
  let nextOffset = fromOffset;
  let logAppendTime = false;
  if (bytes === null) return { records, nextOffset, logAppendTime };
  const aborted = new AbortedProducers(abortedTransactions);
  let start = 0;
  while (start + BATCH_HEADER_BYTES <= bytes.length) {
    const end = start + LENGTH_END + bytes.readInt32BE(start + 8);
    if (end > bytes.length) break;
    checkBatch(bytes, start, end, where);
    const header: BatchHeader = {
      baseOffset: readInt64(bytes, start),
      attributes: bytes.readInt16BE(start + 21),
      baseTimestampMs: readInt64(bytes, start + 27),
      maxTimestampMs: readInt64(bytes, start + 35),
      count: bytes.readInt32BE(start + 57),
    };
    const lastOffset = header.baseOffset + bytes.readInt32BE(start + 23);
    const producerId = readInt64(bytes, start + 43);
    aborted.enter(lastOffset);
    if ((header.attributes & CONTROL) !== 0) {
      if (isAbortMarker(bytes, start)) aborted.leave(producerId);
    } else if ((header.attributes & TRANSACTIONAL) === 0 || !aborted.has(producerId)) {
      logAppendTime = (header.attributes & LOG_APPEND_TIME) !== 0;
      const codec = header.attributes & COMPRESSION_MASK;
      const cursor =
        codec === 0
          ? new RecordCursor(bytes, start + BATCH_HEADER_BYTES)
          : new RecordCursor(decompress(codec, bytes.subarray(start + BATCH_HEADER_BYTES, end), where), 0);
      readRecords(header, cursor, fromOffset, records);
    }
    nextOffset = Math.max(nextOffset, lastOffset + 1);
    start = end;
  }
  return { records, nextOffset, logAppendTime };
};
