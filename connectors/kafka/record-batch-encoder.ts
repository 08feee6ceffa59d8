/**
 * Kafka record batches of format v2, encoded straight into a reused, growing buffer: no object and no buffer per record.
 *
 * Invariant: a batch that was taken back to the position before a record is byte for byte the batch without that record,
 * so appending and taking back in any order ends in the same bytes as appending what is left.
 */
import type { HeaderList } from '../../streams/record.ts';
import { crc32c } from './crc32c.ts';
import { writeInt64 } from './protocol/wire.ts';

/** Bytes before the first record of a batch. */
export const BATCH_HEADER_BYTES = 61;

const MAGIC = 2;
const TRANSACTIONAL = 0x10;
const NO_LEADER_EPOCH = -1;
/** What a batch says of itself before this is not part of the checksum. */
const CHECKSUM_FROM = 21;
const LENGTH_FROM = 12;
const INT32_RANGE = 0x8000_0000;

const at = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const;

/** Bytes of a signed variable-length integer (zigzag); beyond 32 bits for timestamps that are far apart. */
const sizeOfSigned = (value: number): number => {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return sizeOfUnsigned((value << 1) ^ (value >> 31));
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  for (; rest >= 0x80; size++) rest = Math.floor(rest / 0x80);
  return size;
};

const sizeOfUnsigned = (value: number): number => {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
};

/** Lengths and counts are never negative, so their zigzag form is twice the value; a null has the length -1. */
const sizeOfBytes = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : sizeOfUnsigned(bytes.length * 2) + bytes.length;

const writeUnsigned = (buffer: Buffer, value: number, from: number): number => {
  let rest = value;
  let position = from;
  while (rest >= 0x80) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
};

const writeSigned = (buffer: Buffer, value: number, from: number): number => {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return writeUnsigned(buffer, (value << 1) ^ (value >> 31), from);
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let position = from;
  while (rest >= 0x80) {
    const next = Math.floor(rest / 0x80);
    buffer[position++] = (rest - next * 0x80) | 0x80;
    rest = next;
  }
  buffer[position++] = rest;
  return position;
};

const writeBytes = (buffer: Buffer, bytes: Uint8Array | null, from: number): number => {
  if (bytes === null) {
    buffer[from] = 1;
    return from + 1;
  }
  const start = writeUnsigned(buffer, bytes.length * 2, from);
  buffer.set(bytes, start);
  return start + bytes.length;
};

const sizeOfHeaders = (headers: HeaderList): number => {
  let size = sizeOfUnsigned(headers.length * 2);
  for (const [name, value] of headers) {
    const nameBytes = Buffer.byteLength(name);
    size += sizeOfUnsigned(nameBytes * 2) + nameBytes + sizeOfBytes(value);
  }
  return size;
};

const writeHeaders = (buffer: Buffer, headers: HeaderList, from: number): number => {
  let position = writeUnsigned(buffer, headers.length * 2, from);
  for (const [name, value] of headers) {
    position = writeUnsigned(buffer, Buffer.byteLength(name) * 2, position);
    position += buffer.write(name, position, 'utf8');
    position = writeBytes(buffer, value, position);
  }
  return position;
};

const NO_HEADERS: HeaderList = [];
/** Room for the record's length, attributes, timestamp and offset, which depend on where in a batch it comes to lie. */
const RECORD_OVERHEAD_BYTES = 5 + 1 + 10 + 5;

/** An upper bound of the bytes a record takes in any batch; the batch's own header not included. */
export const recordSizeBound = (
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: HeaderList = NO_HEADERS,
): number =>
  RECORD_OVERHEAD_BYTES + sizeOfBytes(key) + sizeOfBytes(value) + (headers.length === 0 ? 1 : sizeOfHeaders(headers));

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export class RecordBatchEncoder {
  private buffer: Buffer;
  private end = BATCH_HEADER_BYTES;
  private records = 0;
  private baseTimestampMs = 0;
  private newestTimestampMs = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  /** Bytes of the batch so far, header included. */
  get length(): number {
    return this.end;
  }

  get count(): number {
    return this.records;
  }

  /** Needed to take a record back; see `takeBack`. */
  get maxTimestampMs(): number {
    return this.newestTimestampMs;
  }

  /** Copies the record to the end of the batch. `sizeBound` is the answer of `recordSizeBound` for it. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: HeaderList | undefined,
    sizeBound: number,
  ): void {
    if (this.end + sizeBound > this.buffer.length) this.grow(this.end + sizeBound);
    if (this.records === 0) {
      this.baseTimestampMs = timestampMs;
      this.newestTimestampMs = timestampMs;
    } else if (timestampMs > this.newestTimestampMs) {
      this.newestTimestampMs = timestampMs;
    }
    const list = headers ?? NO_HEADERS;
    const buffer = this.buffer;
    const timestampDelta = timestampMs - this.baseTimestampMs;
    const offsetDelta = this.records;
    const bodyBytes =
      sizeBound - RECORD_OVERHEAD_BYTES + 1 + sizeOfSigned(timestampDelta) + sizeOfUnsigned(offsetDelta * 2);
    let position = writeUnsigned(buffer, bodyBytes * 2, this.end);
    buffer[position++] = 0;
    position = writeSigned(buffer, timestampDelta, position);
    position = writeUnsigned(buffer, offsetDelta * 2, position);
    position = writeBytes(buffer, key, position);
    position = writeBytes(buffer, value, position);
    if (list.length === 0) buffer[position++] = 0;
    else position = writeHeaders(buffer, list, position);
    this.end = position;
    this.records = offsetDelta + 1;
  }

  /** Removes the last record: `length` and `maxTimestampMs` are what the batch had before that record. */
  takeBack(length: number, maxTimestampMs: number): void {
    this.end = length;
    this.newestTimestampMs = maxTimestampMs;
    this.records--;
  }

  /** Writes the header for a producer and a sequence number; the answer is a view that lasts until the buffer is reused. */
  seal(producer: ProducerIdentity, baseSequence: number, transactional: boolean): Buffer {
    const { buffer } = this;
    writeInt64(buffer, 0, at.baseOffset);
    buffer.writeInt32BE(this.end - LENGTH_FROM, at.length);
    buffer.writeInt32BE(NO_LEADER_EPOCH, at.leaderEpoch);
    buffer.writeInt8(MAGIC, at.magic);
    buffer.writeInt16BE(transactional ? TRANSACTIONAL : 0, at.attributes);
    buffer.writeInt32BE(this.records - 1, at.lastOffsetDelta);
    writeInt64(buffer, this.baseTimestampMs, at.baseTimestamp);
    writeInt64(buffer, this.newestTimestampMs, at.maxTimestamp);
    writeInt64(buffer, producer.producerId, at.producerId);
    buffer.writeInt16BE(producer.producerEpoch, at.producerEpoch);
    buffer.writeInt32BE(baseSequence, at.baseSequence);
    buffer.writeInt32BE(this.records, at.count);
    buffer.writeUInt32BE(crc32c(buffer, CHECKSUM_FROM, this.end), at.checksum);
    return buffer.subarray(0, this.end);
  }

  /** Empties the batch and hands its buffer over for reuse. */
  release(): Buffer {
    this.end = BATCH_HEADER_BYTES;
    this.records = 0;
    return this.buffer;
  }

  private grow(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, needed));
    this.buffer.copy(grown, 0, 0, this.end);
    this.buffer = grown;
  }
}

/** The sequence number after `count` records: an int32 that goes from its largest value to 0. */
export const nextSequence = (sequence: number, count: number): number => (sequence + count) % INT32_RANGE;
