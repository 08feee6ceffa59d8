/**
 * Writes and reads the small binary values of the alert stores.
 *
 * Invariant: a reader that takes the same fields in the same order gets what the writer was given. A value starts with a
 * version byte, so that a later layout can tell an earlier one.
 */
import { StateCorruptedError } from '../streams/errors.ts';

/** Numbers are written in groups of seven bits, the lowest first; this bit says that another group follows. */
const MORE = 0x80;

const MAX_VARINT_BYTES = 8;
/** A UTF-16 unit takes at most three bytes of UTF-8, so that texts up to this length surely have a one-byte length. */
const SHORT_TEXT = 42;

/** One growing scratch buffer: `finish` answers a view of it that the next `start` overwrites. */
export class BinaryWriter {
  #buffer = Buffer.allocUnsafeSlow(512);
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
    while (rest >= MORE) {
      this.#buffer[this.#at++] = (rest % MORE) | MORE;
      rest = Math.floor(rest / MORE);
    }
    this.#buffer[this.#at++] = rest;
    return this;
  }

  text(value: string): this {
    if (value.length > SHORT_TEXT) return this.#longText(value);
    this.#reserve(1 + SHORT_TEXT * 3);
    const bytes = this.#buffer.write(value, this.#at + 1, 'utf8');
    this.#buffer[this.#at] = bytes;
    this.#at += 1 + bytes;
    return this;
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
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
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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

  text(): string {
    const bytes = this.varint();
    const end = this.#at + bytes;
    if (end > this.#bytes.length) throw this.#corrupt('ends too soon');
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return value;
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
