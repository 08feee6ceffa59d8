/**
 * Stream threads in the event loop of their caller: for tests, small applications and whoever makes workers of their own.
 */
import { StreamThread } from '../thread.ts';
import type { StreamThreadOptions } from '../thread-options.ts';
import { failureOf, type ThreadHost } from './thread-host.ts';

type ThreadParts = Omit<
  StreamThreadOptions,
  'onStateChange' | 'onMetadata' | 'onUncaughtException' | 'onRestoreProgress'
>;

/** `parts` is asked for each thread: threads share neither consumers nor global backends, and their names differ. */
export const localThreads =
  (parts: (threadIndex: number) => Promise<ThreadParts>): ThreadHost =>
  (threadIndex, events) => {
    let stopped = false;
    const starting = parts(threadIndex).then((given) => {
      const { onState, onMetadata, onRestoreProgress } = events;
      const onUncaughtException = (error: unknown) => events.onUncaughtException(failureOf(error));
      return new StreamThread({
        ...given,
        ...{ onStateChange: onState, onMetadata, onRestoreProgress, onUncaughtException },
      });
    });
    const run = async (): Promise<void> => {
      let thread: StreamThread | undefined;
      try {
        thread = await starting;
        if (stopped) thread.stop();
        await thread.run();
      } catch (error) {
        // The thread has asked what to do about its error; one that was never made has not.
        if (thread === undefined) await events.onUncaughtException(failureOf(error));
      }
      if (thread === undefined) events.onState('dead');
    };
    const stop = (): void => {
      stopped = true;
      starting.then(
        (thread) => thread.stop(),
        () => undefined,
      );
    };
    const paused = (change: (thread: StreamThread) => void): void => void starting.then(change, () => undefined);
    const ended = run();
    return {
      ended,
      stop,
      terminate: () => {
        stop();
        return ended;
      },
      pause: (taskIds) => paused(({ pausedTasks }) => pausedTasks.pause(taskIds)),
      resume: (taskIds) => paused(({ pausedTasks }) => pausedTasks.resume(taskIds)),
      query: async (request) => (await starting).query(request),
      storeLags: async () => (await starting).storeLags(),
      metadata: async () => (await starting).metadata,
    };
  };
