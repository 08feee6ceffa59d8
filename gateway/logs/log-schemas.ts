/**
 * The JSON schemas of the logs' routes, for the OpenAPI document and the answers. Bodies are checked by `log-request.ts`, which can
 * tell what is wrong with each log of many.
 */
import { LOG_LEVELS } from '../../schemas/log-event.ts';
import { MAX_MESSAGE_LENGTH, MAX_SERVICE_LENGTH } from './log-request.ts';
import { TREND_RANGES } from './error-trend.ts';

const service = { type: 'string', minLength: 1, maxLength: MAX_SERVICE_LENGTH, examples: ['payment-service'] };
const instant = { type: 'string', format: 'date-time' };

export const MAX_BATCH = 1_000;
export const DEFAULT_LOG_PAGE = 20;
export const MAX_LOG_PAGE = 100;

/** Not validated: the handler tells what is wrong with each entry, and numbers are still in their text's form there. */
const LOG_DESCRIPTION =
  `service (1 to ${MAX_SERVICE_LENGTH} characters), level (${LOG_LEVELS.join(', ')}; in any case), message (1 to ` +
  `${MAX_MESSAGE_LENGTH} characters); optional: timestamp (ISO 8601; else the time of arrival), statusCode, responseTime (ms), ` +
  'meta (any JSON, whose numbers keep the text they were written with).';

const exampleLog = {
  service: 'payment-service',
  level: 'ERROR',
  message: 'Database connection failed',
  statusCode: 500,
  responseTime: 5000,
};

export const logBodySchema = { description: `A log: ${LOG_DESCRIPTION}`, examples: [exampleLog] };
export const batchBodySchema = { description: `An array of logs, each: ${LOG_DESCRIPTION}`, examples: [[exampleLog]] };

export const queuedSchema = {
  type: 'object',
  description: 'On the log; alerts follow within a second, searches find it somewhat later.',
  properties: { status: { type: 'string', enum: ['queued'] } },
} as const;

export const batchQueuedSchema = {
  type: 'object',
  description: 'The accepted ones are on the log.',
  properties: {
    status: { type: 'string', enum: ['queued'] },
    count: { type: 'integer', description: 'How many were accepted.' },
    refused: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          index: { type: 'integer', description: 'Place in the batch, from 0.' },
          problems: {
            type: 'array',
            items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
          },
        },
      },
    },
  },
} as const;

export const logQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    service,
    level: { type: 'string', enum: LOG_LEVELS },
    from: { type: 'string', maxLength: 40, description: 'Logs that are not before this time; ISO 8601.' },
    to: { type: 'string', maxLength: 40, description: 'Logs before this time.' },
    q: { type: 'string', minLength: 1, maxLength: 200, description: 'Words that the message has, all of them.' },
    page: { type: 'integer', minimum: 1, maximum: 10_000, default: 1 },
    limit: { type: 'integer', minimum: 1, maximum: MAX_LOG_PAGE, default: DEFAULT_LOG_PAGE },
  },
} as const;

export const logPageSchema = {
  type: 'object',
  properties: {
    total: { type: 'integer' },
    logs: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          service: { type: 'string' },
          level: { type: 'string', enum: LOG_LEVELS },
          message: { type: 'string' },
          timestamp: instant,
          statusCode: { type: 'integer' },
          responseTime: { type: 'number' },
          meta: {},
        },
      },
    },
  },
} as const;

export const trendQuerySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['service', 'range'],
  properties: { service, range: { type: 'string', enum: TREND_RANGES } },
} as const;

export const trendSchema = {
  type: 'array',
  items: { type: 'object', properties: { time: instant, count: { type: 'integer' } } },
} as const;
