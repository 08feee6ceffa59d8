/** Who may call what and how often: over HTTP, with routes of every class and routes that declare none. */
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { readGatewayConfig } from '../../../gateway/config.ts';
import { type AccessOptions, controlAccess, openRoutes, type RouteAccess } from '../../../gateway/http/access.ts';
import { parseApiKeys } from '../../../connectors/http/api-keys.ts';
import { allowOrigins } from '../../../gateway/http/cors.ts';
import { createHttpServer } from '../../../gateway/http/http-server.ts';
import { recordingLogger } from './support.ts';

const keyOf = (name: string): string => `${name}-key-of-16-or-more`;
const KEYS = ['read', 'ingest', 'manage', 'admin'].map((role) => `${role}er:${role}:${keyOf(role)}`).join(',');

const METHODS = ['GET', 'POST'] as const;
const CLASSES: readonly (RouteAccess | 'undeclared')[] = ['open', 'read', 'ingest', 'manage', 'admin', 'undeclared'];

let app: FastifyInstance | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

interface Given extends Partial<Omit<AccessOptions, 'apiKeys'>> {
  readonly keys?: string;
  readonly origins?: readonly string[];
  readonly trustedProxies?: readonly string[];
}

const serve = async ({ keys = KEYS, origins = [], trustedProxies = [], ...options }: Given = {}) => {
  const logger = recordingLogger();
  const server = createHttpServer({
    ...{ logger, metrics: new PrometheusMetrics(), bodyLimitBytes: 1024, requestTimeoutMs: 1_000, trustedProxies },
    ...{ tlsCertificate: undefined, tlsKey: undefined, newRequestId: () => 'made' },
  });
  app = server;
  await allowOrigins(server, origins);
  await controlAccess(server, {
    ...{ logger, trustsAnybody: true, readLimitPerMinute: 0, ingestLimitPerMinute: 0, manageLimitPerMinute: 0 },
    ...options,
    apiKeys: parseApiKeys(keys) ?? [],
  });
  const declare = (scope: FastifyInstance, prefix: string): void => {
    for (const access of CLASSES) {
      const config = access === 'undeclared' ? {} : { access };
      scope.route({ method: [...METHODS], url: `${prefix}/${access}`, config, handler: async () => ({ ok: true }) });
    }
  };
  declare(server, '');
  // What another owner adds in a plugin of its own is behind the same door.
  await server.register(async (scope) => declare(scope, '/plugin'));
  await server.register(openRoutes(async (scope) => void scope.get('/page', async () => 'page')));
  const ask = async (method: 'GET' | 'POST' | 'OPTIONS', url: string, headers: Record<string, string> = {}) =>
    server.inject({ method, url, headers, ...(method === 'POST' && { payload: {} }) });
  return { ask, logger };
};

const withKey = (role: string) => ({ authorization: `Bearer ${keyOf(role)}` });

