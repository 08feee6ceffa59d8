/**
 * `/api/logs` and `/api/metrics/errors`: logs in, and what became of them.
 *
 * Invariant: reads never touch the log or the processor, so they cannot slow the way in down.
 */
import type { FastifyInstance } from 'fastify';
import { type Clock, recoveryOf } from '../../connectors/log.ts';
import type { LogReadModel, StoredLog } from '../../sink/read-model-logs.ts';
import type { TimestampParser } from '../alerts/timestamp.ts';
import { type ApiError, type FieldProblem, invalidRequest, unavailable } from '../http/api-error.ts';
import { timeOf } from '../http/query-fields.ts';
import { errorSchema } from '../http/schemas.ts';
import { type TrendRange, trendOf, trendPoints } from './error-trend.ts';
import type { LogIntake } from './log-intake.ts';
import { type LogRequestContext, toLogEvent } from './log-request.ts';
import {
  batchBodySchema,
  batchQueuedSchema,
  DEFAULT_LOG_PAGE,
  logBodySchema,
  logPageSchema,
  logQuerySchema,
  MAX_BATCH,
  queuedSchema,
  trendQuerySchema,
  trendSchema,
} from './log-schemas.ts';

export interface LogRouteOptions {
  readonly intake: LogIntake;
  readonly readModel: LogReadModel;
  readonly parseTimestamp: TimestampParser;
  readonly clock: Clock;
  readonly bodyLimitBytes: number;
  /** How far ahead of its arrival the time of a log may be, in milliseconds. */
  readonly logFutureSkewMs: number;
}

interface LogQuery {
  readonly service?: string;
  readonly level?: string;
  readonly from?: string;
  readonly to?: string;
  readonly q?: string;
  readonly page?: number;
  readonly limit?: number;
}

const BATCH_BODY_LIMIT_BYTES = 4 * 1024 * 1024;
const tags = ['logs'];
const ingestErrors = { 400: errorSchema, 413: errorSchema, 415: errorSchema, 503: errorSchema };

const contextOf = ({ clock, logFutureSkewMs, parseTimestamp }: LogRouteOptions): LogRequestContext => ({
  arrivalMs: clock.now(),
  futureSkewMs: logFutureSkewMs,
  parseTimestamp,
});

const singleRoute = (app: FastifyInstance, options: LogRouteOptions): void => {
  const { intake } = options;
  app.post('/api/logs', {
    config: { access: 'ingest' },
    schema: {
      ...{ summary: 'Take a log in', tags, body: logBodySchema },
      response: { 202: queuedSchema, ...ingestErrors },
    },
    handler: async (request, reply) => {
      const outcome = toLogEvent(request.body, contextOf(options));
      if (!outcome.ok) {
        intake.refused(1);
        throw invalidRequest(outcome.problems);
      }
      await intake.submit([outcome.log]);
      return reply.code(202).send({ status: 'queued' });
    },
  });
};

const entriesOf = (body: unknown): readonly unknown[] => {
  const problem = (message: string): ApiError => invalidRequest([{ field: 'body', message }]);
  if (!Array.isArray(body)) throw problem('must be an array of logs');
  if (body.length === 0) throw problem('holds no logs');
  if (body.length > MAX_BATCH) throw problem(`holds ${body.length} logs; ${MAX_BATCH} are taken at once`);
  return body;
};

