/**
 * Processes started by the stack. Invariant: each leads a process group of its own, so that a Ctrl-C at the terminal does
 * not reach it and stopping it stops all it started; no group outlives this process when it exits.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { ChildProcess, SpawnOptions, StdioOptions } from 'node:child_process';
import { identify, signalGroup } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { codeOf, StackFailure } from './stack-failure.ts';
import { settlesWithin } from './wait.ts';

export interface ProcessCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; this process's own when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartedProcess {
  readonly identity: ProcessIdentity;
  readonly exited: Promise<ProcessExit>;
}

/** The program itself does not exist. */
export class CommandMissing extends StackFailure {}

const liveGroups = new Set<number>();
const killBoundMs = 5_000;

/** Kills every group that is still there, at once; for the moment before this process exits. */
export function killLiveGroups(): void {
  for (const pid of liveGroups) signalGroup(pid, 'SIGKILL');
}

process.on('exit', killLiveGroups);

/** Starts a long-lived process whose output is appended to a file. */
export async function startProcess(command: ProcessCommand, logFile: string): Promise<StartedProcess> {
  const log = openSync(logFile, 'a');
  try {
    writeSync(log, `--- ${new Date().toISOString()} ${command.command} starts\n`);
    return await spawnGroup(command, ['ignore', log, log]).started;
  } finally {
    closeSync(log);
  }
}

/** Asks the group to end and kills it when the time is over. */
export async function stopProcess(started: StartedProcess, graceMs: number): Promise<void> {
  const { pid } = started.identity;
  signalGroup(pid, 'SIGTERM');
  if (await settlesWithin(started.exited, graceMs)) return;
  signalGroup(pid, 'SIGKILL');
  await settlesWithin(started.exited, killBoundMs);
}

export interface CommandOutcome extends ProcessExit {
  /** The last 64 KB of standard output and standard error, interleaved. */
  readonly output: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  onOutput?(text: string): void;
}

const keptOutput = 65_536;

/** Runs a command to its end; ends its group when the time is over or the signal fires (which rejects). */
export async function runCommand(command: ProcessCommand, options: RunOptions): Promise<CommandOutcome> {
  options.signal.throwIfAborted();
  const { child, started } = spawnGroup(command, ['ignore', 'pipe', 'pipe']);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  const collect = (text: string): void => {
    output = (output + text).slice(-keptOutput);
    options.onOutput?.(text);
  };
  child.stdout?.setEncoding('utf8').on('data', collect);
  child.stderr?.setEncoding('utf8').on('data', collect);
  const running = await started;
  let timedOut = false;
  const end = (): void => void signalGroup(running.identity.pid, 'SIGKILL');
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, options.timeoutMs);
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  try {
    const exit = await running.exited;
    await settlesWithin(closed, killBoundMs);
    options.signal.throwIfAborted();
    return { ...exit, output, timedOut };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', end);
  }
}

function spawnGroup(
  command: ProcessCommand,
  stdio: StdioOptions,
): { readonly child: ChildProcess; readonly started: Promise<StartedProcess> } {
  const options: SpawnOptions = { cwd: command.cwd, stdio, detached: true };
  if (command.environment !== undefined) options.env = command.environment;
  const child = spawn(command.command, command.args, options);
  const { pid } = child;
  if (pid === undefined) {
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) => reject(explainSpawn(command, error)));
    });
    return { child, started: failed };
  }
  liveGroups.add(pid);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      liveGroups.delete(pid);
      resolve({ code, signal });
    });
  });
  // A process that ended already has no identity left; its exit says the rest.
  const identity = identify(pid) ?? { pid, startedAt: '' };
  return { child, started: Promise.resolve({ identity, exited }) };
}

function explainSpawn(command: ProcessCommand, error: Error): Error {
  if (codeOf(error) === 'ENOENT') return new CommandMissing(`${command.command} was not found on the PATH.`);
  return new StackFailure(`${command.command} could not be started: ${error.message}.`);
}

/** An exit in words. */
export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`;
}
