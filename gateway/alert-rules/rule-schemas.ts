/**
 * The JSON schemas of the rules' routes. What a rule may be is checked by the rules' own model, which names the field and what is
 * allowed; these say what the OpenAPI document shows and what answers hold.
 */
import { LOG_RULE_TYPES, LOG_SEVERITIES, LOG_WINDOW_TYPES } from '../../schemas/log-alert-rule.ts';

const instant = { type: 'string', format: 'date-time' };
const nullableInstant = { type: ['string', 'null'], format: 'date-time' };

const editable = {
  name: { type: 'string' },
  description: { type: 'string' },
  type: { type: 'string', enum: LOG_RULE_TYPES },
  condition: {
    type: 'string',
    description:
      'A comparison of count (logs that match), total, rate (percent), avg and max (response times in ms), threshold, windowMinutes ' +
      'and numbers, with + - * / and, or and parentheses.',
    examples: ['count > threshold'],
  },
  service: { type: ['string', 'null'], description: 'Null: each service by itself.' },
  threshold: { type: 'number' },
  windowMinutes: { type: 'number' },
  windowType: { type: 'string', enum: LOG_WINDOW_TYPES },
  slowerThanMs: { type: ['number', 'null'], description: 'LATENCY: the response time above which a request is slow.' },
  severity: { type: 'string', enum: LOG_SEVERITIES },
  cooldownMinutes: { type: 'number' },
  enabled: { type: 'boolean' },
} as const;

export const ruleSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    ...editable,
    revision: { type: 'integer' },
    createdAt: instant,
    updatedAt: instant,
    lastTriggeredAt: nullableInstant,
  },
} as const;

export const serviceRuleSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    service: { type: ['string', 'null'] },
    threshold: { type: 'number' },
    windowMinutes: { type: 'number' },
    cooldownMinutes: { type: 'number' },
    enabled: { type: 'boolean' },
    lastTriggeredAt: nullableInstant,
    createdAt: instant,
  },
} as const;

export const ruleIdSchema = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[A-Za-z0-9-]{1,64}$' } },
  required: ['id'],
} as const;
