/**
 * The stream threads of one process, each a worker thread with its own consumer, connections and tasks.
 *
 * Invariant: the process is ready only while every thread runs its tasks; a thread that fails is reported once, and after
 * `stop` no thread is left.
 */
import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Logger } from '../../streams/ports.ts';
import type { StreamThreadState } from '../../streams/thread.ts';
import type { FromThread, ThreadFailure, ToThread } from './messages.ts';

export interface StreamThreadsOptions {
  /** The module that each worker runs; it calls `serveStreamThread`. */
  readonly workerUrl: URL;
  /** The name of the application that the threads run. */
  readonly application: string;
  readonly threads: number;
  /** Those of the whole process, which share its memory. */
  readonly processThreads: number;
  readonly logger: Logger;
  /** A thread ended with an error. */
  readonly onFailure: (failure: ThreadFailure) => void;
}

/** What the worker module finds in `workerData`. */
export interface StreamThreadData {
  readonly application: string;
  readonly threadIndex: number;
  readonly processThreads: number;
  /** The same for all threads of the process, another for every process. */
  readonly processId: string;
}

interface RunningThread {
  readonly worker: Worker;
  readonly exited: Promise<void>;
  state: StreamThreadState;
}

const METRICS_TIMEOUT_MS = 2_000;

export class StreamThreads {
  readonly #options: StreamThreadsOptions;
  readonly #processId = randomUUID();
  readonly #threads: RunningThread[];
  readonly #asked = new Map<number, (metrics: unknown) => void>();
  #requests = 0;

  constructor(options: StreamThreadsOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: options.threads }, (_, threadIndex) => this.#start(threadIndex));
  }

  get states(): readonly StreamThreadState[] {
    return this.#threads.map(({ state }) => state);
  }

  /** True while every thread runs all of its tasks. */
  get ready(): boolean {
    return this.#threads.every(({ state }) => state === 'running');
  }

  /** Each thread's metrics in prom-client's JSON form. A thread that does not answer in time is left out. */
  async metrics(): Promise<unknown[]> {
    const alive = this.#threads.filter(({ state }) => state !== 'dead');
    const answers = await Promise.all(alive.map(({ worker }) => this.#askForMetrics(worker)));
    return answers.filter((answer) => answer !== undefined);
  }

  /** Lets every thread commit and leave its group; after `timeoutMs` what is left is ended as it is (which loses nothing). */
  async stop(timeoutMs: number): Promise<void> {
    for (const { worker, state } of this.#threads)
      if (state !== 'dead') worker.postMessage({ type: 'stop' } satisfies ToThread);
    const allExited = Promise.all(this.#threads.map(({ exited }) => exited));
    const timeout = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), timeoutMs).unref());
    if ((await Promise.race([allExited, timeout])) !== 'late') return;
    this.#options.logger.warn('Stream threads did not stop in time and are ended', { timeoutMs });
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(threadIndex: number): RunningThread {
    const { workerUrl, application, processThreads } = this.#options;
    const workerData: StreamThreadData = { application, threadIndex, processThreads, processId: this.#processId };
    const worker = new Worker(workerUrl, { workerData });
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        thread.state = 'dead';
        resolve();
      });
    });
    const thread: RunningThread = { worker, exited, state: 'created' };
    worker.on('message', (message: FromThread) => this.#receive(thread, message));
    worker.once('error', (error) => {
      const { name, message, stack } = error as Error;
      this.#options.onFailure({ name, code: undefined, message, stack });
    });
    return thread;
  }

  #receive(thread: RunningThread, message: FromThread): void {
    switch (message.type) {
      case 'state':
        thread.state = message.state;
        break;
      case 'metrics':
        this.#asked.get(message.request)?.(message.metrics);
        break;
      case 'failed':
        this.#options.onFailure(message.failure);
        break;
    }
  }

  #askForMetrics(worker: Worker): Promise<unknown> {
    const request = this.#requests++;
    return new Promise((resolve) => {
      const done = (metrics: unknown): void => {
        clearTimeout(timer);
        this.#asked.delete(request);
        resolve(metrics);
      };
      const timer = setTimeout(() => done(undefined), METRICS_TIMEOUT_MS);
      this.#asked.set(request, done);
      worker.postMessage({ type: 'metrics', request } satisfies ToThread);
    });
  }
}
