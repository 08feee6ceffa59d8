/**
 * The JSON schemas of the incident API: what is validated is what the OpenAPI document says.
 */
import { INCIDENT_EVENT_TYPES, INCIDENT_SEVERITIES, INCIDENT_STATUSES } from '../../schemas/incident.ts';
import { pageSchema } from '../http/schemas.ts';

const MAX_LIMIT = 100;
export const DEFAULT_LIMIT = 20;

const text = (maxLength: number, description: string) => ({ type: 'string', minLength: 1, maxLength, description });
const instant = { type: 'string', format: 'date-time' };
const maybe = <S extends { readonly type: string }>(schema: S) => ({ ...schema, type: [schema.type, 'null'] });

const status = { type: 'string', enum: INCIDENT_STATUSES };
const severity = { type: 'string', enum: INCIDENT_SEVERITIES, description: 'P1 is the gravest.' };
const service = text(128, 'The service concerned.');
const userId = { type: 'string', format: 'uuid', description: 'The id of a user.' };
const expectedVersion = {
  type: 'integer',
  minimum: 1,
  description: 'The version that was looked at; when the incident has gone on since, the answer is 409.',
};

export const idParams = {
  type: 'object',
  properties: { id: { type: 'string', minLength: 1, maxLength: 64 } },
  required: ['id'],
} as const;

export const createBody = {
  type: 'object',
  additionalProperties: false,
  required: ['title', 'severity'],
  properties: {
    title: text(255, 'What has happened.'),
    description: maybe(text(10_000, 'More about it.')),
    severity,
    service: maybe(service),
    assignee: maybe(userId),
    createdBy: maybe(userId),
  },
} as const;

export const statusBody = {
  type: 'object',
  additionalProperties: false,
  required: ['status'],
  properties: { status, userId: maybe(userId), expectedVersion },
} as const;

export const commentBody = {
  type: 'object',
  additionalProperties: false,
  required: ['text'],
  properties: { text: text(10_000, 'What is said.'), userId: maybe(userId), expectedVersion },
} as const;

/** The same where there are no versions to look at. */
export const alertCommentBody = {
  type: 'object',
  additionalProperties: false,
  required: ['text'],
  properties: { text: text(10_000, 'What is said.'), userId: maybe(userId) },
} as const;

/** A body may be left out altogether. */
export const actorBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { userId: maybe(userId) },
} as const;

export const listQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...{ status, severity, service, assignee: userId },
    from: { type: 'string', maxLength: 40, description: 'Opened at this time or later.' },
    to: { type: 'string', maxLength: 40, description: 'Opened before this time.' },
    cursor: { type: 'string', maxLength: 512 },
    limit: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  },
} as const;

const names = { type: 'array', items: { type: 'string' } };
const maybeText = { type: ['string', 'null'] };
const maybeNumber = { type: ['number', 'null'] };
const maybeInstant = maybe(instant);

export const incidentSchema = {
  type: 'object',
  properties: {
    ...{ id: { type: 'string' }, title: { type: 'string' }, description: maybeText, severity, status },
    ...{ source: { type: 'string' }, service: maybeText, services: names, ruleId: maybeText },
    ...{ fingerprint: { type: 'string' }, fingerprints: names, alertId: maybeText, alertCount: { type: 'integer' } },
    ...{ errorCount: maybeNumber, windowMinutes: maybeNumber, triggeredAt: instant, lastSeenAt: instant },
    ...{ createdAt: instant, updatedAt: instant, acknowledgedAt: maybeInstant, acknowledgedBy: maybeText },
    ...{ resolvedAt: maybeInstant, resolvedBy: maybeText, reopenCount: { type: 'integer' } },
    ...{ commentCount: { type: 'integer' }, assignee: maybeText, createdBy: maybeText, policyId: maybeText },
    tier: { type: ['integer', 'null'], description: 'The last tier of the escalation that was reached.' },
    version: { type: 'integer', description: 'Goes up by one with every change.' },
  },
} as const;

export const incidentPageSchema = pageSchema(incidentSchema);

export const incidentEventsSchema = {
  type: 'object',
  properties: {
    items: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          ...{ eventId: { type: 'string' }, incidentId: { type: 'string' }, sequence: { type: 'integer' } },
          eventType: { type: 'string', enum: INCIDENT_EVENT_TYPES },
          ...{ oldStatus: maybeText, newStatus: status, severity, service: maybeText, ruleId: maybeText },
          ...{ alertId: maybeText, tier: { type: ['integer', 'null'] }, assignee: maybeText, actor: maybeText },
          ...{ timestamp: instant, metadata: { type: 'object', additionalProperties: true } },
        },
      },
    },
  },
} as const;

/** An incident as the dashboard of the log alerts shows it. */
export const alertIncidentSchema = {
  type: 'object',
  properties: {
    ...{ id: { type: 'string' }, service: maybeText, fingerprint: { type: 'string' } },
    ...{ errorCount: maybeNumber, windowMinutes: maybeNumber, triggeredAt: instant, lastSeenErrorAt: instant },
    status: { type: 'string', enum: ['open', 'acknowledged', 'resolved'] },
    ...{ acknowledgedAt: maybeInstant, resolvedAt: maybeInstant },
  },
} as const;

export const userBody = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'email'],
  properties: { name: text(255, 'How people call them.'), email: { type: 'string', format: 'email', maxLength: 255 } },
} as const;

export const userSchema = {
  type: 'object',
  properties: {
    ...{ id: { type: 'string' }, name: { type: 'string' }, email: { type: 'string' }, createdAt: instant },
  },
} as const;

const policyId = { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'Names the policy.' };
const listOf = (items: object) => ({ type: ['array', 'null'], minItems: 1, maxItems: 100, items });

const policyFields = {
  name: text(255, 'How people call it.'),
  enabled: { type: 'boolean', default: true },
  severities: { ...listOf(severity), description: 'Null: incidents of any severity.' },
  services: { ...listOf(service), description: 'Null: incidents of any service.' },
  tiers: {
    type: 'array',
    maxItems: 10,
    description: 'Whom it goes to, one after the other, while nobody acknowledges it.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['delayMinutes'],
      properties: {
        delayMinutes: { type: 'number', minimum: 0, maximum: 10_080 },
        assignee: maybe(userId),
      },
    },
  },
  repeat: { type: 'integer', minimum: 0, maximum: 100, description: 'How often the tiers start over.' },
  driverSourceTypes: {
    ...listOf(text(64, 'A source type, or `*` for all.')),
    description: 'Driver alerts of these source types open an incident when they escalate.',
  },
} as const;

export const policyBody = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'tiers'],
  properties: policyFields,
} as const;

export const newPolicyBody = {
  ...policyBody,
  required: ['id', 'name', 'tiers'],
  properties: { id: policyId, ...policyFields },
} as const;

export const policySchema = { type: 'object', properties: { id: policyId, ...policyFields } } as const;

export const dependenciesBody = {
  type: 'object',
  additionalProperties: false,
  required: ['dependsOn'],
  properties: { dependsOn: { type: 'array', maxItems: 200, uniqueItems: true, items: service } },
} as const;

export const serviceParams = {
  type: 'object',
  properties: { service },
  required: ['service'],
} as const;

export const dependenciesSchema = {
  type: 'object',
  properties: { service: { type: 'string' }, dependsOn: names },
} as const;
