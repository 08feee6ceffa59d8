/**
 * What orchestrators and dashboards ask: is it alive, is it ready, what did it count.
 *
 * Invariant: `/live` and `/health` answer 200 as long as the process serves requests, so that a fault elsewhere never gets this process
 * restarted; `/ready` answers 200 only when the whole path works.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../connectors/log.ts';
import { METRICS_CONTENT_TYPE } from '../../connectors/observability/prometheus-metrics.ts';
import type { Readiness } from '../health/readiness.ts';

export interface ProbeOptions {
  readonly readiness: Readiness;
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

const tags = ['operation'];

export const probeRoutes = (app: FastifyInstance, { readiness, clock, metricsText }: ProbeOptions): void => {
  const startedMs = clock.now();
  app.get('/live', {
    config: { access: 'open' },
    schema: { summary: 'Is this process alive', tags, response: { 200: reportSchema('Alive.') } },
    handler: async () => ({ status: 'UP', checks: {}, timestamp: new Date(clock.now()).toISOString() }),
  });
  app.get('/health', {
    config: { access: 'open' },
    schema: {
      summary: 'Alive, with a summary of what it depends on',
      tags,
      response: {
        200: {
          type: 'object',
          description: 'Alive; `ready` says whether the whole path works.',
          properties: { ...reportProperties, ready: { type: 'boolean' }, uptimeSeconds: { type: 'integer' } },
        },
      },
    },
    handler: async () => {
      const report = await readiness();
      const uptimeSeconds = Math.floor((clock.now() - startedMs) / 1000);
      return { ...report, status: 'UP', ready: report.status === 'UP', uptimeSeconds };
    },
  });
  app.get('/ready', {
    config: { access: 'open' },
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
