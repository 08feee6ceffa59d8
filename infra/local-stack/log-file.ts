/**
 * Log files of the processes of a stack. Invariant: one file per process and run, and one older one beside it, so that the
 * disk holds at most two runs.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync } from 'node:fs';

const tailBytes = 16_384;

/** Keeps the file of the run before as `<file>.old`. */
export function startLogFile(path: string): void {
  if (existsSync(path)) renameSync(path, `${path}.old`);
}

/** The last lines that say something; empty when there is no such file. */
export function lastLines(path: string, count: number): string[] {
  if (!existsSync(path)) return [];
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-count);
  } finally {
    closeSync(file);
  }
}

/** The last lines as an indented block below a sentence; empty when there are none. */
export function logExcerpt(path: string, count = 12): string {
  const lines = lastLines(path, count);
  return lines.length === 0 ? '' : `\nThe end of ${path}:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}
