/**
 * Alerts from a file or from standard input, one after the other.
 *
 * Invariant: a line that cannot be used is answered as such, with its number, and never ends the reading; the whole input is never
 * in memory.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { RawAlert } from '../../schemas/raw-alert.ts';
import { usageError } from '../exit-codes.ts';
import { ALERT_FIELDS, alertOfCells, AlertLineError, alertOfJson } from './alert-line.ts';
import { CsvError, csvRows } from './csv.ts';

export type InputFormat = 'json' | 'csv';

export type InputLine =
  { readonly line: number; readonly alert: RawAlert } | { readonly line: number; readonly problem: string };

export interface Input {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes in all; undefined where nobody knows. */
  readonly size: number | undefined;
}

const MAX_LINE_LENGTH = 1024 * 1024;

export const formatOf = (file: string): InputFormat => (file.toLowerCase().endsWith('.csv') ? 'csv' : 'json');

/** `-` is standard input. */
export async function openInput(file: string, stdin: AsyncIterable<Uint8Array>): Promise<Input> {
  if (file === '-') return { bytes: stdin, size: undefined };
  try {
    return { size: (await stat(file)).size, bytes: createReadStream(file) };
  } catch (error) {
    throw usageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** `nowMs`: the time of an alert that has none. Rejects with a usage error where the rest cannot be told into lines. */
export async function* readAlerts(
  bytes: AsyncIterable<Uint8Array>,
  format: InputFormat,
  nowMs: () => number,
): AsyncGenerator<InputLine> {
  try {
    yield* format === 'csv' ? alertsOfCsv(textOf(bytes), nowMs) : alertsOfJson(textOf(bytes), nowMs);
  } catch (error) {
    if (error instanceof CsvError) throw usageError(error.message);
    throw error;
  }
}

async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const piece of bytes) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}

async function* alertsOfJson(pieces: AsyncIterable<string>, nowMs: () => number): AsyncGenerator<InputLine> {
  let rest = '';
  let line = 0;
  const read = (text: string): InputLine[] => {
    line += 1;
    return text.trim() === '' ? [] : [attempt(line, () => alertOfJson(text, nowMs()))];
  };
  for await (const piece of pieces) {
    const texts = (rest + piece).split('\n');
    rest = texts.pop() ?? '';
    for (const text of texts) yield* read(text);
    if (rest.length > MAX_LINE_LENGTH) {
      throw usageError(`Line ${line + 1} is longer than ${MAX_LINE_LENGTH} characters; is this JSON lines?`);
    }
  }
  yield* read(rest);
}

async function* alertsOfCsv(pieces: AsyncIterable<string>, nowMs: () => number): AsyncGenerator<InputLine> {
  let header: readonly string[] | undefined;
  for await (const { line, cells } of csvRows(pieces)) {
    if (header === undefined) header = checkedHeader(cells);
    else {
      const names = header;
      yield attempt(line, () => alertOfCells(names, cells, nowMs()));
    }
  }
}

function checkedHeader(cells: readonly string[]): readonly string[] {
  const names = cells.map((cell) => cell.replace(/^\uFEFF/, '').trim());
  const unknown = names.filter((name) => !(ALERT_FIELDS as readonly string[]).includes(name));
  if (unknown.length > 0 || new Set(names).size !== names.length) {
    throw usageError(
      `The first row is "${names.join(',')}"; it must hold names out of ${ALERT_FIELDS.join(', ')}, each once.`,
    );
  }
  return names;
}

function attempt(line: number, read: () => RawAlert): InputLine {
  try {
    return { line, alert: read() };
  } catch (error) {
    if (!(error instanceof AlertLineError)) throw error;
    return { line, problem: error.message };
  }
}
