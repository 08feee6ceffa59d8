/**
 * `/api/notifications`: what failed and can be sent again, and the circuits of the channels.
 *
 * Invariant: sending again makes the same notification due, under the same id; what was delivered is not sent again.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../connectors/log.ts';
import type { ChannelStore } from '../../notifications/channel-store.ts';
import type { NotificationStore } from '../../notifications/notification-store.ts';
import type { NotificationStatus } from '../../schemas/notification.ts';
import { ApiError } from '../http/api-error.ts';
import { errorSchema } from '../http/schemas.ts';
import { numericLimit } from '../http/query-fields.ts';
import { breakerBodyOf, notificationBodyOf } from './notification-bodies.ts';
import {
  breakersSchema,
  failedQuery,
  MAX_LISTED,
  notificationParams,
  notificationSchema,
  notificationsSchema,
} from './notification-schemas.ts';
import { reaching } from './reaching.ts';

export interface FailedRouteOptions {
  readonly channels: ChannelStore;
  readonly queue: NotificationStore;
  readonly clock: Clock;
}

interface ListRoute {
  Querystring: { readonly status?: NotificationStatus; readonly limit?: number };
}

const tags = ['notifications'];

export const failedRoutes = (app: FastifyInstance, { channels, queue, clock }: FailedRouteOptions): void => {
  app.get<ListRoute>('/api/notifications/failed', {
    schema: {
      summary: 'Notifications that failed at least once, the newest first',
      ...{ tags, querystring: failedQuery },
      response: { 200: notificationsSchema, 400: errorSchema, 503: errorSchema },
    },
    preValidation: (request, _reply, done) => {
      numericLimit(request.query);
      done();
    },
    handler: async ({ query }) => {
      const failed = await reaching(queue.listFailed(query.status, query.limit ?? MAX_LISTED));
      return { items: failed.map(notificationBodyOf) };
    },
  });
  app.post<{ Params: { readonly id: string } }>('/api/notifications/failed/:id/resend', {
    schema: {
      summary: 'Send a notification again, with all of its attempts',
      ...{ tags, params: notificationParams },
      response: { 202: notificationSchema, 404: errorSchema, 409: errorSchema, 503: errorSchema },
    },
    handler: async ({ params }, reply) => {
      const isDue = await reaching(queue.resend(params.id, clock.now()));
      const notification = await reaching(queue.get(params.id));
      if (notification === undefined) {
        throw new ApiError(404, 'NOTIFICATION_NOT_FOUND', 'There is no notification with this id.');
      }
      if (!isDue) throw new ApiError(409, 'ALREADY_DELIVERED', 'The notification was delivered.');
      return reply.code(202).send(notificationBodyOf(notification));
    },
  });
  app.get('/api/notifications/circuit-breakers', {
    schema: {
      summary: 'The circuit of each channel, as a notifier last told it',
      ...{ tags, response: { 200: breakersSchema, 503: errorSchema } },
    },
    handler: async () => (await reaching(channels.breakers())).map(breakerBodyOf),
  });
};
