/** A plain table for the terminal. Invariant: columns line up, and no line ends in blanks. */

export interface StackRow {
  readonly name: string;
  readonly address: string;
  readonly state: string;
  readonly pid: string;
  readonly log: string;
}

const columns = ['name', 'address', 'state', 'pid', 'log'] as const;

export function renderTable(rows: readonly StackRow[]): string {
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(columns), line(rule), ...rows.map((row) => line(columns.map((column) => row[column])))].join('\n');
}
