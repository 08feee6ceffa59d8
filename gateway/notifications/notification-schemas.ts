/**
 * The JSON schemas of the notification API: what is validated is what the OpenAPI document says.
 */
import { BREAKER_STATES } from '../../notifications/channel-store.ts';
import { CHANNEL_TYPES, NOTIFICATION_STATUSES, NOTIFICATION_TYPES } from '../../schemas/notification.ts';

export const MAX_LISTED = 100;

const uuid = { type: 'string', format: 'uuid' };
const maybeUuid = { ...uuid, type: ['string', 'null'] };
const instant = { type: 'string', format: 'date-time' };
const maybeInstant = { ...instant, type: ['string', 'null'] };
const maybeText = { type: ['string', 'null'] };
const type = { type: 'string', enum: CHANNEL_TYPES };
const status = { type: 'string', enum: NOTIFICATION_STATUSES };

export const channelBody = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'target'],
  properties: {
    type,
    target: {
      type: 'string',
      minLength: 1,
      maxLength: 2_048,
      description: 'A URL for webhook and slack, a routing key for pagerduty, an address for email.',
      examples: ['https://example.com/webhook'],
    },
    name: { type: 'string', minLength: 1, maxLength: 255, description: 'How people call it. Left out: its type.' },
    secret: {
      type: 'string',
      minLength: 16,
      maxLength: 255,
      description: 'Signs what a webhook gets (HMAC-SHA256). Left out: one is made, and shown in this answer alone.',
    },
    fallbackId: { ...maybeUuid, description: 'The channel that takes over while this one fails.' },
    enabled: { type: 'boolean', default: true },
  },
} as const;

export const enabledBody = {
  type: 'object',
  additionalProperties: false,
  required: ['enabled'],
  properties: { enabled: { type: 'boolean' } },
} as const;

export const channelParams = { type: 'object', properties: { id: uuid }, required: ['id'] } as const;

export const notificationParams = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[0-9a-f]{32}$' } },
  required: ['id'],
} as const;

const channelFields = {
  ...{ id: uuid, name: { type: 'string' }, type, enabled: { type: 'boolean' }, createdAt: instant },
  target: { type: 'string', description: 'What of it is a secret is not shown.' },
  fallbackId: maybeUuid,
} as const;

export const channelSchema = { type: 'object', properties: channelFields } as const;
export const channelsSchema = { type: 'array', items: channelSchema } as const;

export const createdChannelSchema = {
  type: 'object',
  properties: {
    ...channelFields,
    secret: { ...maybeText, description: 'What signs the bodies of a webhook; keep it, it is not shown again.' },
  },
} as const;

export const notificationSchema = {
  type: 'object',
  properties: {
    ...{ id: { type: 'string' }, channelId: uuid, type: { type: 'string', enum: NOTIFICATION_TYPES } },
    ...{ incidentId: { type: 'string' }, service: maybeText, status, attempts: { type: 'integer' } },
    nextAttemptAt: { ...maybeInstant, description: 'Null once it has ended.' },
    deliveredBy: { ...maybeUuid, description: 'The channel that took it: its own, or a fallback.' },
    ...{ lastError: maybeText, createdAt: instant, updatedAt: instant },
  },
} as const;

export const notificationsSchema = {
  type: 'object',
  properties: { items: { type: 'array', items: notificationSchema } },
} as const;

export const failedQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { status, limit: { type: 'integer', minimum: 1, maximum: MAX_LISTED, default: MAX_LISTED } },
} as const;

export const breakersSchema = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      ...{ channelId: uuid, name: { type: 'string' }, type },
      state: { type: 'string', enum: BREAKER_STATES },
      since: { ...maybeInstant, description: 'The last change; null: none yet.' },
    },
  },
} as const;
