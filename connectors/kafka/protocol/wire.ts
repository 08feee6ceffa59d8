/**
 * Kafka's primitive types on the wire. A writer grows as needed and can carry buffers it does not copy; a reader walks one
 * response.
 *
 * Invariant: what a writer's method writes, the reader's method of the same name reads back.
 */
const TWO_POW_32 = 0x1_0000_0000;
const MINIMUM_CAPACITY = 256;

export class WireWriter {
  private buffer: Buffer;
  private offset = 0;
  private start = 0;
  private readonly parts: Buffer[] = [];
  private partBytes = 0;

  constructor(capacity = MINIMUM_CAPACITY) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  private reserve(bytes: number): number {
    const at = this.offset;
    if (at + bytes > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, at + bytes));
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
    }
    this.offset = at + bytes;
    return at;
  }

  int8(value: number): this {
    const at = this.reserve(1);
    this.buffer.writeInt8(value, at);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    const at = this.reserve(2);
    this.buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeInt32BE(value, at);
    return this;
  }

  /** A safe integer; the protocol's int64. */
  int64(value: number): this {
    const at = this.reserve(8);
    writeInt64(this.buffer, value, at);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.int8((((rest & 0x7f) | 0x80) << 24) >> 24);
      rest >>>= 7;
    }
    return this.int8(rest);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    const at = this.reserve(length);
    this.buffer.write(value, at, 'utf8');
    return this;
  }

  bytes(value: Uint8Array): this {
    this.int32(value.length);
    const at = this.reserve(value.length);
    this.buffer.set(value, at);
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const length = Buffer.byteLength(value);
    this.uvarint(length + 1);
    const at = this.reserve(length);
    this.buffer.write(value, at, 'utf8');
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** The empty list of tagged fields that ends every structure of a flexible version. */
  noTags(): this {
    return this.int8(0);
  }

  /** Puts the buffer here without copying it; it must stay as it is until the request was answered. */
  attach(buffer: Buffer): this {
    this.cut();
    this.parts.push(buffer);
    this.partBytes += buffer.length;
    return this;
  }

  private cut(): void {
    if (this.offset === this.start) return;
    this.parts.push(this.buffer.subarray(this.start, this.offset));
    this.partBytes += this.offset - this.start;
    this.start = this.offset;
  }

  get length(): number {
    return this.partBytes + this.offset - this.start;
  }

  /** Everything written, in order. */
  finish(): readonly Buffer[] {
    this.cut();
    return this.parts;
  }
}

export class WireReader {
  readonly buffer: Buffer;
  offset: number;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
    this.offset = 0;
  }

  int8(): number {
    const value = this.buffer.readInt8(this.offset);
    this.offset += 1;
    return value;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    const value = this.buffer.readInt16BE(this.offset);
    this.offset += 2;
    return value;
  }

  int32(): number {
    const value = this.buffer.readInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  int64(): number {
    const value = readInt64(this.buffer, this.offset);
    this.offset += 8;
    return value;
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.offset++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('A variable-length integer of the response is longer than five bytes');
  }

  string(): string | null {
    return this.text(this.int16());
  }

  private text(length: number): string | null {
    if (length < 0) return null;
    const end = this.offset + length;
    const value = this.buffer.toString('utf8', this.offset, end);
    this.offset = end;
    return value;
  }

  bytes(): Buffer | null {
    const length = this.int32();
    if (length < 0) return null;
    const value = this.buffer.subarray(this.offset, this.offset + length);
    this.offset += length;
    return value;
  }

  array<T>(read: () => T): T[] {
    return this.items(this.int32(), read);
  }

  private items<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  compactString(): string | null {
    return this.text(this.uvarint() - 1);
  }

  compactArray<T>(read: () => T): T[] {
    return this.items(this.uvarint() - 1, read);
  }

  skipTags(): void {
    const count = this.uvarint();
    for (let i = 0; i < count; i++) {
      this.uvarint();
      const size = this.uvarint();
      this.offset += size;
    }
  }
}

export const writeInt64 = (buffer: Buffer, value: number, at: number): void => {
  const high = Math.floor(value / TWO_POW_32);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value - high * TWO_POW_32, at + 4);
};

/** Exact up to 2^53. */
export const readInt64 = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at) * TWO_POW_32 + buffer.readUInt32BE(at + 4);
