/**
 * The JSON schemas of the API: what is validated is what the OpenAPI document says.
 */
import { ALERT_STATUSES, EVENT_TYPES, SEVERITIES } from '../../schemas/vocabulary.ts';

/** The longest driver and source type that the processor takes, in UTF-16 units; JSON schema counts code points. */
export const MAX_NAME_LENGTH = 64;

/** No control characters, and no blanks at either end, where a name would look the same as another one. */
const NAME_PATTERN = '^[^\\s\\p{Cc}](?:[^\\p{Cc}]*[^\\s\\p{Cc}])?$';

const name = (description: string, example: string) => ({
  type: 'string',
  minLength: 1,
  maxLength: MAX_NAME_LENGTH,
  pattern: NAME_PATTERN,
  description,
  examples: [example],
});

const alertId = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9._-]+$',
  description: 'Identifies the alert. A repeat of a known id changes nothing.',
};

const severity = { type: 'string', enum: SEVERITIES };
const status = { type: 'string', enum: ALERT_STATUSES };
const instant = { type: 'string', format: 'date-time' };
const jsonObject = { type: 'object', additionalProperties: true };
const driverId = name('The driver the alert is about.', 'TEST-02');
const sourceType = name('What reported it; decides which rule applies.', 'overspeed');

export const errorSchema = {
  type: 'object',
  description: 'Any error.',
  properties: {
    code: { type: 'string' },
    message: { type: 'string' },
    request_id: { type: 'string' },
    details: jsonObject,
  },
  required: ['code', 'message', 'request_id', 'details'],
} as const;

export const alertRequestSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['sourceType', 'driverId', 'severity'],
  properties: {
    sourceType,
    driverId,
    severity: { ...severity, description: 'In any case.' },
    timestamp: {
      type: 'string',
      maxLength: 40,
      description:
        "When it happened: `YYYY-MM-DD HH:mm:ss` in the service's time zone (UTC unless configured), or ISO 8601. " +
        'Left out: the time of arrival. A local time that clocks show twice means the earlier of both; one that they skip is refused.',
      examples: ['2026-11-24 09:33:24'],
    },
    metadata: {
      ...jsonObject,
      description: 'Any JSON object. Numbers keep the text they were written with.',
      examples: [{ speed: 121 }],
    },
    alertId,
  },
} as const;

export const alertAnswerSchema = {
  type: 'object',
  properties: {
    alertId: { type: 'string' },
    status: { type: 'string', enum: [...ALERT_STATUSES, 'PENDING'] },
  },
  required: ['alertId', 'status'],
} as const;

export const idempotencyHeadersSchema = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: 'Makes the request safe to repeat for 24 hours: the same key and body mean the same alert.',
    },
  },
} as const;

/** One page of a list that is read with a cursor. */
export const pageSchema = <S>(items: S) =>
  ({
    type: 'object',
    properties: {
      items: { type: 'array', items },
      nextCursor: {
        type: ['string', 'null'],
        description: 'Send it as cursor for the next page; null on the last one.',
      },
    },
  }) as const;

export const alertSchema = {
  type: 'object',
  properties: {
    alertId: { type: 'string' },
    driverId: { type: 'string' },
    sourceType: { type: 'string' },
    severity,
    status,
    timestamp: { ...instant, description: 'The last change of status.' },
    createdAt: { ...instant, description: "The alert's own time." },
    updatedAt: { ...instant, description: 'The time of its last event.' },
    sequence: { type: 'integer', description: 'The number of its last event.' },
    metadata: jsonObject,
  },
} as const;

export const alertPageSchema = pageSchema(alertSchema);

export const eventListSchema = {
  type: 'object',
  properties: {
    items: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          eventId: { type: 'string' },
          alertId: { type: 'string' },
          sequence: { type: 'integer' },
          eventType: { type: 'string', enum: EVENT_TYPES },
          reason: { type: 'string' },
          oldStatus: { type: ['string', 'null'] },
          newStatus: status,
          timestamp: instant,
          metadata: jsonObject,
        },
      },
    },
  },
} as const;

export const DEFAULT_PAGE_SIZE = 20;

const time = { type: 'string', maxLength: 40 };

export const alertQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    driverId,
    sourceType,
    status,
    severity,
    from: { ...time, description: "Alerts whose own time is not before this one; as a request's timestamp." },
    to: { ...time, description: 'Alerts whose own time is before this one.' },
    cursor: { type: 'string', minLength: 1, maxLength: 512, description: 'From the page before.' },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: DEFAULT_PAGE_SIZE },
  },
} as const;

export const alertIdParamsSchema = {
  type: 'object',
  properties: { id: alertId },
  required: ['id'],
} as const;

export const driverParamsSchema = { type: 'object', properties: { driverId }, required: ['driverId'] } as const;

export const driverAlertParamsSchema = {
  type: 'object',
  properties: { driverId, alertId },
  required: ['driverId', 'alertId'],
} as const;

const sourced = {
  source: {
    type: 'string',
    enum: ['processor', 'standby', 'read-model'],
    description: 'The running task, a warm copy of its state, or the database while no processor answers.',
  },
  fresh: {
    type: 'boolean',
    description: 'True when the answer has seen every alert of the driver that this gateway has sent.',
  },
} as const;

export const openCountSchema = {
  type: 'object',
  properties: { driverId: { type: 'string' }, openCount: { type: 'integer', minimum: 0 }, ...sourced },
  required: ['driverId', 'openCount', 'source', 'fresh'],
} as const;

export const liveAlertSchema = {
  type: 'object',
  properties: {
    alertId: { type: 'string' },
    driverId: { type: 'string' },
    sourceType: { type: 'string' },
    severity,
    status,
    sequence: { type: 'integer', description: 'The number of its last event.' },
    createdAt: { ...instant, description: "The alert's own time." },
    ...sourced,
  },
  required: ['alertId', 'status', 'source', 'fresh'],
} as const;
