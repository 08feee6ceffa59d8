/**
 * One stream thread in a worker, from the process' side.
 *
 * Invariant: every question is answered or rejected in bounded time, also when the worker hangs or has ended; a worker that ends
 * with an error is reported once.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { HostedThread, ThreadEvents } from '../../streams/client/thread-host.ts';
import { failureOf } from '../../streams/client/thread-host.ts';
import { QueryError } from '../../streams/queries/query-error.ts';
import type { QueryAnswer, TaskQuery } from '../../streams/queries/query.ts';
import type { StoreLag } from '../../streams/queries/thread-queries.ts';
import type { ThreadMetadata } from '../../streams/thread-options.ts';
import type { FromThread, Question, ToThread } from './messages.ts';

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: QueryError) => void;
}

const MIB = 1024 * 1024;
/** Of the heap: where objects begin, and most of them end. Half of it at least is for those that stay. */
const MAX_YOUNG_MIB = 192;

const resourceLimits = (heapBytes: number): ResourceLimits => {
  const heapMib = Math.floor(heapBytes / MIB);
  const youngMib = Math.min(MAX_YOUNG_MIB, heapMib >> 1);
  return { maxYoungGenerationSizeMb: youngMib, maxOldGenerationSizeMb: heapMib - youngMib };
};

/** Longer than a query may wait for a position. */
const ANSWER_TIMEOUT_MS = 8_000;

export class WorkerThread implements HostedThread {
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #asked = new Map<number, Asked>();
  #requests = 0;
  #failed = false;
  #over = false;

  constructor(workerUrl: URL, workerData: object, heapBytes: number, events: ThreadEvents) {
    this.#events = events;
    this.#worker = new Worker(workerUrl, { workerData, resourceLimits: resourceLimits(heapBytes) });
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.once('error', (error) => void this.#fail(failureOf(error)));
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#over = true;
        for (const request of [...this.#asked.keys()]) this.#refuse(request, 'has ended');
        events.onState('dead');
        resolve();
      });
    });
  }

  stop(): void {
    this.#send({ type: 'stop' });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  pause(taskIds?: readonly string[]): void {
    this.#send({ type: 'pause', taskIds });
  }

  resume(taskIds?: readonly string[]): void {
    this.#send({ type: 'resume', taskIds });
  }

  query(query: TaskQuery): Promise<QueryAnswer> {
    return this.#ask<QueryAnswer>({ kind: 'query', query });
  }

  storeLags(): Promise<readonly StoreLag[]> {
    return this.#ask<readonly StoreLag[]>({ kind: 'store-lags' });
  }

  metadata(): Promise<ThreadMetadata> {
    return this.#ask<ThreadMetadata>({ kind: 'metadata' });
  }

  /** In prom-client's JSON form. */
  metrics(): Promise<unknown> {
    return this.#ask({ kind: 'metrics' }, METRICS_TIMEOUT_MS);
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case 'state':
        return this.#events.onState(message.state);
      case 'metadata':
        return this.#events.onMetadata(message.metadata);
      case 'restore':
        return this.#events.onRestoreProgress(message.taskId, message.progress);
      case 'answer':
        return this.#take(message.request)?.resolve(message.answer);
      case 'refusal':
        return this.#take(message.request)?.reject(new QueryError(message.failure));
      case 'failed':
        return void this.#fail(message.failure);
    }
  }

  async #fail(failure: Parameters<ThreadEvents['onUncaughtException']>[0]): Promise<void> {
    if (this.#failed) return;
    this.#failed = true;
    this.#send({ type: 'response', response: await this.#events.onUncaughtException(failure) });
  }

  #ask<T>(question: Question, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    const request = this.#requests++;
    if (this.#over) {
      return Promise.reject(new QueryError({ code: 'NOT_RUNNING', message: 'The stream thread has ended.' }));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#refuse(request, `gave no answer within ${timeoutMs} ms`), timeoutMs);
      const settle = <V>(how: (value: V) => void): ((value: V) => void) => {
        return (value) => {
          clearTimeout(timer);
          how(value);
        };
      };
      this.#asked.set(request, { resolve: settle((answer) => resolve(answer as T)), reject: settle(reject) });
      this.#send({ type: 'ask', request, question });
    });
  }

  #refuse(request: number, what: string): void {
    this.#take(request)?.reject(new QueryError({ code: 'NOT_RUNNING', message: `The stream thread ${what}.` }));
  }

  #take(request: number): Asked | undefined {
    const asked = this.#asked.get(request);
    this.#asked.delete(request);
    return asked;
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

const METRICS_TIMEOUT_MS = 2_000;
