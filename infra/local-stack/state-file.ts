/**
 * `stack.json`: what runs for a data folder. Invariant: a process is written down before anything waits for it, so that the
 * start after a killed one finds whatever was left running.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, signalGroup } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { Addresses } from './settings.ts';
import { waitUntil } from './wait.ts';

export interface RecordedProcess extends ProcessIdentity {
  readonly name: string;
}

export interface StackRecord {
  readonly addresses?: Addresses;
  readonly gatewayUrl?: string;
  /** In the order in which they were started. */
  readonly processes: readonly RecordedProcess[];
}

const pathIn = (dataDir: string): string => join(dataDir, 'stack.json');

export function writeStackRecord(dataDir: string, record: StackRecord): void {
  const path = pathIn(dataDir);
  writeFileSync(`${path}.part`, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(`${path}.part`, path);
}

export function removeStackRecord(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true });
}

/** What is recorded; undefined when nothing runs and nothing was left. */
export function readStackRecord(dataDir: string): StackRecord | undefined {
  const path = pathIn(dataDir);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StackRecord) : undefined;
}

const graceMs = 20_000;

/** Stops what a killed start left running, last started first; returns the names of what was stopped. */
export async function stopLeftovers(dataDir: string, signal: AbortSignal): Promise<string[]> {
  const left = (readStackRecord(dataDir)?.processes ?? []).filter(isAlive).reverse();
  for (const leftover of left) {
    signalGroup(leftover.pid, 'SIGTERM');
    const ended = await waitUntil(() => !isAlive(leftover), { timeoutMs: graceMs, everyMs: 100, signal });
    if (!ended) signalGroup(leftover.pid, 'SIGKILL');
  }
  removeStackRecord(dataDir);
  return left.map(({ name }) => name);
}