describe('access to routes', () => {
  it('[INV-GATEWAY-ACCESS] goes by the class that the route declares; what declares none is never open', async () => {
    const { ask } = await serve();
    const may: Record<string, Record<(typeof METHODS)[number], readonly string[]>> = {
      read: { GET: ['read', 'manage', 'admin'], POST: ['read', 'manage', 'admin'] },
      ingest: { GET: ['ingest', 'admin'], POST: ['ingest', 'admin'] },
      manage: { GET: ['manage', 'admin'], POST: ['manage', 'admin'] },
      admin: { GET: ['admin'], POST: ['admin'] },
      undeclared: { GET: ['read', 'manage', 'admin'], POST: ['manage', 'admin'] },
    };
    for (const prefix of ['', '/plugin']) {
      for (const method of METHODS) {
        expect((await ask(method, `${prefix}/open`)).statusCode).toBe(200);
        for (const [access, by] of Object.entries(may)) {
          const url = `${prefix}/${access}`;
          expect((await ask(method, url)).statusCode).toBe(401);
          for (const role of ['read', 'ingest', 'manage', 'admin']) {
            const answer = await ask(method, url, withKey(role));
            expect([url, role, answer.statusCode]).toEqual([url, role, by[method].includes(role) ? 200 : 403]);
            if (answer.statusCode === 403) expect(answer.json()).toMatchObject({ code: 'ROLE_REQUIRED' });
          }
        }
      }
    }
    expect((await ask('GET', '/page')).statusCode).toBe(200);
    expect((await ask('GET', '/nowhere')).statusCode).toBe(404);
  });

  it('without keys is everybody’s on this machine alone; beyond it nobody manages anything', async () => {
    const local = await serve({ keys: '' });
    expect((await local.ask('POST', '/admin')).statusCode).toBe(200);
    await app?.close();
    const { ask } = await serve({ keys: '', trustsAnybody: false });
    for (const url of ['/read', '/ingest', '/undeclared']) expect((await ask('GET', url)).statusCode).toBe(200);
    for (const url of ['/manage', '/admin', '/undeclared']) expect((await ask('POST', url)).statusCode).toBe(403);
    expect((await ask('POST', '/manage')).json<{ message: string }>().message).toContain('GATEWAY_API_KEYS');
  });

  it('is taken from the environment, refused where it is not clear', () => {
    const config = readGatewayConfig({ GATEWAY_API_KEYS: `plain-key-0123456,ops:manage+ingest:${keyOf('ops')}` });
    expect(config.apiKeys.map(({ name, roles }) => [name, roles])).toEqual([
      [undefined, ['read', 'ingest']],
      ['ops', ['manage', 'ingest']],
    ]);
    for (const keys of ['short', 'ops:root:0123456789abcdef', 'a:read:short', `${keyOf('a')},${keyOf('a')}`, ',,'])
      expect(() => readGatewayConfig({ GATEWAY_API_KEYS: keys })).toThrow(/GATEWAY_API_KEYS has a value/);
  });
});

describe('limits', () => {
  it('[INV-GATEWAY-LIMITS] answer 429 with Retry-After per client, for changes, reads and alerts apart', async () => {
    const { ask } = await serve({ manageLimitPerMinute: 3, readLimitPerMinute: 2, ingestLimitPerMinute: 5 });
    const statuses = async (method: 'GET' | 'POST', url: string, times: number, role: string) => {
      const answers: number[] = [];
      for (let sent = 0; sent < times; sent++) answers.push((await ask(method, url, withKey(role))).statusCode);
      return answers;
    };
    // Changes count together, whatever route they go to.
    expect(await statuses('POST', '/manage', 2, 'admin')).toEqual([200, 200]);
    expect(await statuses('POST', '/plugin/undeclared', 2, 'admin')).toEqual([200, 429]);
    expect(await statuses('GET', '/read', 3, 'admin')).toEqual([200, 200, 429]);
    expect(await statuses('POST', '/ingest', 6, 'admin')).toEqual([200, 200, 200, 200, 200, 429]);
    expect(await statuses('GET', '/open', 20, 'admin')).toEqual(Array.from({ length: 20 }, () => 200));
    // Another client has a count of its own.
    expect(await statuses('POST', '/manage', 1, 'manage')).toEqual([200]);
    const refused = await ask('POST', '/manage', { ...withKey('admin'), 'x-request-id': 'mine' });
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(refused.json()).toMatchObject({
      code: 'RATE_LIMIT_EXCEEDED',
      request_id: 'mine',
      details: { limit: 'manage', perMinute: 3 },
    });
  });

  it('are 100 changes a minute unless configured, and far more alerts', () => {
    const { manageLimitPerMinute, ingestLimitPerMinute } = readGatewayConfig({});
    expect(manageLimitPerMinute).toBe(100);
    expect(ingestLimitPerMinute).toBeGreaterThan(100 * manageLimitPerMinute);
    expect(readGatewayConfig({ GATEWAY_MANAGE_LIMIT_PER_MINUTE: '7' }).manageLimitPerMinute).toBe(7);
  });

  it('without keys go by address, which only a trusted proxy may name', async () => {
    const forwarded = (address: string) => ({ 'x-forwarded-for': address });
    const direct = await serve({ keys: '', manageLimitPerMinute: 1 });
    expect((await direct.ask('POST', '/manage', forwarded('10.0.0.1'))).statusCode).toBe(200);
    expect((await direct.ask('POST', '/manage', forwarded('10.0.0.2'))).statusCode).toBe(429);
    await app?.close();
    const behind = await serve({ keys: '', manageLimitPerMinute: 1, trustedProxies: ['127.0.0.0/8'] });
    expect((await behind.ask('POST', '/manage', forwarded('10.0.0.1'))).statusCode).toBe(200);
    expect((await behind.ask('POST', '/manage', forwarded('10.0.0.2'))).statusCode).toBe(200);
    expect((await behind.ask('POST', '/manage', forwarded('10.0.0.2'))).statusCode).toBe(429);
    // The subscriber's whole network is one client, or a limit would be worth nothing.
    expect((await behind.ask('POST', '/manage', forwarded('2001:db8::1'))).statusCode).toBe(200);
    expect((await behind.ask('POST', '/manage', forwarded('2001:db8::2'))).statusCode).toBe(429);
  });
});

