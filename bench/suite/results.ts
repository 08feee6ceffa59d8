/**
 * The results as they are kept: one file, `latest.json`, with the machine, the versions and a section for each benchmark.
 *
 * Invariant: a section is replaced as a whole and says when and on what it was measured, so sections of different runs are never
 * taken for one.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine, versions } from '../support/machine.ts';
import type { Result } from './benchmark.ts';

export const RESULTS_FILE = 'latest.json';

export function readResults(directory: string): Record<string, unknown> {
  const path = join(directory, RESULTS_FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {};
}

export function keepResult(directory: string, name: string, result: Result): void {
  const date = new Date().toISOString();
  const results = {
    ...readResults(directory),
    machine: machine(),
    date,
    versions: versions(),
    [name]: { date, machine: machine(), ...result },
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, RESULTS_FILE), `${JSON.stringify(results, undefined, 2)}\n`);
}
