import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvError, csvRows, type CsvRow } from '../../../cli/alerts/csv.ts';

const pieces = async function* (texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
};

const read = async (...texts: string[]): Promise<CsvRow[]> => {
  const rows: CsvRow[] = [];
  for await (const row of csvRows(pieces(texts))) rows.push(row);
  return rows;
};

const cellsOf = async (text: string): Promise<unknown> => (await read(text)).map(({ cells }) => cells);

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('CSV', () => {
  it('reads back whatever was written, wherever the text is cut into pieces', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'ü', '"', ',', '\n', '\r', ' ', '𝄞'), maxLength: 6 });
    const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom('\n', '\r\n', '\r'), fc.nat(5), async (written, end, size) => {
        const text = written.map((cells) => cells.map(quoted).join(',')).join(end) + end;
        const cut = Array.from({ length: Math.ceil(text.length / (size + 1)) }, (_, index) =>
          text.slice(index * (size + 1), (index + 1) * (size + 1)),
        );
        expect((await read(...cut)).map(({ cells }) => cells)).toEqual(written);
      }),
    );
  });

  it('takes plain cells as they are and leaves empty lines out', async () => {
    expect(await cellsOf('a,b\n\n1, 2 \r\n,\n"",x')).toEqual([
      ['a', 'b'],
      ['1', ' 2 '],
      ['', ''],
      ['', 'x'],
    ]);
  });

  it('numbers rows by the line they begin on', async () => {
    expect((await read('a\n"x\ny"\n\nb')).map(({ line }) => line)).toEqual([1, 2, 5]);
  });

  it.each([
    ['a"b', 'quote in the middle'],
    ['"a"b', 'quote in the middle'],
    ['x\n"a', 'line 2 has no end'],
    ['x'.repeat(1024 * 1024 + 1), 'longer than'],
  ])('refuses what is no CSV (%#)', async (text, said) => {
    await expect(read(text)).rejects.toThrow(CsvError);
    await expect(read(text)).rejects.toThrow(said);
  });
});
