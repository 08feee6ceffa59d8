import { expect, it } from 'vitest';
import { WorkerThread } from '../../../../connectors/stream-threads/worker-thread.ts';
import type { ThreadFailure } from '../../../../streams/client/thread-host.ts';

const HEAP_BYTES = 64 * 1024 * 1024;
/** Keeps everything that it makes. */
const hungry = new URL(
  `data:text/javascript,${encodeURIComponent('const kept = []; for (;;) kept.push(new Array(10_000).fill({}));')}`,
);
const ignore = (): void => undefined;

it('a thread that needs more heap than its own ends with an error that says so, and nothing else does [INV-THREAD-HEAP]', async () => {
  const failures: ThreadFailure[] = [];
  const thread = new WorkerThread(hungry, {}, HEAP_BYTES, {
    ...{ onState: ignore, onMetadata: ignore, onRestoreProgress: ignore },
    onUncaughtException: async (failure) => {
      failures.push(failure);
      return 'shutdown-client';
    },
  });
  await thread.ended;
  expect(failures).toMatchObject([{ code: 'ERR_WORKER_OUT_OF_MEMORY' }]);
});
