/**
 * Who may call which route, how often, and what is written down about it.
 *
 * A route declares its class of access in its Fastify configuration:
 *
 *     app.put('/v1/things/:id', { config: { access: 'manage' }, schema, handler });
 *
 * - `open`: no key, no limit (probes, metrics, documentation);
 * - `read`: looks at what is there;
 * - `ingest`: takes alerts or logs in, with a limit of its own that is far above the others;
 * - `manage`: changes what people look after: rules, incidents, comments;
 * - `admin`: changes the system itself: keys, channels, replays, deletions.
 *
 * A route that declares nothing is `read` for GET and HEAD and `manage` for every other method, so forgetting it never opens
 * anything. Writes of the classes `manage` and `admin` share one limit and go to the audit log. Errors need no code in the route:
 * 401 without a valid key, 403 without the role, 429 with `Retry-After` beyond the limit.
 *
 * Invariant [INV-GATEWAY-ACCESS]: every route of the server is behind this, in whatever plugin it is declared, and nothing of a request
 * beyond its headers is read before it passed.
 */
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../../connectors/log.ts';
import { ApiError } from './api-error.ts';
import {
  type ApiKey,
  apiKeyCheck,
  type Client,
  mayDo,
  presentedKey,
  type Role,
  ROLES,
} from '../../connectors/http/api-keys.ts';

export type RouteAccess = 'open' | Role;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See gateway/http/access.ts. */
    access?: RouteAccess;
  }
  interface FastifyRequest {
    /** The client by its API key; undefined where none is asked for. */
    client: Client | undefined;
  }
}

export interface AccessOptions {
  readonly apiKeys: readonly ApiKey[];
  /** Without keys: whether anybody may do everything, or only read and ingest. */
  readonly trustsAnybody: boolean;
  /** Requests per client and minute; 0: no limit. */
  readonly readLimitPerMinute: number;
  readonly ingestLimitPerMinute: number;
  readonly manageLimitPerMinute: number;
  readonly logger: Logger;
}

const MINUTE_MS = 60_000;
/** Clients whose requests are counted at once; beyond it those seen longest ago are forgotten. */
const COUNTED_CLIENTS = 10_000;

/** What one subscriber of IPv6 has at least. */
const SUBSCRIBER_BITS = 64;

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** What a request needs. */
export const accessOf = ({ method, routeOptions }: Pick<FastifyRequest, 'method' | 'routeOptions'>): RouteAccess =>
  routeOptions.config.access ?? (isRead(method) ? 'read' : 'manage');

/** Makes every route that `plugin` declares open: for routes of other packages, which cannot say so themselves. */
export const openRoutes =
  (plugin: (app: FastifyInstance) => Promise<void>) =>
  async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'open' };
    });
    await plugin(app);
  };

const keyRequired = (): ApiError =>
  new ApiError(401, 'API_KEY_REQUIRED', 'Send a valid key as Authorization: Bearer, or as X-API-Key.');

const roleRequired = (role: Role, hasKeys: boolean): ApiError => {
  const wayOut = hasKeys ? '' : ' No keys are set here: whoever runs this gateway gives it some (GATEWAY_API_KEYS).';
  return new ApiError(403, 'ROLE_REQUIRED', `This needs a key with the role "${role}".${wayOut}`, {
    details: { role },
  });
};

/** Who may do what where there are no keys. */
const anybody = (trusted: boolean): Client => ({ id: 'anybody', roles: trusted ? ROLES : ['read', 'ingest'] });

const checkRoles = (app: FastifyInstance, { apiKeys, trustsAnybody }: AccessOptions): void => {
  const clientOf = apiKeyCheck(apiKeys);
  const unknown = apiKeys.length === 0 ? anybody(trustsAnybody) : undefined;
  app.addHook('onRequest', async (request) => {
    const access = accessOf(request);
    if (access === 'open' || request.is404) return;
    request.client = apiKeys.length === 0 ? undefined : clientOf(presentedKey(request.headers));
    const client = request.client ?? unknown;
    if (client === undefined) throw keyRequired();
    if (!mayDo(client, access)) throw roleRequired(access, apiKeys.length > 0);
  });
};

type Limit = 'ingest' | 'read' | 'manage';

const limitOf = (request: FastifyRequest): Limit =>
  accessOf(request) === 'ingest' ? 'ingest' : isRead(request.method) ? 'read' : 'manage';

const tooMany = (limit: Limit, max: number, retryAfterSeconds: number): ApiError =>
  new ApiError(429, 'RATE_LIMIT_EXCEEDED', `Too many requests; ${max} of this kind are taken in a minute.`, {
    retryAfterSeconds,
    details: { limit, perMinute: max },
  });

/** Counted in this process: several gateways each take as many. */
const limitRates = async (app: FastifyInstance, options: AccessOptions): Promise<void> => {
  const perMinute: Readonly<Record<Limit, number>> = {
    ingest: options.ingestLimitPerMinute,
    read: options.readLimitPerMinute,
    manage: options.manageLimitPerMinute,
  };
  await app.register(rateLimit, {
    global: true,
    cache: COUNTED_CLIENTS,
    timeWindow: MINUTE_MS,
    max: (request) => perMinute[limitOf(request)],
    keyGenerator: (request) => `${limitOf(request)} ${request.client?.id ?? normalizeIP(request.ip, SUBSCRIBER_BITS)}`,
    allowList: (request) => accessOf(request) === 'open' || perMinute[limitOf(request)] === 0,
    errorResponseBuilder: (request, { max, ttl }) => tooMany(limitOf(request), max, Math.ceil(ttl / 1000)),
  });
};

/** One line for every attempt to change something that people look after, whatever came of it. */
const auditWrites = (app: FastifyInstance, logger: Logger): void => {
  const audit = logger.child({ module: 'audit' });
  app.addHook('onResponse', (request, reply, done) => {
    const access = accessOf(request);
    if (!request.is404 && limitOf(request) === 'manage' && access !== 'open') {
      audit.info('write', {
        request_id: request.id,
        client: request.client?.id ?? 'anybody',
        address: request.ip,
        method: request.method,
        path: request.url.split('?', 1)[0],
        access,
        status: reply.statusCode,
      });
    }
    done();
  });
};

/** Before any route is declared. */
export const controlAccess = async (app: FastifyInstance, options: AccessOptions): Promise<void> => {
  checkRoles(app, options);
  await limitRates(app, options);
  auditWrites(app, options.logger);
};
