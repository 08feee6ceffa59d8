import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KafkaLogClient } from '../../../connectors/kafka/kafka-log-client.ts';
import { queryThrough } from '../../../connectors/queries/remote-query.ts';
import type { ClientQuery } from '../../../streams/client/query-router.ts';
import type { QueryError } from '../../../streams/queries/query-error.ts';
import type { QueryAnswer } from '../../../streams/queries/query.ts';
import { silentLogger } from '../../../streams/testing/silent.ts';
import type { QueryingAppSettings } from '../../support/querying-app.ts';

const PARTITIONS = 2;
const KEYS = Array.from({ length: 8 }, (_, index) => `key-${index}`);

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
};

interface Instance {
  readonly port: number;
  readonly url: string;
  readonly child: ChildProcess;
}

describe('queries of an application on a real broker', () => {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  const id = `querying-${randomUUID().slice(0, 8)}`;
  const client = new KafkaLogClient({ brokers, clientId: id, logger: silentLogger });
  const producer = client.plainProducer();
  const instances: Instance[] = [];
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'querying-'));
    await client.admin().createTopics([{ name: `${id}-in`, partitions: PARTITIONS, config: {} }]);
    for (let index = 0; index < 2; index += 1) instances.push(await start());
    await until('both instances share the tasks', async () => {
      const shares = await Promise.all(instances.map(({ url }) => activeTasks(url)));
      return shares.every((tasks) => tasks === 1);
    });
  });

  afterAll(async () => {
    for (const { child } of instances) child.kill('SIGKILL');
    await client.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async (): Promise<Instance> => {
    const port = await freePort();
    const stateDir = join(directory, String(port));
    const settings: QueryingAppSettings = { brokers, applicationId: id, input: `${id}-in`, stateDir, port };
    const entry = join(import.meta.dirname, '../../support/querying-app.ts');
    const child = spawn(process.execPath, [entry, JSON.stringify(settings)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { port, url: `http://127.0.0.1:${port}/streams/counting`, child };
  };

  const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(100)) {
      if (await condition().catch(() => false)) return;
    }
    throw new Error(`Not in time: ${what}.`);
  };

  const activeTasks = async (url: string): Promise<number> => {
    const { state, threads } = (await (await fetch(url)).json()) as {
      state: string;
      threads: { activeTasks: { status: string }[] }[];
    };
    const tasks = threads.flatMap((thread) => thread.activeTasks);
    return state === 'RUNNING' && tasks.every(({ status }) => status === 'running') ? tasks.length : -1;
  };

  const send = async (count: number): Promise<void> => {
    const each = KEYS.map((key) => ({ topic: `${id}-in`, key: Buffer.from(key), value: Buffer.from('x') }));
    await producer.send(Array.from({ length: count }, () => each).flat());
  };

  const ask = ({ url }: Instance, key: string, bounds?: ClientQuery['bounds']): Promise<QueryAnswer> =>
    queryThrough(url, { apiKey: undefined, timeoutMs: 10_000 })({
      store: 'counts',
      query: { kind: 'key', key: Buffer.from(key) },
      ...(bounds && { bounds }),
    });

  const refusal = (answer: Promise<unknown>): Promise<QueryError> =>
    answer.then(
      () => Promise.reject(new Error('The query was answered.')),
      (error: unknown) => error as QueryError,
    );

  it('are routed to the owner, answered by a warm copy when it dies, and refused when that is too far behind [INV-QUERY-ROUTED] [INV-QUERY-STALE]', async () => {
    await send(2);
    const owners = new Map<string, Instance>();
    for (const key of KEYS) {
      for (const asked of instances) {
        await until(`${key} is counted`, async () => (await ask(asked, key)).entries[0]?.value === 2);
        const { source, taskId } = await ask(asked, key);
        expect(source).toBe('active');
        const tasks = (await (await fetch(asked.url)).json()) as { threads: { activeTasks: { taskId: string }[] }[] };
        if (tasks.threads.some((thread) => thread.activeTasks.some((task) => task.taskId === taskId)))
          owners.set(key, asked);
      }
    }
    const [first, second] = instances as [Instance, Instance];
    expect(new Set(owners.values())).toEqual(new Set([first, second]));

    const key = KEYS.find((one) => owners.get(one) === first) as string;
    await until('the warm copy is complete', async () => {
      const { lags } = (await (await fetch(`${second.url}/lags`)).json()) as {
        lags: { source: string; lag: number }[];
      };
      const copies = lags.filter(({ source }) => source === 'standby');
      return copies.length === 1 && copies[0]?.lag === 0;
    });
    second.child.kill('SIGUSR2');
    await send(1);
    await until('the owner has counted on', async () => (await ask(first, key)).entries[0]?.value === 3);

    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const dead = await refusal(ask(second, key));
    expect(dead).toMatchObject({ code: 'OWNER_UNREACHABLE', owner: first.url });
    expect(dead.retryAfterMs).toBeGreaterThan(0);
    const tooFar = await refusal(ask(second, key, { stale: true, maxLagRecords: 0 }));
    expect(tooFar.code).toBe('OWNER_UNREACHABLE');
    const stale = await ask(second, key, { stale: true });
    expect(stale).toMatchObject({ entries: [{ key, value: 2 }], source: 'standby' });
    expect(stale.lagRecords).toBeGreaterThan(0);

    await until('the heir runs the task', async () => (await ask(second, key)).source === 'active');
    expect((await ask(second, key)).entries).toEqual([{ key, value: 3 }]);
  });
});
