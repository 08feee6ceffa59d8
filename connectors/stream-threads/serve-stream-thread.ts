/**
 * The worker's side: runs one stream thread and answers the process.
 *
 * Invariant: the worker ends when its thread has ended, and says why when that was an error. Every question gets an answer or a
 * refusal; while the thread is being made, a refusal.
 */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { failureOf } from '../../streams/client/thread-host.ts';
import { QueryError } from '../../streams/queries/query-error.ts';
import type { StreamThread, StreamThreadOptions, UncaughtExceptionResponse } from '../../streams/thread.ts';
import type { FromThread, Question, ToThread } from './messages.ts';

export interface ServedThread {
  readonly thread: StreamThread;
  /** In prom-client's JSON form. */
  readonly metrics: () => Promise<unknown>;
  /** Closes what the thread was given. */
  readonly close: () => Promise<void>;
}

/** What the thread must be given, so that the process hears of it. */
export type ThreadListeners = Required<
  Pick<StreamThreadOptions, 'onStateChange' | 'onMetadata' | 'onRestoreProgress' | 'onUncaughtException'>
>;

/** How long the process may take to say what to do about an error. */
const RESPONSE_TIMEOUT_MS = 5_000;

export async function serveStreamThread(open: (listeners: ThreadListeners) => Promise<ServedThread>): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serveStreamThread runs in a worker thread only.');
  const send = (message: FromThread): void => port.postMessage(message);
  const waiting: ((thread: ServedThread) => void)[] = [];
  const response = Promise.withResolvers<UncaughtExceptionResponse>();
  let served: ServedThread | undefined;
  const whenServed = (action: (thread: ServedThread) => void): void => {
    if (served === undefined) waiting.push(action);
    else action(served);
  };
  port.on('message', (message: ToThread) => {
    switch (message.type) {
      case 'stop':
        return whenServed(({ thread }) => thread.stop());
      case 'pause':
      case 'resume':
        return whenServed(({ thread }) => thread.pausedTasks[message.type](message.taskIds));
      case 'response':
        return response.resolve(message.response);
      case 'ask':
        return void answer(message.request, message.question, served, port);
    }
  });
  const onUncaughtException = (error: unknown): Promise<UncaughtExceptionResponse> => {
    send({ type: 'failed', failure: failureOf(error) });
    const silence = setTimeout(() => response.resolve('shutdown-client'), RESPONSE_TIMEOUT_MS);
    return response.promise.finally(() => clearTimeout(silence));
  };
  let asked = false;
  try {
    served = await open({
      onStateChange: (state) => send({ type: 'state', state }),
      onMetadata: (metadata) => send({ type: 'metadata', metadata }),
      onRestoreProgress: (taskId, progress) => send({ type: 'restore', taskId, progress }),
      onUncaughtException: (error) => {
        asked = true;
        return onUncaughtException(error);
      },
    });
    for (const action of waiting) action(served);
    await served.thread.run();
  } catch (error) {
    if (!asked) await onUncaughtException(error);
  } finally {
    await served?.close();
    port.close();
  }
}

async function answer(
  request: number,
  question: Question,
  served: ServedThread | undefined,
  port: MessagePort,
): Promise<void> {
  try {
    const found = await answerTo(question, served);
    port.postMessage({ type: 'answer', request, answer: found } satisfies FromThread);
  } catch (error) {
    const failure =
      error instanceof QueryError
        ? error.toFailure()
        : { code: 'NOT_RUNNING' as const, message: `The question failed: ${failureOf(error).message}` };
    port.postMessage({ type: 'refusal', request, failure } satisfies FromThread);
  }
}

async function answerTo(question: Question, served: ServedThread | undefined): Promise<unknown> {
  if (served === undefined) {
    if (question.kind === 'metrics') return [];
    throw new QueryError({
      code: 'NOT_RUNNING',
      message: 'The stream thread is being started; ask again in a moment.',
    });
  }
  const { thread } = served;
  switch (question.kind) {
    case 'metrics':
      return served.metrics();
    case 'metadata':
      return thread.metadata;
    case 'store-lags':
      return thread.storeLags();
    case 'query':
      return thread.query(question.query);
  }
}
