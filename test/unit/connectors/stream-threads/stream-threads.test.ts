import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamThreads } from '../../../../connectors/stream-threads/stream-threads.ts';
import type { ThreadFailure } from '../../../../streams/client/thread-host.ts';
import { silentLogger } from '../../../../streams/testing/silent.ts';
import type { UncaughtExceptionResponse } from '../../../../streams/thread.ts';

const running: StreamThreads[] = [];
afterEach(async () => {
  for (const threads of running.splice(0)) await threads.stop(10_000);
});

const start = (application: string, onUncaughtException?: UncaughtExceptionResponse) => {
  const failures: ThreadFailure[] = [];
  const threads = new StreamThreads({
    workerUrl: new URL('../../../support/memory-stream-thread.ts', import.meta.url),
    ...{ application, applicationId: 'app', threads: 1, processThreads: 1, logger: silentLogger },
    threadHeapBytes: 256 * 1024 * 1024,
    ...(onUncaughtException && { onUncaughtException }),
    onFailure: (failure) => failures.push(failure),
  });
  running.push(threads);
  return { threads, failures };
};

const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) if (await condition()) return;
  throw new Error(`Not in time: ${what}.`);
};

describe('stream threads in workers', () => {
  it('answer queries, lags, metadata and metrics, pause, and end in order', async () => {
    const { threads, failures } = start('counting');
    const { client } = threads;
    const ask = () => client.query({ store: 'counts', query: { kind: 'key', key: Buffer.from('key') } });
    await until('both records are counted', async () => {
      const answer = await ask().catch(() => undefined);
      return answer?.entries[0]?.value === 2;
    });
    expect(await ask()).toMatchObject({ entries: [{ key: 'key', value: 2 }], source: 'active', taskId: '0_0' });
    expect(await client.allLocalStorePartitionLags()).toMatchObject([{ store: 'counts', lag: 0 }]);
    expect(await threads.metrics()).toEqual([[{ name: 'metric' }]]);
    await expect(client.query({ store: 'none', query: { kind: 'range' }, partition: 0 })).rejects.toMatchObject({
      code: 'STORE_UNKNOWN',
    });
    client.pause();
    await until('the task is paused', async () => {
      const [thread] = await client.metadataForLocalThreads();
      return thread?.activeTasks[0]?.status === 'paused';
    });
    expect([threads.alive, threads.ready]).toEqual([true, true]);
    await threads.stop(10_000);
    expect([client.state, threads.alive, failures]).toEqual(['NOT_RUNNING', false, []]);
    await expect(ask()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });

  it.each([
    ['broken', 'cannot be made'],
    ['poisoned', 'poison'],
  ])('tell once why they failed and stop the application: %s [INV-CLIENT-FAILURE]', async (application, message) => {
    const { threads, failures } = start(application);
    await until('the application has stopped', () => threads.client.state === 'ERROR');
    expect(failures).toHaveLength(1);
    expect(failures[0]?.message).toContain(message);
    expect([threads.alive, threads.states]).toEqual([false, ['dead']]);
  });

  it('are replaced when that is the answer to their failure [INV-CLIENT-FAILURE]', async () => {
    const { threads, failures } = start('broken', 'replace-thread');
    const states: string[] = [];
    const watch = setInterval(() => states.push(...threads.states), 1);
    await until(
      'another worker is started',
      () => states.lastIndexOf('created') > states.indexOf('dead') && states.includes('dead'),
    );
    clearInterval(watch);
    expect([failures, threads.alive]).toEqual([[], true]);
  });
});
