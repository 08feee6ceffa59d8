/**
 * Results for people: what a benchmark found, as lines of text. Invariant: every figure shown is in the results.
 */
import type { Result } from './benchmark.ts';

/** Nothing deeper than this is shown; the file has it. */
const DEPTH = 3;
const HIDDEN = new Set(['rounds', 'details', 'settings', 'machine', 'date']);

export const describe = (name: string, result: Result): string => [`\n${name}`, ...linesOf(result, 1)].join('\n');

function linesOf(value: object, depth: number): string[] {
  const indent = '  '.repeat(depth);
  return Object.entries(value).flatMap(([key, entry]) => {
    if (HIDDEN.has(key) || entry === undefined) return [];
    if (typeof entry !== 'object' || entry === null) return [`${indent}${key}: ${figure(entry)}`];
    if (depth >= DEPTH) return [`${indent}${key}: ${JSON.stringify(entry)}`];
    return [`${indent}${key}:`, ...linesOf(entry as object, depth + 1)];
  });
}

const figure = (value: unknown): string =>
  typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 3 }) : String(value);
