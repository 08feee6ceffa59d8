/**
 * A process that tests start, kill, freeze and thaw at will: a service, or a process of the alert system.
 *
 * Invariant: at most one incarnation is alive, and none survives `end`, nor this process when it exits. One that ends by itself is
 * started again, as a supervisor would, and the exit is kept for the test to judge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeExit,
  startProcess,
  type ProcessCommand,
  type ProcessExit,
  type StartedProcess,
} from '../../../infra/local-stack/child-process.ts';
import { lastLines, logExcerpt } from '../../../infra/local-stack/log-file.ts';
import { signalGroup } from '../../../infra/local-stack/process-identity.ts';
import { settlesWithin } from '../../../infra/local-stack/wait.ts';

export interface ControlledSpec {
  readonly name: string;
  readonly command: ProcessCommand;
  readonly logFile: string;
  readonly isReady: () => Promise<boolean>;
  /** False for a process whose own exit is what the test waits for. Default true. */
  readonly restarts?: boolean;
}

const RESTART_PAUSE_MS = 1_000;
const READY_TIMEOUT_MS = 180_000;
const END_TIMEOUT_MS = 60_000;
const MAX_SHOWN = 600;

export class ControlledProcess {
  readonly spec: ControlledSpec;
  /** Every exit that was not asked for, in words. */
  readonly ownExits: string[] = [];
  #running: StartedProcess | undefined;
  #wanted = false;

  constructor(spec: ControlledSpec) {
    this.spec = spec;
  }

  get name(): string {
    return this.spec.name;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Of the incarnation that runs. */
  get pid(): number | undefined {
    return this.#running?.identity.pid;
  }

  async start(): Promise<void> {
    this.#wanted = true;
    if (this.#running !== undefined) return;
    const started = await startProcess(this.spec.command, this.spec.logFile);
    this.#running = started;
    void started.exited.then((exit) => this.#exited(started, exit));
  }

  async becomesReady(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    for (const deadline = Date.now() + timeoutMs; !(await this.spec.isReady()); await sleep(100)) {
      if (Date.now() > deadline) throw this.failure(`is not ready after ${timeoutMs / 1000} s`);
    }
  }

  /** Ends it at once, as a crash would. */
  kill(): Promise<ProcessExit | undefined> {
    return this.end('SIGKILL');
  }

  /** Ends it in order; resolves with how it ended, undefined when it did not run. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessExit | undefined> {
    this.#wanted = false;
    const running = this.#running;
    if (running === undefined) return undefined;
    signalGroup(running.identity.pid, signal);
    // A frozen process takes no other signal than this one.
    if (!(await settlesWithin(running.exited, END_TIMEOUT_MS))) signalGroup(running.identity.pid, 'SIGKILL');
    return running.exited;
  }

  freeze(): void {
    if (this.#running !== undefined) signalGroup(this.#running.identity.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#running !== undefined) signalGroup(this.#running.identity.pid, 'SIGCONT');
  }

  /** Until it has ended by itself; for one that does not restart. */
  async ends(timeoutMs: number): Promise<ProcessExit> {
    const running = this.#running;
    if (running === undefined) throw this.failure('does not run');
    if (!(await settlesWithin(running.exited, timeoutMs))) throw this.failure(`still runs after ${timeoutMs / 1000} s`);
    return running.exited;
  }

  failure(what: string): Error {
    return new Error(`${this.name} ${what}.${logExcerpt(this.spec.logFile)}`);
  }

  async #exited(started: StartedProcess, exit: ProcessExit): Promise<void> {
    if (this.#running !== started) return;
    this.#running = undefined;
    if (!this.#wanted) return;
    const [lastWords = ''] = lastLines(this.spec.logFile, 1);
    this.ownExits.push(describeExit(exit));
    console.log(`${this.name} ${describeExit(exit)} by itself: ${lastWords.slice(0, MAX_SHOWN)}`);
    if (this.spec.restarts === false) return;
    await sleep(RESTART_PAUSE_MS);
    if (this.#wanted) await this.start();
  }
}
