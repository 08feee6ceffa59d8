/**
 * The stream threads of one application in this process, each a worker thread with its own consumer, connections and tasks.
 *
 * Invariant: the application is ready only while every thread runs its tasks; a thread that fails is reported once, and after
 * `stop` no thread is left.
 */
import { randomUUID } from 'node:crypto';
import { KafkaStreams } from '../../streams/client/kafka-streams.ts';
import type { RemoteQuery } from '../../streams/client/query-router.ts';
import type { ThreadFailure } from '../../streams/client/thread-host.ts';
import type { Logger } from '../../streams/ports.ts';
import type { StreamThreadState, UncaughtExceptionResponse } from '../../streams/thread.ts';
import { systemClock } from '../system-clock.ts';
import { WorkerThread } from './worker-thread.ts';

export interface StreamThreadsOptions {
  /** The module that each worker runs; it calls `serveStreamThread`. */
  readonly workerUrl: URL;
  /** The name of the application that the threads run. */
  readonly application: string;
  /** Its id, with the topic prefix. */
  readonly applicationId: string;
  readonly threads: number;
  /** Those of the whole process, which share its memory. */
  readonly processThreads: number;
  /** The most that the objects of each thread may take. */
  readonly threadHeapBytes: number;
  readonly logger: Logger;
  /** What to do when a thread ends with an error. Default: `shutdown-client`. */
  readonly onUncaughtException?: UncaughtExceptionResponse;
  /** The client has ended by itself: the failure of a thread, or another instance asked for it. */
  readonly onFailure: (failure: ThreadFailure) => void;
  /** Asks other instances. */
  readonly remote?: RemoteQuery;
}

/** What the worker module finds in `workerData`. */
export interface StreamThreadData {
  readonly application: string;
  readonly threadIndex: number;
  readonly processThreads: number;
  /** The same for all threads of the process, another for every process. */
  readonly processId: string;
}

export class StreamThreads {
  readonly client: KafkaStreams;
  readonly #workers = new Map<number, WorkerThread>();

  constructor(options: StreamThreadsOptions) {
    const { workerUrl, application, applicationId, threads, processThreads, threadHeapBytes, logger, remote } = options;
    const processId = randomUUID();
    this.client = new KafkaStreams({
      ...{ applicationId, processId, threads, logger, clock: systemClock },
      host: (threadIndex, events) => {
        const data: StreamThreadData = { application, threadIndex, processThreads, processId };
        const worker = new WorkerThread(workerUrl, data, threadHeapBytes, events);
        this.#workers.set(threadIndex, worker);
        return worker;
      },
      ...(remote && { remote }),
    });
    let last: ThreadFailure | undefined;
    this.client.setUncaughtExceptionHandler((failure) => {
      last = failure;
      return options.onUncaughtException ?? 'shutdown-client';
    });
    this.client.setStateListener((state, former) => {
      logger.info(`The application ${application} is ${state}`, { state, former });
      if (state === 'ERROR') options.onFailure(last ?? ASKED_TO_STOP);
    });
    this.client.start();
  }

  get states(): readonly StreamThreadState[] {
    return this.client.threadStates;
  }

  /** True while every thread runs all of its tasks. */
  get ready(): boolean {
    return this.states.every((state) => state === 'running');
  }

  /** False once the application has stopped, for whatever reason: only a restart helps then. */
  get alive(): boolean {
    return !['NOT_RUNNING', 'PENDING_ERROR', 'ERROR'].includes(this.client.state);
  }

  /** Each thread's metrics in prom-client's JSON form. A thread that does not answer in time is left out. */
  async metrics(): Promise<unknown[]> {
    const answers = await Promise.allSettled([...this.#workers.values()].map((worker) => worker.metrics()));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Lets every thread commit and leave its group; after `timeoutMs` what is left is ended as it is (which loses nothing). */
  async stop(timeoutMs: number): Promise<void> {
    await this.client.close(timeoutMs);
  }
}

const ASKED_TO_STOP: ThreadFailure = {
  name: 'ShutdownRequested',
  code: 'SHUTDOWN_REQUESTED',
  message: 'another instance asked the whole application to stop',
  stack: undefined,
};
