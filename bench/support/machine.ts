/**
 * What the figures were measured on, and what processes cost, read from the kernel.
 *
 * Invariant: what cannot be read here (another system than Linux, a broker on another machine) is undefined, never a guess.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly cpus: number;
  readonly model: string | undefined;
  readonly memoryBytes: number;
  readonly system: string;
}

export const machine = (): Machine => ({
  cpus: cpus().length,
  model: cpus()[0]?.model,
  memoryBytes: totalmem(),
  system: `${process.platform} ${process.arch}`,
});

/** Versions of what takes part. */
export function versions(): Readonly<Record<string, string | undefined>> {
  const dependencies = (
    JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    }
  ).dependencies;
  const { kafkajs, rocksdb, avsc, mysql2 } = dependencies;
  return { node: process.version, v8: process.versions.v8, java: javaVersion(), kafkajs, rocksdb, avsc, mysql2 };
}

function javaVersion(): string | undefined {
  try {
    // Java prints its version on standard error, of which the first line names it.
    return execFileSync('java', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
    )[0];
  } catch {
    return undefined;
  }
}

/** Ticks per second of the times in /proc, the same on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used so far, its threads included. */
export function cpuSecondsOf(pid: number | undefined): number | undefined {
  const text = pid === undefined ? undefined : readProc(`${pid}/stat`);
  // The name in parentheses may hold spaces; the fields after it do not.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return undefined;
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most memory that a process had resident so far, in bytes. */
export function peakResidentBytesOf(pid: number | undefined): number | undefined {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec((pid === undefined ? undefined : readProc(`${pid}/status`)) ?? '');
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** The state of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/** The process of this machine that listens on a TCP port. */
export function pidListeningOn(port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = ['net/tcp', 'net/tcp6'].flatMap((name) => (readProc(name) ?? '').split('\n'));
  const inodes = new Set(
    sockets
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === LISTENING && local?.endsWith(suffix))
      .map((fields) => fields[9]),
  );
  return pids().find((pid) => descriptorsOf(pid).some((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1])));
}

const pids = (): number[] => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
};

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

function readProc(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
