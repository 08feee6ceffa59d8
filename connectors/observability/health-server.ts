/**
 * The small HTTP server of a process without an API of its own: its health and its metrics.
 *
 * Invariant: `/live` fails only when a restart would help, `/ready` while there is work it cannot do; a dependency that is
 * away makes a process unready, not dead. `/health` shows every check and answers 200 as long as the process is live. Bound to this
 * machine unless the host is given.
 */
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { healthReporter, type HealthChecks, type HealthReport, mergedReport } from './health-checks.ts';
import { METRICS_CONTENT_TYPE } from './prometheus-metrics.ts';

export interface HealthServerOptions {
  readonly service: string;
  readonly port: number;
  readonly host?: string;
  /** Fail when only a restart helps, such as a stream thread that died. */
  readonly live?: HealthChecks;
  /** Fail while the process cannot do its work, such as during an outage or a restore. */
  readonly ready?: HealthChecks;
  /** Shown in `/health` and nowhere else: what the process can do without for a while, such as free disk space. */
  readonly watched?: HealthChecks;
  /** Bounds each check. Default 2 s. */
  readonly checkTimeoutMs?: number;
  /** The metrics in the Prometheus text format. */
  metrics(): Promise<string>;
  /** Adds routes of the process' own, before it listens. */
  readonly extend?: (server: FastifyInstance) => Promise<void>;
}

export interface HealthServer {
  /** The address it listens on, such as `http://127.0.0.1:4001`. */
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 10_000;

/** The short addresses and those of the API. */
const paths = (short: string, long: string): readonly string[] => [short, `/api/v1/health${long}`];

/** Rejects when the port is taken. */
export const startHealthServer = async (options: HealthServerOptions): Promise<HealthServer> => {
  const { service, live = {}, ready = {}, watched = {}, checkTimeoutMs, host = '127.0.0.1', port } = options;
  const server = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    // Of several forms that a body may have, those that it does not have would remove its fields.
    ajv: { customOptions: { removeAdditional: false } },
  });
  const isLive = healthReporter(live, checkTimeoutMs);
  const isReady = healthReporter(ready, checkTimeoutMs);
  const isWatched = healthReporter(watched, checkTimeoutMs);
  const send = (reply: FastifyReply, well: boolean, report: HealthReport, more: object = {}): FastifyReply =>
    reply.code(well ? 200 : 503).send({ ...report, service, ...more });
  const sendReport = async (reply: FastifyReply, report: HealthReport): Promise<FastifyReply> =>
    send(reply, report.status === 'UP', report);
  for (const path of paths('/live', '/live')) server.get(path, async (_, reply) => sendReport(reply, await isLive()));
  for (const path of paths('/ready', '/ready'))
    server.get(path, async (_, reply) => sendReport(reply, await isReady()));
  for (const path of paths('/health', '')) {
    server.get(path, async (_, reply) => {
      const reports = await Promise.all([isLive(), isReady(), isWatched()]);
      const [{ status: liveStatus }, { status: readyStatus }] = reports;
      const isUp = liveStatus === 'UP';
      return send(reply, isUp, mergedReport(reports), { ready: isUp && readyStatus === 'UP' });
    });
  }
  server.get('/metrics', async (_, reply) => reply.type(METRICS_CONTENT_TYPE).send(await options.metrics()));
  await options.extend?.(server);
  const url = await server.listen({ host, port });
  return { url, close: () => server.close() };
};
