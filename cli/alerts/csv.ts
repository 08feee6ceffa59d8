/**
 * CSV as RFC 4180 has it: cells in quotes may hold commas, line breaks and doubled quotes.
 *
 * Invariant: reads a piece of any size at a time and keeps one row; a row larger than the limit is an error, not a full memory.
 */

export interface CsvRow {
  /** The line it begins on, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** The text is not CSV; the message says where. */
export class CsvError extends Error {}

const MAX_ROW_LENGTH = 1024 * 1024;

/** Rows of the text; empty lines are left out. Rejects with `CsvError`. */
export async function* csvRows(pieces: AsyncIterable<string>): AsyncGenerator<CsvRow> {
  const parser = new CsvParser();
  for await (const piece of pieces) yield* parser.take(piece);
  yield* parser.end();
}

/** Where the next character stands: at the start of a cell, in one, in a quoted one, or behind a quote in a quoted one. */
type Place = 'start' | 'plain' | 'quoted' | 'quote';

class CsvParser {
  #place: Place = 'start';
  #cell = '';
  #cells: string[] = [];
  #length = 0;
  #line = 1;
  #rowLine = 1;
  #afterReturn = false;

  *take(piece: string): Generator<CsvRow> {
    for (const character of piece) {
      const skip = this.#afterReturn && character === '\n';
      this.#afterReturn = character === '\r' && this.#place !== 'quoted';
      if (skip) continue;
      const row = this.#character(character === '\r' && this.#place !== 'quoted' ? '\n' : character);
      if (row !== undefined) yield row;
    }
  }

  *end(): Generator<CsvRow> {
    if (this.#place === 'quoted') throw new CsvError(`A quoted cell of the row at line ${this.#rowLine} has no end.`);
    const row = this.#endRow();
    if (row !== undefined) yield row;
  }

  #character(character: string): CsvRow | undefined {
    this.#length += 1;
    if (this.#length > MAX_ROW_LENGTH) {
      throw new CsvError(`The row at line ${this.#rowLine} is longer than ${MAX_ROW_LENGTH} characters.`);
    }
    if (this.#place === 'quoted') {
      if (character === '\n') this.#line += 1;
      if (character === '"') this.#place = 'quote';
      else this.#cell += character;
      return undefined;
    }
    return this.#unquoted(character);
  }

  #unquoted(character: string): CsvRow | undefined {
    if (character === '\n') {
      this.#line += 1;
      return this.#endRow();
    }
    if (character === ',') this.#endCell();
    else if (character === '"' && this.#place === 'start') this.#place = 'quoted';
    else if (character === '"' && this.#place === 'quote') {
      this.#cell += '"';
      this.#place = 'quoted';
    } else if (character === '"' || this.#place === 'quote') {
      throw new CsvError(`Line ${this.#line} has a quote in the middle of a cell; double it and quote the whole cell.`);
    } else {
      this.#cell += character;
      this.#place = 'plain';
    }
    return undefined;
  }

  #endCell(): void {
    this.#cells.push(this.#cell);
    this.#cell = '';
    this.#place = 'start';
  }

  #endRow(): CsvRow | undefined {
    const empty = this.#cells.length === 0 && this.#place === 'start';
    this.#endCell();
    const row = { line: this.#rowLine, cells: this.#cells };
    this.#cells = [];
    this.#length = 0;
    this.#rowLine = this.#line;
    return empty ? undefined : row;
  }
}
