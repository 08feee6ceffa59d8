/**
 * Writes and reads the small binary values of the alert stores.
 *
 * Invariant: a reader that takes the same fields in the same order gets what the writer was given. A value starts with a
 * version byte, so that a later layout can tell an earlier one.
 */
import { StateCorruptedError } from '../streams/errors.ts';

/** Counts are written in groups of seven bits, the lowest first; this bit says that another group follows. */
const MORE = 0x80;

const MAX_VARINT_BYTES = 8;
const TIME_BYTES = 6;
const TWO_32 = 2 ** 32;
/** Texts up to this length are written character by character as long as they are ASCII: a native call costs more than that. */
const SHORT_TEXT = 40;
/** Values below this length are handed out through views that are kept. */
const KEPT_VIEWS = 1024;

/** One growing scratch buffer: `finish` answers a view of it that the next `start` overwrites. */
export class BinaryWriter {
  #buffer = Buffer.allocUnsafeSlow(512);
  /** The beginning of the buffer by length: making a view costs more than writing a short value. */
  #views: Buffer[] = [];
  #at = 0;

  start(version: number): this {
    this.#at = 0;
    return this.byte(version);
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
    return this;
  }

  /** A whole number, not negative, up to 2^53 - 1. */
  varint(value: number): this {
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    // Beyond 32 bits there are no bitwise operations.
    for (; rest >= TWO_32; rest = Math.floor(rest / MORE)) this.#buffer[this.#at++] = (rest % MORE) | MORE;
    for (; rest >= MORE; rest >>>= 7) this.#buffer[this.#at++] = rest | MORE;
    this.#buffer[this.#at++] = rest;
    return this;
  }

  /** UTC epoch milliseconds below 2^48 (the year 10889), in six bytes. */
  time(timeMs: number): this {
    this.#reserve(TIME_BYTES);
    const high = Math.floor(timeMs / TWO_32);
    const buffer = this.#buffer;
    buffer[this.#at++] = high >>> 8;
    buffer[this.#at++] = high;
    buffer[this.#at++] = timeMs >>> 24;
    buffer[this.#at++] = timeMs >>> 16;
    buffer[this.#at++] = timeMs >>> 8;
    buffer[this.#at++] = timeMs;
    return this;
  }

  text(value: string): this {
    if (value.length > SHORT_TEXT) return this.#longText(value);
    this.#reserve(1 + SHORT_TEXT);
    const start = this.#at;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code >= MORE) return this.#longText(value);
      this.#buffer[start + 1 + index] = code;
    }
    this.#buffer[start] = value.length;
    this.#at = start + 1 + value.length;
    return this;
  }

  finish(): Uint8Array {
    if (this.#at >= KEPT_VIEWS) return this.#buffer.subarray(0, this.#at);
    return (this.#views[this.#at] ??= this.#buffer.subarray(0, this.#at));
  }

  #longText(value: string): this {
    const bytes = Buffer.byteLength(value, 'utf8');
    this.varint(bytes);
    this.#reserve(bytes);
    this.#at += this.#buffer.write(value, this.#at, 'utf8');
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
    this.#views = [];
  }
}

/** Reads one value from its start. Throws `StateCorruptedError` where the bytes end too soon or have another version. */
export class BinaryReader {
  readonly #what: string;
  readonly #bytes: Buffer;
  #at = 0;

  /** `what` names the value in errors. */
  constructor(what: string, bytes: Uint8Array, version: number) {
    this.#what = what;
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = this.byte();
    if (found !== version) throw this.#corrupt(`has layout ${found} instead of ${version}`);
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw this.#corrupt('ends too soon');
    return value;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const group = this.byte();
      if (group < MORE) return value + group * factor;
      value += (group - MORE) * factor;
      factor *= MORE;
    }
  }

  time(): number {
    const high = this.byte() * 0x100 + this.byte();
    const low = this.byte() * 0x1000000 + ((this.byte() << 16) | (this.byte() << 8) | this.byte());
    return high * TWO_32 + low;
  }

  text(): string {
    const bytes = this.varint();
    const end = this.#at + bytes;
    if (end > this.#bytes.length) throw this.#corrupt('ends too soon');
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return value;
  }

  /** How many items follow: each takes a byte at least, so a number beyond the bytes left is none. */
  count(): number {
    const count = this.varint();
    if (count > this.#bytes.length - this.#at) throw this.#corrupt(`claims ${count} items`);
    return count;
  }

  /** The word at the index that comes next. */
  oneOf<T>(words: readonly T[]): T {
    const index = this.byte();
    if (index >= words.length) throw this.#corrupt(`names word ${index} of ${words.length}`);
    return words[index] as T;
  }

  #corrupt(problem: string): StateCorruptedError {
    return new StateCorruptedError(
      'STATE_VALUE_UNREADABLE',
      `A stored ${this.#what} ${problem}. The task's state must be restored from its changelog.`,
    );
  }
}