describe('the audit log', () => {
  it('has one line for every attempt to change something, with who and what came of it', async () => {
    const { ask, logger } = await serve();
    await ask('POST', '/manage?key=secret', withKey('manage'));
    await ask('POST', '/admin', withKey('manage'));
    await ask('POST', '/undeclared');
    await ask('POST', '/ingest', withKey('ingest'));
    await ask('GET', '/manage', withKey('manage'));
    await ask('POST', '/nowhere');
    const lines = logger.lines.filter(({ message }) => message === 'write').map(({ fields }) => fields);
    expect(lines).toEqual([
      expect.objectContaining({ client: 'manageer', path: '/manage', access: 'manage', status: 200, method: 'POST' }),
      expect.objectContaining({ client: 'manageer', path: '/admin', access: 'admin', status: 403 }),
      expect.objectContaining({ client: 'anybody', path: '/undeclared', access: 'manage', status: 401 }),
    ]);
  });
});

describe('other origins', () => {
  const preflight = { origin: 'https://ui.example.org', 'access-control-request-method': 'PUT' };

  it('are not told anything unless they are configured', async () => {
    const { ask } = await serve();
    const answer = await ask('OPTIONS', '/manage', preflight);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('are answered where they are configured, before any key is asked for', async () => {
    const { ask } = await serve({ origins: ['https://ui.example.org', 'https://two.example.org'] });
    const answer = await ask('OPTIONS', '/manage', preflight);
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe('https://ui.example.org');
    expect(answer.headers['access-control-allow-methods']).toContain('PUT');
    const refused = await ask('OPTIONS', '/manage', { ...preflight, origin: 'https://evil.example.org' });
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    // The page may read why it was refused.
    const unauthorized = await ask('GET', '/read', { origin: 'https://ui.example.org' });
    expect(unauthorized.statusCode).toBe(401);
    expect(unauthorized.headers['access-control-allow-origin']).toBe('https://ui.example.org');
  });

  it('are refused at the start when they are none', () => {
    expect(() => readGatewayConfig({ GATEWAY_CORS_ORIGINS: '*' })).toThrow('GATEWAY_CORS_ORIGINS');
    expect(() => readGatewayConfig({ GATEWAY_TRUSTED_PROXIES: '10.0.0.0/99' })).toThrow('GATEWAY_TRUSTED_PROXIES');
    expect(() => readGatewayConfig({ GATEWAY_TLS_CERT_FILE: 'package.json' })).toThrow('belong together');
  });
});
