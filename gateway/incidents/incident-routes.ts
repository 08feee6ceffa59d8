/**
 * `/v1/incidents`: opening, listing, reading and changing incidents.
 *
 * Invariant: an answer to a change is what the topology committed; nothing is answered that could be taken back.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TimestampParser } from '../alerts/timestamp.ts';
import { numericLimit, timeOf } from '../http/query-fields.ts';
import { errorSchema, idempotencyHeadersSchema } from '../http/schemas.ts';
import { incidentBody, incidentEventBody } from './incident-bodies.ts';
import { type IncidentDesk, incidentNotFound } from './incident-desk.ts';
import type { IncidentReads } from './incident-reads.ts';
import {
  commentBody,
  createBody,
  DEFAULT_LIMIT,
  idParams,
  incidentEventsSchema,
  incidentPageSchema,
  incidentSchema,
  listQuery,
  statusBody,
} from './incident-schemas.ts';
import type { UserStore } from './user-store.ts';
import { invalid, requireUsers } from './validation.ts';

export interface IncidentRouteOptions {
  readonly desk: IncidentDesk;
  readonly reads: IncidentReads;
  readonly users: UserStore;
  readonly parseTimestamp: TimestampParser;
}

interface CreateRoute {
  Body: {
    readonly title: string;
    readonly severity: string;
    readonly description?: string | null;
    readonly service?: string | null;
    readonly assignee?: string | null;
    readonly createdBy?: string | null;
  };
  Headers: { 'idempotency-key'?: string };
}

interface ListRoute {
  Querystring: {
    readonly status?: string;
    readonly severity?: string;
    readonly service?: string;
    readonly assignee?: string;
    readonly from?: string;
    readonly to?: string;
    readonly cursor?: string;
    readonly limit?: number;
  };
}

interface ById {
  Params: { id: string };
}

interface StatusRoute extends ById {
  Body: { readonly status: string; readonly userId?: string | null; readonly expectedVersion?: number };
}

interface CommentRoute extends ById {
  Body: { readonly text: string; readonly userId?: string | null; readonly expectedVersion?: number };
}

const tags = ['incidents'];
const errors = { 400: errorSchema, 404: errorSchema, 409: errorSchema, 429: errorSchema, 503: errorSchema };

export const clientOf = (request: FastifyRequest): string => request.client?.id ?? '';

const createRoute = (app: FastifyInstance, { desk, reads, users }: IncidentRouteOptions): void => {
  app.post<CreateRoute>('/v1/incidents', {
    schema: {
      summary: 'Open an incident',
      description:
        'With an Idempotency-Key a repeated request answers 200 with the incident that the first one opened.',
      tags,
      headers: idempotencyHeadersSchema,
      body: createBody,
      response: { 200: incidentSchema, 201: incidentSchema, ...errors },
    },
    handler: async (request, reply) => {
      const { createdBy, ...fields } = request.body;
      await requireUsers(users, { createdBy, assignee: fields.assignee });
      const created = await desk.create({
        client: clientOf(request),
        key: request.headers['idempotency-key'],
        body: request.rawBody ?? Buffer.alloc(0),
        fields: { ...fields, actor: createdBy ?? null },
      });
      const incident = created.incident ?? (await reads.get(created.incidentId));
      if (incident === undefined) throw incidentNotFound();
      return reply.code(created.isNew ? 201 : 200).send(incidentBody(incident));
    },
  });
};

const listRoute = (app: FastifyInstance, { reads, parseTimestamp }: IncidentRouteOptions): void => {
  app.get<ListRoute>('/v1/incidents', {
    schema: {
      summary: 'Incidents, newest first',
      tags,
      querystring: listQuery,
      response: { 200: incidentPageSchema, 400: errorSchema, 503: errorSchema },
    },
    preValidation: (request, _reply, done) => {
      numericLimit(request.query);
      done();
    },
    handler: async ({ query }) => {
      const { from, to, cursor, limit = DEFAULT_LIMIT, ...fields } = query;
      const bounds = {
        fromMs: timeOf('from', from, parseTimestamp, invalid),
        toMs: timeOf('to', to, parseTimestamp, invalid),
      };
      const page = await reads.list({ ...fields, ...bounds }, cursor, limit);
      return { items: page.incidents.map(incidentBody), nextCursor: page.nextCursor ?? null };
    },
  });
};

const readRoutes = (app: FastifyInstance, { reads }: IncidentRouteOptions): void => {
  app.get<ById>('/v1/incidents/:id', {
    schema: { summary: 'One incident', tags, params: idParams, response: { 200: incidentSchema, ...errors } },
    handler: async ({ params }) => {
      const incident = await reads.get(params.id);
      if (incident === undefined) throw incidentNotFound();
      return incidentBody(incident);
    },
  });
  app.get<ById>('/v1/incidents/:id/events', {
    schema: {
      summary: 'What happened to an incident, in order',
      ...{ tags, params: idParams, response: { 200: incidentEventsSchema, ...errors } },
    },
    handler: async ({ params }) => {
      const events = await reads.events(params.id);
      if (events === undefined) throw incidentNotFound();
      return { items: events.map(incidentEventBody) };
    },
  });
};

const changeRoutes = (app: FastifyInstance, { desk, users }: IncidentRouteOptions): void => {
  app.patch<StatusRoute>('/v1/incidents/:id/status', {
    schema: {
      summary: 'Acknowledge or resolve an incident',
      description:
        'OPEN → ACK → RESOLVED, or OPEN → RESOLVED. The status that it has already is fine and changes nothing.',
      ...{ tags, params: idParams, body: statusBody, response: { 200: incidentSchema, ...errors } },
    },
    handler: async ({ params, body: { status, userId = null, expectedVersion = null } }) => {
      await requireUsers(users, { userId });
      return incidentBody(await desk.change(params.id, 'SET_STATUS', { status, actor: userId, expectedVersion }));
    },
  });
  app.post<CommentRoute>('/v1/incidents/:id/comments', {
    schema: {
      summary: 'Say something about an incident',
      ...{ tags, params: idParams, body: commentBody, response: { 201: incidentSchema, ...errors } },
    },
    handler: async ({ params, body: { text, userId = null, expectedVersion = null } }, reply) => {
      await requireUsers(users, { userId });
      const incident = await desk.change(params.id, 'COMMENT', { text, actor: userId, expectedVersion });
      return reply.code(201).send(incidentBody(incident));
    },
  });
};

export const incidentRoutes = (app: FastifyInstance, options: IncidentRouteOptions): void => {
  createRoute(app, options);
  listRoute(app, options);
  readRoutes(app, options);
  changeRoutes(app, options);
};
