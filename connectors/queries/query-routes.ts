/**
 * The stream applications of a process over HTTP: queries of their stores, what runs where, how far it is, pausing.
 *
 * Invariant [INV-QUERY-ACCESS]: nobody gets anything from here without the role for it, and without keys nobody from outside of this
 * machine does. Requests and answers are bounded in size; every error says what to do, and when it passes, after how long to ask
 * again and whom.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { KafkaStreams } from '../../streams/client/kafka-streams.ts';
import { QueryError, type QueryErrorCode } from '../../streams/queries/query-error.ts';
import { type ApiKey, apiKeyCheck, mayDo, presentedKey, type Role } from '../http/api-keys.ts';
import { isLoopback } from '../http/loopback.ts';
import { STREAMS_PATH } from './addresses.ts';
import { answerToJson, jsonQuerySchema, queryOfJson, type JsonQuery } from './query-json.ts';
import { PASSED_ON_HEADER } from './remote-query.ts';

export interface QueryRoutesOptions {
  /** By the names that addresses use. */
  readonly applications: ReadonlyMap<string, KafkaStreams>;
  readonly apiKeys: readonly ApiKey[];
  /** The address that is listened on. */
  readonly host: string;
}

interface OfApplication {
  Params: { application: string };
}
interface QueryRequest {
  Params: { application: string; store: string };
  Body: JsonQuery;
}
interface TaskChoice {
  Params: { application: string };
  Body: { tasks?: string[] } | null;
}

const BODY_LIMIT_BYTES = 32 * 1024;

const STATUS: Partial<Record<QueryErrorCode, number>> = {
  QUERY_INVALID: 400,
  PARTITION_UNKNOWN: 400,
  STORE_UNKNOWN: 404,
  BUSY: 429,
};

class Refusal extends Error {
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

export const queryRoutes = async (server: FastifyInstance, options: QueryRoutesOptions): Promise<void> => {
  await server.register(async (app) => {
    app.setErrorHandler((error, _request, reply) => sendError(error, reply));
    const requires = requireRole(options);
    statusRoutes(app, options, requires('read'));
    queryRoute(app, options, requires('read'));
    controlRoutes(app, options, requires('manage'));
  });
};

type Check = (request: FastifyRequest) => Promise<void>;

const requireRole = ({ apiKeys, host }: QueryRoutesOptions): ((role: Role) => Check) => {
  const clientOf = apiKeyCheck(apiKeys);
  const open = apiKeys.length === 0 && isLoopback(host);
  return (role) => async (request) => {
    if (open) return;
    if (apiKeys.length === 0) {
      throw new Refusal(
        403,
        'NO_KEYS_SET',
        `Set PROCESSOR_API_KEYS: without keys only a process on this machine may ask.`,
      );
    }
    const client = clientOf(presentedKey(request.headers));
    if (client === undefined) {
      throw new Refusal(401, 'API_KEY_REQUIRED', 'Send a valid key as Authorization: Bearer, or as X-API-Key.');
    }
    if (!mayDo(client, role)) throw new Refusal(403, 'ROLE_REQUIRED', `This needs a key with the role "${role}".`);
  };
};

const applicationOf = ({ applications }: QueryRoutesOptions, name: string): KafkaStreams => {
  const client = applications.get(name);
  if (client !== undefined) return client;
  const known = [...applications.keys()].join(', ');
  throw new Refusal(404, 'APPLICATION_UNKNOWN', `No application "${name}" runs here; there are: ${known}.`);
};

const statusRoutes = (app: FastifyInstance, options: QueryRoutesOptions, onRequest: Check): void => {
  const at = `${STREAMS_PATH}/:application`;
  app.get(STREAMS_PATH, { onRequest }, async () => ({
    applications: [...options.applications].map(([name, { state, isPaused }]) => ({ name, state, paused: isPaused })),
  }));
  app.get<OfApplication>(at, { onRequest }, async ({ params }) => {
    const client = applicationOf(options, params.application);
    const { state, isPaused: paused } = client;
    return { name: params.application, state, paused, threads: await client.metadataForLocalThreads() };
  });
  app.get<OfApplication>(`${at}/instances`, { onRequest }, async ({ params }) => {
    const { metadata } = applicationOf(options, params.application);
    return { instances: metadata?.instances ?? [] };
  });
  app.get<OfApplication>(`${at}/stores`, { onRequest }, async ({ params }) => {
    const { metadata } = applicationOf(options, params.application);
    const stores = Object.entries(metadata?.stores ?? {});
    return {
      stores: stores.map(([name, subTopology]) => ({ name, partitions: metadata?.tasks[subTopology] ?? 0 })),
      globalStores: metadata?.globalStores ?? [],
    };
  });
  app.get<OfApplication>(`${at}/lags`, { onRequest }, async ({ params }) => ({
    lags: await applicationOf(options, params.application).allLocalStorePartitionLags(),
  }));
};

const queryRoute = (app: FastifyInstance, options: QueryRoutesOptions, onRequest: Check): void => {
  app.post<QueryRequest>(
    `${STREAMS_PATH}/:application/stores/:store/query`,
    { onRequest, bodyLimit: BODY_LIMIT_BYTES, schema: { body: jsonQuerySchema } },
    async ({ params: { application, store }, body, headers }, reply) => {
      const client = applicationOf(options, application);
      const answer = await client.query(queryOfJson(store, body), headers[PASSED_ON_HEADER] !== undefined);
      return reply.type('application/json; charset=utf-8').send(answerToJson(answer));
    },
  );
};

const controlRoutes = (app: FastifyInstance, options: QueryRoutesOptions, onRequest: Check): void => {
  const tasks = { type: 'array', minItems: 1, maxItems: 1000, items: { type: 'string', pattern: '^\\d+_\\d+$' } };
  const body = { type: ['object', 'null'], additionalProperties: false, properties: { tasks } };
  for (const action of ['pause', 'resume'] as const) {
    app.post<TaskChoice>(
      `${STREAMS_PATH}/:application/${action}`,
      { onRequest, schema: { body } },
      async ({ params, body: given }, reply) => {
        const client = applicationOf(options, params.application);
        client[action](given?.tasks);
        return reply.code(202).send({ state: client.state, paused: client.isPaused });
      },
    );
  }
};

const sendError = (error: unknown, reply: FastifyReply): FastifyReply => {
  if (error instanceof QueryError) {
    const failure = error.toFailure();
    if (failure.retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(failure.retryAfterMs / 1000)));
    return reply.code(STATUS[failure.code] ?? 503).send(failure);
  }
  if (error instanceof Refusal) {
    return reply.code(error.statusCode).send({ code: error.code, message: error.message });
  }
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (statusCode < 500) return reply.code(statusCode).send({ code: 'QUERY_INVALID', message });
  return reply
    .code(500)
    .send({ code: 'INTERNAL_ERROR', message: 'The query failed; the log of the process says why.' });
};
