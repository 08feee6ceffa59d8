/**
 * What the machine still has for this process: room on the disk, memory.
 *
 * Invariant: these warn before anything fails, so they show in the health report and never make a process unready: sending its work
 * elsewhere would neither free the disk nor spare memory.
 */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import type { HealthCheck, HealthChecks } from './health-checks.ts';

export interface ResourceLimits {
  /** A folder on the disk in question; where it does not exist yet, the nearest one above it. */
  readonly dataDir: string;
  readonly minFreeDiskBytes: number;
  /** Of the memory that the process may have (the container's limit, else the machine's), and of its heap. */
  readonly maxMemoryPercent: number;
}

const MEBIBYTE = 1024 * 1024;
const inMebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`;

const existing = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : existing(dirname(path));

/** Fails when less is free than `minFreeBytes`. */
export const diskCheck =
  (dataDir: string, minFreeBytes: number): HealthCheck =>
  async () => {
    const { bavail, bsize } = await statfs(existing(dataDir));
    const freeBytes = bavail * bsize;
    if (freeBytes < minFreeBytes)
      throw new Error(`Only ${inMebibytes(freeBytes)} are free on the disk; make room: writes fail when none is left.`);
  };

/** Figures in bytes. */
export interface MemoryUse {
  readonly what: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** 0 and values beyond the machine's memory mean that there is no limit but the machine. */
const memoryLimitBytes = (): number => Math.min(process.constrainedMemory() || Infinity, totalmem());

const memoryUse = (): readonly MemoryUse[] => {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
  return [
    { what: 'memory of the process', usedBytes: process.memoryUsage.rss(), limitBytes: memoryLimitBytes() },
    { what: 'JavaScript heap', usedBytes, limitBytes },
  ];
};

/** Fails when more than `maxPercent` of a limit is used. */
export const memoryCheck =
  (maxPercent: number, measure: () => readonly MemoryUse[] = memoryUse): HealthCheck =>
  () => {
    for (const { what, usedBytes, limitBytes } of measure()) {
      if (usedBytes * 100 <= limitBytes * maxPercent) continue;
      throw new Error(`The ${what} is ${inMebibytes(usedBytes)} of ${inMebibytes(limitBytes)}, over ${maxPercent} %.`);
    }
  };

export const resourceChecks = ({ dataDir, minFreeDiskBytes, maxMemoryPercent }: ResourceLimits): HealthChecks => ({
  disk: diskCheck(dataDir, minFreeDiskBytes),
  memory: memoryCheck(maxMemoryPercent),
});