const batchRoute = (app: FastifyInstance, options: LogRouteOptions): void => {
  const { intake, bodyLimitBytes } = options;
  app.post('/api/logs/batch', {
    config: { access: 'ingest' },
    bodyLimit: Math.max(BATCH_BODY_LIMIT_BYTES, bodyLimitBytes),
    schema: {
      summary: 'Take logs in',
      description: `Up to ${MAX_BATCH} at once. Those that are not valid are refused by themselves.`,
      ...{ tags, body: batchBodySchema },
      response: { 202: batchQueuedSchema, ...ingestErrors },
    },
    handler: async (request, reply) => {
      const context = contextOf(options);
      const outcomes = entriesOf(request.body).map((entry) => toLogEvent(entry, context));
      const logs = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.log] : []));
      const refused = outcomes.flatMap((outcome, index) => (outcome.ok ? [] : [{ index, problems: outcome.problems }]));
      intake.refused(refused.length);
      if (logs.length === 0) throw invalidRequest(refused.flatMap(({ index, problems }) => inBatch(index, problems)));
      await intake.submit(logs);
      return reply.code(202).send({ status: 'queued', count: logs.length, refused });
    },
  });
};

const inBatch = (index: number, problems: readonly FieldProblem[]): readonly FieldProblem[] =>
  problems.map(({ field, message }) => ({ field: `${index}.${field}`, message }));

/** A fault that passes is a 503; one that does not is ours. */
const reading = async <T>(read: Promise<T>): Promise<T> => {
  try {
    return await read;
  } catch (cause) {
    if (recoveryOf(cause) !== 'retry') throw cause;
    throw unavailable('READ_MODEL_UNAVAILABLE', 'Logs cannot be read at the moment.', 2, { cause });
  }
};

/** The schema asks for integers and known words, and a query is text. */
const typedQuery = (query: unknown): void => {
  const fields = query as Record<string, unknown>;
  for (const field of ['page', 'limit']) {
    const value = fields[field];
    if (typeof value === 'string' && /^\d{1,9}$/.test(value)) fields[field] = Number(value);
  }
  if (typeof fields['level'] === 'string') fields['level'] = fields['level'].toLowerCase();
};

const toBody = ({ timestampMs, statusCode, responseTime, ...log }: StoredLog) => ({
  ...log,
  timestamp: new Date(timestampMs).toISOString(),
  ...(statusCode !== null && { statusCode }),
  ...(responseTime !== null && { responseTime }),
});

const listRoute = (app: FastifyInstance, { readModel, parseTimestamp }: LogRouteOptions): void => {
  app.get<{ Querystring: LogQuery }>('/api/logs', {
    schema: {
      summary: 'Logs, newest first',
      ...{ tags, querystring: logQuerySchema },
      response: { 200: logPageSchema, 400: errorSchema, 503: errorSchema },
    },
    preValidation: (request, _reply, done) => {
      typedQuery(request.query);
      done();
    },
    handler: async ({ query }) => {
      const { service, level, from, to, q, page = 1, limit = DEFAULT_LOG_PAGE } = query;
      const read = (field: string, time: string | undefined) => timeOf(field, time, parseTimestamp, invalidRequest);
      const filters = { service, level, text: q, fromMs: read('from', from), toMs: read('to', to) };
      const { total, logs } = await reading(readModel.listLogs(filters, page, limit));
      return { total, logs: logs.map(toBody) };
    },
  });
};

const trendRoute = (app: FastifyInstance, { readModel, clock }: LogRouteOptions): void => {
  app.get<{ Querystring: { readonly service: string; readonly range: TrendRange } }>('/api/metrics/errors', {
    schema: {
      summary: 'Errors of a service over time',
      description: 'Buckets of 1 min (1h), 5 min (24h), 1 h (7d), 6 h (30d), 1 day (3m, 6m) or 1 week (1y), in UTC.',
      ...{ tags, querystring: trendQuerySchema },
      response: { 200: trendSchema, 400: errorSchema, 503: errorSchema },
    },
    handler: async ({ query: { service, range } }) => {
      const trend = trendOf(range, clock.now());
      const { resolution, fromMs, toMs } = trend;
      return trendPoints(trend, await reading(readModel.errorCounts(service, resolution, fromMs, toMs)));
    },
  });
};

export const logRoutes = (app: FastifyInstance, options: LogRouteOptions): void => {
  singleRoute(app, options);
  batchRoute(app, options);
  listRoute(app, options);
  trendRoute(app, options);
};
