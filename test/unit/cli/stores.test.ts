import { fastify } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { stores, type StoreRow } from '../../../cli/system/stores.ts';
import type { CommandContext } from '../../../cli/context.ts';
import { EXIT_CODES } from '../../../cli/exit-codes.ts';

const servers: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const shown = async (environment: Record<string, string>): Promise<{ rows: StoreRow[]; text: string }> => {
  let rows: StoreRow[] = [];
  let text = '';
  const show = (result: unknown, toText: () => string): void => {
    rows = result as StoreRow[];
    text = toText();
  };
  await stores({ environment, show } as unknown as CommandContext);
  return { rows, text };
};

it('shows the stores of every instance of every application, by task', async () => {
  const key = 'a-key-of-at-least-16-characters';
  const app = fastify();
  servers.push(app);
  app.addHook('onRequest', async ({ headers }, reply) => {
    if (headers.authorization !== `Bearer ${key}`) await reply.code(401).send({});
  });
  let at = '';
  const lag = (taskId: string, source: string, behind: number) => ({
    ...{ store: 'alerts', taskId, source, changelog: { topic: 'c', partition: 0 }, position: 5, end: 5 + behind },
    lag: behind,
  });
  app.get('/streams', async () => ({ applications: [{ name: 'alerts' }] }));
  app.get('/streams/alerts/instances', async () => ({
    instances: [{ applicationServer: `${at}/one` }, { applicationServer: `${at}/two` }, { applicationServer: '' }],
  }));
  app.get('/one/lags', async () => ({ lags: [lag('0_1', 'active', 0)] }));
  app.get('/two/lags', async () => ({ lags: [lag('0_1', 'standby', 7), lag('0_0', 'active', 0)] }));
  at = await app.listen({ host: '127.0.0.1', port: 0 });
  const { rows, text } = await shown({ PROCESSOR_URL: at, PROCESSOR_API_KEYS: key });
  expect(rows.map(({ task, role, lag: behind }) => `${task} ${role} ${behind}`)).toEqual([
    '0_0 active 0',
    '0_1 active 0',
    '0_1 standby 7',
  ]);
  expect(text).toContain('standby');
  await expect(shown({ PROCESSOR_URL: at })).rejects.toMatchObject({ exitCode: EXIT_CODES.failed });
});

it('says that the processor is away', async () => {
  const away = shown({ PROCESSOR_URL: 'http://127.0.0.1:9' });
  await expect(away).rejects.toMatchObject({ exitCode: EXIT_CODES.unavailable });
});
