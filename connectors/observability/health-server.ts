/**
 * The small HTTP server of a process without an API of its own: its health and its metrics.
 *
 * Invariant: `/live` fails only when a restart would help, `/ready` while there is work it cannot do; a dependency that is
 * away makes a process unready, not dead. Bound to this machine unless the host is given.
 */
import { fastify, type FastifyReply } from 'fastify';
import { healthReporter, type HealthChecks, type HealthReport } from './health-checks.ts';
import { METRICS_CONTENT_TYPE } from './prometheus-metrics.ts';

export interface HealthServerOptions {
  readonly service: string;
  readonly port: number;
  readonly host?: string;
  /** Fail when only a restart helps, such as a stream thread that died. */
  readonly live?: HealthChecks;
  /** Fail while the process cannot do its work, such as during an outage or a restore. */
  readonly ready?: HealthChecks;
  /** Bounds each check. Default 2 s. */
  readonly checkTimeoutMs?: number;
  /** The metrics in the Prometheus text format. */
  metrics(): Promise<string>;
}

export interface HealthServer {
  /** The address it listens on, such as `http://127.0.0.1:4001`. */
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 10_000;

/** Rejects when the port is taken. `/health` shows both kinds of checks at once. */
export const startHealthServer = async (options: HealthServerOptions): Promise<HealthServer> => {
  const { service, live = {}, ready = {}, checkTimeoutMs, host = '127.0.0.1', port } = options;
  const server = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  const answer = async (reply: FastifyReply, report: () => Promise<HealthReport>): Promise<FastifyReply> => {
    const { status, checks } = await report();
    return reply.code(status === 'ok' ? 200 : 503).send({ status, service, checks });
  };
  const isLive = healthReporter(live, checkTimeoutMs);
  const isReady = healthReporter(ready, checkTimeoutMs);
  const isHealthy = async (): Promise<HealthReport> => {
    const reports = await Promise.all([isLive(), isReady()]);
    return {
      status: reports.every(({ status }) => status === 'ok') ? 'ok' : 'unavailable',
      checks: { ...reports[0].checks, ...reports[1].checks },
    };
  };
  server.get('/live', (_request, reply) => answer(reply, isLive));
  server.get('/ready', (_request, reply) => answer(reply, isReady));
  server.get('/health', (_request, reply) => answer(reply, isHealthy));
  server.get('/metrics', async (_request, reply) => reply.type(METRICS_CONTENT_TYPE).send(await options.metrics()));
  const url = await server.listen({ host, port });
  return { url, close: () => server.close() };
};
