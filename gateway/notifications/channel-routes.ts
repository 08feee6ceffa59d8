/**
 * `/api/alerts/channels`: where incidents are told to.
 *
 * Invariant: the gateway itself sends nothing to a channel: a test goes through the queue like everything else, so there is one place
 * that decides what may be reached.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../connectors/log.ts';
import type { SqlStatements } from '../../connectors/mysql/database.ts';
import { type ChannelStore, MAX_CHANNELS } from '../../notifications/channel-store.ts';
import { enqueue, type NotificationStore, type QueuedNotification } from '../../notifications/notification-store.ts';
import type { ChannelType, NotificationChannel, NotificationContent } from '../../schemas/notification.ts';
import { ApiError } from '../http/api-error.ts';
import { errorSchema } from '../http/schemas.ts';
import { invalid } from '../incidents/validation.ts';
import { channelBodyOf, notificationBodyOf, targetProblem } from './notification-bodies.ts';
import {
  channelBody,
  channelParams,
  channelSchema,
  channelsSchema,
  createdChannelSchema,
  enabledBody,
  notificationSchema,
} from './notification-schemas.ts';
import { channelNotFound, reaching } from './reaching.ts';

export interface ChannelRouteOptions {
  readonly channels: ChannelStore;
  readonly queue: NotificationStore;
  readonly sql: SqlStatements;
  readonly clock: Clock;
  /** How long the answer to a test waits for what became of it. */
  readonly testWaitMs: number;
}

interface NewChannel {
  readonly type: ChannelType;
  readonly target: string;
  readonly name?: string;
  readonly secret?: string;
  readonly fallbackId?: string | null;
  readonly enabled?: boolean;
}

interface OneChannel {
  Params: { readonly id: string };
}

const tags = ['notifications'];
const SECRET_BYTES = 32;
const LOOK_INTERVAL_MS = 50;

const testContent = (nowMs: number): NotificationContent => ({
  payload: {
    ...{ type: 'test', service: null, errorCount: null, windowMinutes: null, incidentId: 'test' },
    triggeredAt: new Date(nowMs).toISOString(),
  },
  title: 'This channel works',
  severity: 'P3',
});

const toChannel = (body: NewChannel, nowMs: number): NotificationChannel => ({
  id: randomUUID(),
  ...{ name: body.name ?? body.type, type: body.type, target: body.target },
  secret: body.type === 'webhook' ? (body.secret ?? randomBytes(SECRET_BYTES).toString('hex')) : null,
  ...{ fallbackId: body.fallbackId ?? null, enabled: body.enabled ?? true, createdAtMs: nowMs },
});

/** Rejects with an `ApiError` for what cannot be a channel. */
const check = async (channels: ChannelStore, { type, target, secret, fallbackId }: NewChannel): Promise<void> => {
  const problem = targetProblem(type, target);
  if (problem !== undefined) throw invalid([{ field: 'target', message: problem }]);
  if (secret !== undefined && type !== 'webhook') {
    throw invalid([{ field: 'secret', message: 'is for webhooks only' }]);
  }
  const known = await channels.list();
  if (known.length >= MAX_CHANNELS) {
    throw new ApiError(409, 'TOO_MANY_CHANNELS', `There are ${MAX_CHANNELS} channels; remove some first.`);
  }
  if (typeof fallbackId === 'string' && !known.some(({ id }) => id === fallbackId)) {
    throw invalid([{ field: 'fallbackId', message: 'there is no channel with this id' }]);
  }
};

/** Once it has ended or was tried, or the time is over. */
const outcomeOf = async (id: string, options: ChannelRouteOptions): Promise<QueuedNotification> => {
  const { queue, clock, testWaitMs } = options;
  const endMs = clock.now() + testWaitMs;
  for (;;) {
    const found = await queue.get(id);
    if (found === undefined) throw new Error(`The notification ${id} is gone from the queue.`);
    if (found.status !== 'PENDING' || found.lastError !== null || clock.now() >= endMs) return found;
    await clock.sleep(LOOK_INTERVAL_MS);
  }
};

const testRoute = (app: FastifyInstance, options: ChannelRouteOptions): void => {
  const { channels, sql, clock } = options;
  app.post<OneChannel>('/api/alerts/channels/:id/test', {
    config: { access: 'admin' },
    schema: {
      summary: 'Send a test notification and say what became of it',
      description: 'PENDING with `lastError`: it failed and is tried again; without: no notifier has taken it yet.',
      ...{ tags, params: channelParams, response: { 202: notificationSchema, 404: errorSchema, 409: errorSchema } },
    },
    handler: async ({ params }, reply) => {
      const channel = await reaching(channels.get(params.id));
      if (channel === undefined) throw channelNotFound();
      if (!channel.enabled) throw new ApiError(409, 'CHANNEL_DISABLED', 'The channel is disabled; enable it first.');
      const nowMs = clock.now();
      const id = randomUUID().replaceAll('-', '');
      const test = { id, channelId: channel.id, content: testContent(nowMs), eventAtMs: nowMs };
      await reaching(enqueue(sql, [test], nowMs));
      return reply.code(202).send(notificationBodyOf(await reaching(outcomeOf(id, options))));
    },
  });
};

const changeRoutes = (app: FastifyInstance, { channels }: ChannelRouteOptions): void => {
  app.patch<OneChannel & { Body: { readonly enabled: boolean } }>('/api/alerts/channels/:id', {
    config: { access: 'admin' },
    schema: {
      summary: 'Enable or disable a channel',
      ...{ tags, params: channelParams, body: enabledBody },
      response: { 200: channelSchema, 400: errorSchema, 404: errorSchema, 503: errorSchema },
    },
    handler: async ({ params, body }) => {
      await reaching(channels.setEnabled(params.id, body.enabled));
      const channel = await reaching(channels.get(params.id));
      if (channel === undefined) throw channelNotFound();
      return channelBodyOf(channel);
    },
  });
  app.delete<OneChannel>('/api/alerts/channels/:id', {
    config: { access: 'admin' },
    schema: {
      summary: 'Remove a channel; what waits for it is given up',
      ...{ tags, params: channelParams },
      response: { 204: { type: 'null' }, 404: errorSchema, 503: errorSchema },
    },
    handler: async ({ params }, reply) => {
      if (!(await reaching(channels.remove(params.id)))) throw channelNotFound();
      return reply.code(204).send();
    },
  });
};

export const channelRoutes = (app: FastifyInstance, options: ChannelRouteOptions): void => {
  const { channels, clock } = options;
  app.get('/api/alerts/channels', {
    schema: { summary: 'All channels, the oldest first', tags, response: { 200: channelsSchema, 503: errorSchema } },
    handler: async () => (await reaching(channels.list())).map(channelBodyOf),
  });
  app.post<{ Body: NewChannel }>('/api/alerts/channels', {
    config: { access: 'admin' },
    schema: {
      summary: 'Tell incidents to a new channel',
      ...{ tags, body: channelBody },
      response: { 201: createdChannelSchema, 400: errorSchema, 409: errorSchema, 503: errorSchema },
    },
    handler: async ({ body }, reply) => {
      await reaching(check(channels, body));
      const channel = toChannel(body, clock.now());
      await reaching(channels.create(channel));
      return reply.code(201).send({ ...channelBodyOf(channel), secret: channel.secret });
    },
  });
  changeRoutes(app, options);
  testRoute(app, options);
};
