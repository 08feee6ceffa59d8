/**
 * The worker's side: runs one stream thread and answers the process.
 *
 * Invariant: the worker ends when its thread has ended, and says why when that was an error.
 */
import { parentPort } from 'node:worker_threads';
import type { StreamThread, StreamThreadState } from '../../streams/thread.ts';
import { failureOf, type FromThread, type ToThread } from './messages.ts';

export interface ServedThread {
  readonly thread: StreamThread;
  /** In prom-client's JSON form. */
  readonly metrics: () => Promise<unknown>;
  /** Closes what the thread was given. */
  readonly close: () => Promise<void>;
}

/** `open` gets the state listener to hand to the thread. */
export async function serveStreamThread(
  open: (onStateChange: (state: StreamThreadState) => void) => Promise<ServedThread>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serveStreamThread runs in a worker thread only.');
  const send = (message: FromThread): void => port.postMessage(message);
  let served: ServedThread | undefined;
  let stopped = false;
  port.on('message', (message: ToThread) => {
    if (message.type === 'stop') {
      stopped = true;
      served?.thread.stop();
      return;
    }
    const answer = served?.metrics() ?? Promise.resolve([]);
    answer.then(
      (metrics) => send({ type: 'metrics', request: message.request, metrics }),
      () => send({ type: 'metrics', request: message.request, metrics: [] }),
    );
  });
  try {
    served = await open((state) => send({ type: 'state', state }));
    if (stopped) served.thread.stop();
    await served.thread.run();
  } catch (error) {
    send({ type: 'failed', failure: failureOf(error) });
  } finally {
    await served?.close();
    port.close();
  }
}
