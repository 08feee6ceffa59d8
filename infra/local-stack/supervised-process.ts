/**
 * One process that is kept running. Invariant: a crash is answered with a restart after a growing, capped delay, until the
 * stack stops it; at any time at most one incarnation is alive.
 */
import { describeExit, startProcess, stopProcess } from './child-process.ts';
import type { ProcessCommand, ProcessExit, StartedProcess } from './child-process.ts';
import { logExcerpt, startLogFile } from './log-file.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { Reporter } from './report.ts';
import { messageOf, StackFailure } from './stack-failure.ts';
import { sleeps, waitUntil } from './wait.ts';

/** What to run, and how to know that it works. */
export interface ServiceProcess {
  readonly name: string;
  /** Where it is reached, as clients write it. */
  readonly address: string;
  readonly command: ProcessCommand;
  readonly logFile: string;
  isReady(): Promise<boolean>;
  readonly readyTimeoutMs: number;
  /** How long it may take to end before it is killed. */
  readonly stopTimeoutMs: number;
}

export type ProcessState = 'starting' | 'ready' | 'restarting' | 'stopped';

const firstDelayMs = 500;
const longestDelayMs = 30_000;
const steadyAfterMs = 60_000;
const readyIntervalMs = 100;

/** The delay before the restart that follows `crashes` crashes in a row, in milliseconds. */
export function restartDelayMs(crashes: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(crashes - 1, 16));
}

export class SupervisedProcess {
  readonly spec: ServiceProcess;
  readonly #reporter: Reporter;
  readonly #onChange: () => void;
  readonly #stopping = new AbortController();
  #state: ProcessState = 'starting';
  #running: StartedProcess | undefined;
  #crashes = 0;
  #keeping: Promise<void> | undefined;
  #lastExit: ProcessExit | undefined;

  /** @param onChange called whenever the process or its state is another one. */
  constructor(spec: ServiceProcess, reporter: Reporter, onChange: () => void) {
    this.spec = spec;
    this.#reporter = reporter;
    this.#onChange = onChange;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** The incarnation that runs; undefined between two of them. */
  get identity(): ProcessIdentity | undefined {
    return this.#running?.identity;
  }

  /** Starts it and from then on keeps it running; rejects when it cannot be started at all. */
  async launch(): Promise<void> {
    startLogFile(this.spec.logFile);
    await this.#spawn();
    void this.#followReadiness(() => {});
    this.#keeping = this.#keepRunning();
  }

  /**
   * Waits until it works, at most for its time; otherwise rejects with the end of its log.
   * @param onCrash `fail` gives up at the first crash; `restart` goes on waiting while it is started again.
   */
  async becomesReady(onCrash: 'fail' | 'restart', signal: AbortSignal): Promise<void> {
    const isReady = (): boolean => {
      if (onCrash === 'fail' && this.#lastExit !== undefined) throw this.#failure(describeExit(this.#lastExit));
      return this.#state === 'ready';
    };
    const timeoutMs = this.spec.readyTimeoutMs;
    if (await waitUntil(isReady, { timeoutMs, everyMs: readyIntervalMs, signal })) return;
    throw this.#failure(`did not become ready within ${timeoutMs / 1000} s`);
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#endRunning();
    await this.#keeping;
    this.#become('stopped');
  }

  async #spawn(): Promise<void> {
    this.#running = await startProcess(this.spec.command, this.spec.logFile);
    this.#onChange();
  }

  async #keepRunning(): Promise<void> {
    while (this.#running !== undefined) {
      const began = performance.now();
      const exit = await this.#running.exited;
      this.#running = undefined;
      if (this.#stopping.signal.aborted) return;
      this.#crashes = performance.now() - began >= steadyAfterMs ? 1 : this.#crashes + 1;
      this.#lastExit = exit;
      this.#become('restarting');
      await this.#restart(exit);
    }
  }

  async #restart(exit: ProcessExit): Promise<void> {
    const delayMs = restartDelayMs(this.#crashes);
    const { name, logFile } = this.spec;
    this.#reporter.line(`${name} ${describeExit(exit)}; starting it again in ${delayMs / 1000} s (see ${logFile})`);
    if (!(await sleeps(delayMs, this.#stopping.signal))) return;
    try {
      await this.#spawn();
    } catch (error) {
      this.#reporter.line(`${name} could not be started again: ${messageOf(error)}`);
      return;
    }
    // The stack may have been stopped while the process was being started.
    if (this.#stopping.signal.aborted) await this.#endRunning();
    else void this.#followReadiness((text) => this.#reporter.line(text));
  }

  async #endRunning(): Promise<void> {
    if (this.#running !== undefined) await stopProcess(this.#running, this.spec.stopTimeoutMs);
  }

  /** Watches one incarnation until it works or its time is over, and tells which. */
  async #followReadiness(say: (text: string) => void): Promise<void> {
    const incarnation = this.#running;
    const isOver = (): boolean => this.#running !== incarnation || this.#stopping.signal.aborted;
    const { readyTimeoutMs: timeoutMs, name } = this.spec;
    const answers = await waitUntil(async () => isOver() || (await this.spec.isReady()), {
      timeoutMs,
      everyMs: readyIntervalMs,
      signal: neverAborted,
    });
    if (isOver()) return;
    if (answers) this.#become('ready');
    say(answers ? `${name} runs again` : `${name} runs again but is not ready after ${timeoutMs / 1000} s`);
  }

  #become(state: ProcessState): void {
    this.#state = state;
    this.#onChange();
  }

  #failure(what: string): StackFailure {
    const { name, logFile } = this.spec;
    return new StackFailure(`${name} ${what}; look at the end of its log and start again.${logExcerpt(logFile)}`);
  }
}

const neverAborted = new AbortController().signal;
