/**
 * What became of the alerts, from the read model.
 *
 * Invariant: reads never touch the log or the processor, so they cannot slow an alert down; when the database is away they say so,
 * and the way in stays open.
 */
import type { FastifyInstance } from 'fastify';
import { recoveryOf } from '../../connectors/log.ts';
import { InvalidCursorError } from '../../sink/read-model-cursor.ts';
import type { ReadModel, StoredAlert, StoredEvent } from '../../sink/read-model.ts';
import type { TimestampParser } from '../alerts/timestamp.ts';
import { ApiError, type FieldProblem, invalidRequest, unavailable } from '../http/api-error.ts';
import { numericLimit } from '../http/query-fields.ts';
import {
  alertIdParamsSchema,
  alertPageSchema,
  alertQuerySchema,
  alertSchema,
  DEFAULT_PAGE_SIZE,
  errorSchema,
  eventListSchema,
} from '../http/schemas.ts';

export interface ReadOptions {
  readonly readModel: ReadModel;
  readonly parseTimestamp: TimestampParser;
}

interface AlertQuery {
  readonly driverId?: string;
  readonly sourceType?: string;
  readonly status?: string;
  readonly severity?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

interface ById {
  Params: { id: string };
}

const tags = ['alerts'];
const iso = (epochMs: number): string => new Date(epochMs).toISOString();

const toAlertBody = ({ timestampMs, createdAtMs, updatedAtMs, ...alert }: StoredAlert) => ({
  ...alert,
  timestamp: iso(timestampMs),
  createdAt: iso(createdAtMs),
  updatedAt: iso(updatedAtMs),
});

const toEventBody = ({ timestampMs, ...event }: StoredEvent) => ({ ...event, timestamp: iso(timestampMs) });

/** A fault that passes is a 503; one that does not is ours. */
const reading = async <T>(read: Promise<T>): Promise<T> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof InvalidCursorError) throw invalidRequest([{ field: 'cursor', message: error.message }]);
    if (recoveryOf(error) !== 'retry') throw error;
    throw unavailable('READ_MODEL_UNAVAILABLE', 'Alerts cannot be read at the moment.', 2, { cause: error });
  }
};

const notFound = (): ApiError =>
  new ApiError(404, 'ALERT_NOT_FOUND', 'There is no alert with this id, or it was purged.');

/** The bounds in epoch milliseconds. */
const timeBounds = ({ from, to }: AlertQuery, parse: TimestampParser): { fromMs?: number; toMs?: number } => {
  const problems: FieldProblem[] = [];
  const read = (field: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const parsed = parse(text);
    if (parsed.ok) return parsed.epochMs;
    problems.push({ field, message: parsed.problem });
    return undefined;
  };
  const [fromMs, toMs] = [read('from', from), read('to', to)];
  if (problems.length > 0) throw invalidRequest(problems);
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
};

const listRoute = (app: FastifyInstance, { readModel, parseTimestamp }: ReadOptions): void => {
  app.get<{ Querystring: AlertQuery }>('/v1/alerts', {
    schema: {
      summary: 'Alerts, newest first',
      tags,
      querystring: alertQuerySchema,
      response: { 200: alertPageSchema, 400: errorSchema, 503: errorSchema },
    },
    preValidation: (request, _reply, done) => {
      numericLimit(request.query);
      done();
    },
    handler: async ({ query }) => {
      const { driverId, sourceType, status, severity, cursor, limit = DEFAULT_PAGE_SIZE } = query;
      const filters = { driverId, sourceType, status, severity, ...timeBounds(query, parseTimestamp) };
      const page = await reading(readModel.listAlerts(filters, cursor, limit));
      return { items: page.alerts.map(toAlertBody), nextCursor: page.nextCursor ?? null };
    },
  });
};

export const readRoutes = (app: FastifyInstance, options: ReadOptions): void => {
  const { readModel } = options;
  listRoute(app, options);
  app.get<ById>('/v1/alerts/:id', {
    schema: {
      summary: 'One alert',
      tags,
      params: alertIdParamsSchema,
      response: { 200: alertSchema, 404: errorSchema, 503: errorSchema },
    },
    handler: async ({ params }) => {
      const alert = await reading(readModel.getAlert(params.id));
      if (alert === undefined) throw notFound();
      return toAlertBody(alert);
    },
  });
  app.get<ById>('/v1/alerts/:id/events', {
    schema: {
      summary: 'What happened to an alert, in order',
      tags,
      params: alertIdParamsSchema,
      response: { 200: eventListSchema, 404: errorSchema, 503: errorSchema },
    },
    handler: async ({ params }) => {
      const events = await reading(readModel.listEvents(params.id));
      if (events.length === 0) throw notFound();
      return { items: events.map(toEventBody) };
    },
  });
};
