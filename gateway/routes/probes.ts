/**
 * What orchestrators and dashboards ask: is it alive, is it ready, what did it count.
 *
 * Invariant: `/live` and `/health` answer 200 as long as the process serves requests, so that a fault elsewhere never gets this process
 * restarted; `/ready` answers 200 only when the whole path works. What `/health` says is the state of everything, in its body.
 */
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Clock } from '../../connectors/log.ts';
import { METRICS_CONTENT_TYPE } from '../../connectors/observability/prometheus-metrics.ts';
import type { Readiness } from '../health/readiness.ts';

export interface ProbeOptions {
  /** Everything on the path of an alert. */
  readonly readiness: Readiness;
  /** What this process can do without for a while, such as free disk space. */
  readonly watched: Readiness;
  readonly clock: Clock;
  /** The metrics in the Prometheus text format. */
  readonly metricsText: () => Promise<string>;
}

const checkSchema = {
  type: 'object',
  properties: { status: { type: 'string', enum: ['UP', 'DOWN'] }, durationMs: { type: 'integer' } },
};

const reportProperties = {
  status: { type: 'string', enum: ['UP', 'DOWN'] },
  checks: { type: 'object', additionalProperties: checkSchema },
  timestamp: { type: 'string', format: 'date-time' },
};

const reportSchema = (description: string) => ({ type: 'object', description, properties: reportProperties });

const healthSchema = {
  type: 'object',
  description: 'Alive; `status` is that of all checks, `ready` says whether the whole path works.',
  properties: { ...reportProperties, ready: { type: 'boolean' }, uptimeSeconds: { type: 'integer' } },
};

const tags = ['operation'];

/** The short address and that of the API. */
const both = (app: FastifyInstance, short: string, long: string, route: Omit<RouteOptions, 'method' | 'url'>): void => {
  const config = { access: 'open' } as const;
  app.route({ ...route, method: 'GET', url: short, config });
  app.route({ ...route, method: 'GET', url: `/api/v1/health${long}`, config });
};

export const probeRoutes = (app: FastifyInstance, options: ProbeOptions): void => {
  const { readiness, watched, clock, metricsText } = options;
  const startedMs = clock.now();
  both(app, '/live', '/live', {
    schema: { summary: 'Is this process alive', tags, response: { 200: reportSchema('Alive.') } },
    handler: async () => ({ status: 'UP', checks: {}, timestamp: new Date(clock.now()).toISOString() }),
  });
  both(app, '/health', '', {
    schema: { summary: 'The state of all that it depends on', tags, response: { 200: healthSchema } },
    handler: async () => {
      const [path, resources] = await Promise.all([readiness(), watched()]);
      const ready = path.status === 'UP';
      return {
        status: ready && resources.status === 'UP' ? 'UP' : 'DOWN',
        ready,
        checks: { ...path.checks, ...resources.checks },
        uptimeSeconds: Math.floor((clock.now() - startedMs) / 1000),
        timestamp: path.timestamp,
      };
    },
  });
  both(app, '/ready', '/ready', {
    schema: {
      summary: 'Does the whole path work, from here to the database',
      tags,
      response: { 200: reportSchema('All checks pass.'), 503: reportSchema('A check fails.') },
    },
    handler: async (_request, reply) => {
      const report = await readiness();
      return reply.code(report.status === 'UP' ? 200 : 503).send(report);
    },
  });
  app.get('/metrics', {
    config: { access: 'open' },
    schema: { summary: 'Metrics for Prometheus', description: 'In the Prometheus text format.', tags },
    handler: async (_request, reply) => reply.type(METRICS_CONTENT_TYPE).send(await metricsText()),
  });
};
