/**
 * `/api/alerts/incidents` and `/api/alerts/services`: incidents in the form of the log dashboard.
 *
 * Invariant: these are the same incidents as under `/v1/incidents`, with the same rules; only names and statuses differ.
 */
import type { FastifyInstance } from 'fastify';
import type { IncidentStatus } from '../../schemas/incident.ts';
import { errorSchema } from '../http/schemas.ts';
import { alertIncidentBody } from './incident-bodies.ts';
import type { IncidentDesk } from './incident-desk.ts';
import type { IncidentReads } from './incident-reads.ts';
import { actorBody, alertIncidentSchema, idParams } from './incident-schemas.ts';
import type { UserStore } from './user-store.ts';
import { requireUsers } from './validation.ts';

export interface DashboardOptions {
  readonly desk: IncidentDesk;
  readonly reads: IncidentReads;
  readonly users: UserStore;
  /** Services with alert rules in force, by name. */
  readonly services: () => Promise<readonly string[]>;
}

interface ActRoute {
  Params: { id: string };
  Body: { readonly userId?: string | null } | null | undefined;
}

const LISTED = 100;
const tags = ['log alerts'];
const errors = { 400: errorSchema, 404: errorSchema, 429: errorSchema, 503: errorSchema };

export const dashboardRoutes = (app: FastifyInstance, { desk, reads, users, services }: DashboardOptions): void => {
  app.get('/api/alerts/incidents', {
    schema: {
      summary: `The last ${LISTED} incidents, newest first`,
      ...{ tags, response: { 200: { type: 'array', items: alertIncidentSchema }, 503: errorSchema } },
    },
    handler: async () => (await reads.latest(LISTED)).map(alertIncidentBody),
  });
  const act = (path: string, summary: string, status: IncidentStatus): void => {
    app.post<ActRoute>(`/api/alerts/incidents/:id/${path}`, {
      schema: {
        ...{ summary, tags, params: idParams, body: actorBody },
        response: { 200: alertIncidentSchema, ...errors },
      },
      handler: async ({ params, body }) => {
        const actor = body?.userId ?? null;
        await requireUsers(users, { userId: actor });
        return alertIncidentBody(await desk.change(params.id, 'SET_STATUS', { status, actor }));
      },
    });
  };
  act('acknowledge', 'Take an incident in hand', 'ACK');
  act('resolve', 'End an incident', 'RESOLVED');
  app.get('/api/alerts/services', {
    schema: {
      summary: 'Services with alert rules in force',
      ...{ tags, response: { 200: { type: 'array', items: { type: 'string' } }, 503: errorSchema } },
    },
    handler: async () => services(),
  });
};
