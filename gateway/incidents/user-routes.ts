/**
 * `/v1/users`: the people that incidents are made by and assigned to.
 *
 * Invariant: a user that was answered is in the database.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../connectors/log.ts';
import { recoveryOf } from '../../connectors/log.ts';
import { type RandomBytes, uuidV7 } from '../alerts/uuid-v7.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import { errorSchema } from '../http/schemas.ts';
import { userBodyOf } from './incident-bodies.ts';
import { idParams, userBody, userSchema } from './incident-schemas.ts';
import type { UserStore } from './user-store.ts';

export interface UserRouteOptions {
  readonly users: UserStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

interface CreateRoute {
  Body: { readonly name: string; readonly email: string };
}

const tags = ['users'];
const MAX_LISTED = 1_000;

const reaching = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    if (recoveryOf(cause) !== 'retry') throw cause;
    throw unavailable('USERS_UNAVAILABLE', 'Users cannot be reached at the moment.', 2, { cause });
  }
};

export const userRoutes = (app: FastifyInstance, { users, clock, random }: UserRouteOptions): void => {
  app.post<CreateRoute>('/v1/users', {
    schema: {
      summary: 'Make a user known',
      ...{ tags, body: userBody },
      response: { 201: userSchema, 400: errorSchema, 409: errorSchema, 503: errorSchema },
    },
    handler: async ({ body }, reply) => {
      const nowMs = clock.now();
      const user = { id: uuidV7(nowMs, random), ...body, createdAtMs: nowMs };
      const isNew = await reaching(users.create(user));
      if (!isNew) throw new ApiError(409, 'USER_EXISTS', 'There is a user with this email address.');
      return reply.code(201).send(userBodyOf(user));
    },
  });
  app.get('/v1/users', {
    schema: {
      summary: 'All users, by name',
      ...{ tags, response: { 200: { type: 'object', properties: { items: { type: 'array', items: userSchema } } } } },
    },
    handler: async () => ({ items: (await reaching(users.list(MAX_LISTED))).map(userBodyOf) }),
  });
  app.get<{ Params: { id: string } }>('/v1/users/:id', {
    schema: { summary: 'One user', tags, params: idParams, response: { 200: userSchema, 404: errorSchema } },
    handler: async ({ params }) => {
      const user = await reaching(users.get(params.id));
      if (user === undefined) throw new ApiError(404, 'USER_NOT_FOUND', 'There is no user with this id.');
      return userBodyOf(user);
    },
  });
};
