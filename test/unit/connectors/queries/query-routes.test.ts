import { fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { parseApiKeys } from '../../../../connectors/http/api-keys.ts';
import { answerOfJson, queryOfJson, queryToJson } from '../../../../connectors/queries/query-json.ts';
import { queryRoutes } from '../../../../connectors/queries/query-routes.ts';
import { queryThrough, remoteQuery } from '../../../../connectors/queries/remote-query.ts';
import type { KafkaStreams } from '../../../../streams/client/kafka-streams.ts';
import type { ClientQuery } from '../../../../streams/client/query-router.ts';
import { QueryError } from '../../../../streams/queries/query-error.ts';
import type { QueryAnswer } from '../../../../streams/queries/query.ts';

const ANSWER: QueryAnswer = {
  entries: [{ key: Uint8Array.of(255), value: { count: 7n, raw: Buffer.from([1]) } }],
  next: Uint8Array.of(0, 255),
  ...{ taskId: '0_1', source: 'active', lagRecords: 0, stalenessMs: undefined, position: { 'input-1': 5 } },
};

/** The part of a client that the routes use. */
class FakeClient {
  readonly state = 'RUNNING';
  isPaused = false;
  readonly asked: [ClientQuery, boolean][] = [];
  failure: QueryError | undefined;
  readonly paused: unknown[] = [];

  async query(query: ClientQuery, passedOn: boolean): Promise<QueryAnswer> {
    this.asked.push([query, passedOn]);
    if (this.failure !== undefined) throw this.failure;
    return ANSWER;
  }

  pause(taskIds?: readonly string[]): void {
    this.paused.push(taskIds);
    this.isPaused = true;
  }

  async allLocalStorePartitionLags(): Promise<readonly unknown[]> {
    return [];
  }
}

const KEYS = parseApiKeys('reader:read:reader-key-of-16-characters,boss:manage:manage-key-of-16-characters') ?? [];
const keyNamed = (name: string): string => KEYS.find((key) => key.name === name)?.key ?? '';
const QUERY = { query: { kind: 'key', key: 'driver-1' } };

describe('stores over HTTP', () => {
  const servers: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  const serve = async (options: { apiKeys?: typeof KEYS; host?: string } = {}) => {
    const client = new FakeClient();
    const app = fastify({ logger: false, bodyLimit: 1024 });
    await queryRoutes(app, {
      applications: new Map([['alerts', client as unknown as KafkaStreams]]),
      ...{ apiKeys: [], host: '127.0.0.1', ...options },
    });
    servers.push(app);
    const ask = (payload: object, headers: Record<string, string> = {}, url = '/streams/alerts/stores/counts/query') =>
      app.inject({ method: 'POST', url, payload, headers });
    return { client, app, ask };
  };

  it('ask for the role that a route needs, and without keys serve this machine alone [INV-QUERY-ACCESS]', async () => {
    const local = await serve();
    expect((await local.ask(QUERY)).statusCode).toBe(200);
    const remote = await serve({ host: '0.0.0.0' });
    expect((await remote.ask(QUERY)).statusCode).toBe(403);
    expect((await remote.ask(QUERY)).json()).toMatchObject({ code: 'NO_KEYS_SET' });
    const { ask, app, client } = await serve({ host: '0.0.0.0', apiKeys: KEYS });
    expect((await ask(QUERY)).statusCode).toBe(401);
    expect((await ask(QUERY, { 'x-api-key': 'a-guess-of-16-characters' })).statusCode).toBe(401);
    const reader = { authorization: `Bearer ${keyNamed('reader')}` };
    expect((await ask(QUERY, reader)).statusCode).toBe(200);
    for (const url of ['/streams', '/streams/alerts', '/streams/alerts/instances', '/streams/alerts/lags']) {
      expect((await app.inject({ url })).statusCode).toBe(401);
    }
    const pause = '/streams/alerts/pause';
    expect((await ask({ tasks: ['0_1'] }, reader, pause)).statusCode).toBe(403);
    expect(client.paused).toEqual([]);
    expect((await ask({ tasks: ['0_1'] }, { 'x-api-key': keyNamed('boss') }, pause)).statusCode).toBe(202);
    expect(client.paused).toEqual([['0_1']]);
  });

  it('take every kind of query as it is', async () => {
    const { ask, client } = await serve();
    const queries = [
      { kind: 'range', from: 'a', reverse: true },
      { kind: 'prefix', prefix: 'a' },
      { kind: 'window', key: 'a', fromMs: 1, toMs: 2 },
      { kind: 'windows', fromMs: 1, toMs: 2 },
      { kind: 'version', key: 'a', asOfMs: 3 },
      { kind: 'count', group: 'a' },
    ];
    for (const query of queries) {
      expect((await ask({ query })).statusCode).toBe(200);
      const sent = queryOfJson('counts', { query } as Parameters<typeof queryOfJson>[1]);
      expect(client.asked.at(-1)?.[0].query).toEqual(sent.query);
    }
  });

  it('refuse what is no query, and say what to do and when to ask again', async () => {
    const { ask, client } = await serve();
    for (const body of [
      {},
      { query: { kind: 'all' } },
      { query: { kind: 'window', key: 'k' } },
      { ...QUERY, limit: 1_001 },
    ]) {
      expect((await ask(body)).statusCode).toBe(400);
    }
    expect((await ask({ query: { kind: 'key', key: 'x'.repeat(40_000) } })).statusCode).toBe(413);
    expect((await ask(QUERY, {}, '/streams/others/stores/counts/query')).json()).toMatchObject({
      code: 'APPLICATION_UNKNOWN',
      message: expect.stringContaining('alerts') as string,
    });
    const owner = 'http://10.0.0.7:4001/streams/alerts';
    client.failure = new QueryError({ code: 'REBALANCING', message: 'handed over', owner, retryAfterMs: 1_500 });
    const refused = await ask(QUERY);
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '2']);
    expect(refused.json()).toMatchObject({ code: 'REBALANCING', owner });
    client.failure = new QueryError({ code: 'STORE_UNKNOWN', message: 'there are: counts' });
    expect((await ask(QUERY)).statusCode).toBe(404);
  });

  it('give another instance the very answer, bytes and big numbers as JSON has them', async () => {
    const { client, app } = await serve({ apiKeys: KEYS, host: '127.0.0.1' });
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const options = { apiKey: keyNamed('reader'), timeoutMs: 5_000 };
    const query: ClientQuery = {
      ...{ store: 'counts', limit: 5, partition: 1, after: Uint8Array.of(0, 1) },
      query: { kind: 'range', from: Uint8Array.of(0, 200), to: Uint8Array.of(255) },
      partitionKey: Uint8Array.of(9),
      bounds: { stale: true, maxLagRecords: 3 },
    };
    const { entries, ...rest } = await remoteQuery(options)(`${address}/streams/alerts`, query);
    expect(rest).toEqual({ ...ANSWER, entries: undefined, next: Buffer.from([0, 255]) });
    expect(entries).toEqual([{ key: { base64: '/w==' }, value: { count: '7', raw: { base64: 'AQ==' } } }]);
    const [asked, passedOn] = client.asked[0] ?? [];
    expect(queryToJson(asked as ClientQuery)).toEqual(queryToJson(query));
    expect(passedOn).toBe(true);
    await queryThrough(`${address}/streams/alerts`, options)(query);
    expect(client.asked[1]?.[1]).toBe(false);
  });

  it('are unreachable for whoever has no key, and where nobody listens', async () => {
    const { app } = await serve({ apiKeys: KEYS });
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const query: ClientQuery = { store: 'counts', query: { kind: 'key', key: Uint8Array.of(1) } };
    const ask = (server: string) => remoteQuery({ apiKey: undefined, timeoutMs: 2_000 })(server, query);
    await expect(ask(`${address}/streams/alerts`)).rejects.toMatchObject({ code: 'OWNER_UNREACHABLE' });
    await expect(ask('http://127.0.0.1:9/streams/alerts')).rejects.toMatchObject({ code: 'OWNER_UNREACHABLE' });
  });
});

describe('queries as JSON', () => {
  it('take keys as text or as bytes', () => {
    const [text, bytes] = ['ä', { base64: Buffer.from('ä').toString('base64') }].map((key) =>
      queryOfJson('counts', { query: { kind: 'key', key } }),
    );
    expect(text).toEqual(bytes);
  });

  it('read an answer without an end as one that has none', () => {
    const { next, stalenessMs } = answerOfJson({ ...ANSWER, next: null, stalenessMs: null });
    expect([next, stalenessMs]).toEqual([undefined, undefined]);
  });
});
