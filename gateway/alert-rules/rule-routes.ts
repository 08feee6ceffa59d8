/**
 * `/api/alert-rules` and, per service, `/api/alerts/rules`: two forms of the same rules.
 *
 * Invariant: a rule that one form makes is seen and changed by the other; a refused body names each field and what is allowed.
 */
import type { FastifyInstance } from 'fastify';
import type { LogAlertRule } from '../../schemas/log-alert-rule.ts';
import { type FieldProblem, invalidRequest } from '../http/api-error.ts';
import { plainJson } from '../http/plain-json.ts';
import { errorSchema } from '../http/schemas.ts';
import type { RuleDesk, RuleDraft } from './rule-desk.ts';
import { ruleIdSchema, ruleSchema, serviceRuleSchema } from './rule-schemas.ts';

export interface RuleRouteOptions {
  readonly desk: RuleDesk;
  /** When each rule raised its last alert, by rule id, in UTC epoch milliseconds; empty when that cannot be told. */
  readonly lastAlerts: () => Promise<ReadonlyMap<string, number>>;
}

interface ById {
  Params: { id: string };
}

const tags = ['alert rules'];
const errors = { 400: errorSchema, 404: errorSchema, 409: errorSchema, 503: errorSchema };
/** What an answer holds besides the fields that can be set; sent back with a change they mean nothing. */
const READ_ONLY = ['id', 'revision', 'createdAt', 'updatedAt', 'lastTriggeredAt'];

const iso = (epochMs: number | undefined): string | null =>
  epochMs === undefined ? null : new Date(epochMs).toISOString();

const toBody = (rule: LogAlertRule, last: ReadonlyMap<string, number>) => ({
  ...rule,
  createdAt: iso(rule.createdAt),
  updatedAt: iso(rule.updatedAt),
  lastTriggeredAt: iso(last.get(rule.id)),
});

const toServiceBody = (rule: LogAlertRule, last: ReadonlyMap<string, number>) => {
  const { id, service, threshold, windowMinutes, cooldownMinutes, enabled, createdAt } = rule;
  const times = { lastTriggeredAt: iso(last.get(id)), createdAt: iso(createdAt) };
  return { id, service, threshold, windowMinutes, cooldownMinutes, enabled, ...times };
};

const draftOf = (body: unknown): RuleDraft => {
  const plain = plainJson(body);
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw invalidRequest([{ field: 'body', message: 'must be a JSON object' }]);
  }
  return plain as RuleDraft;
};

const without = (draft: RuleDraft, fields: readonly string[]): RuleDraft =>
  Object.fromEntries(Object.entries(draft).filter(([field]) => !fields.includes(field)));

const readRoutes = (app: FastifyInstance, { desk, lastAlerts }: RuleRouteOptions): void => {
  app.get('/api/alert-rules', {
    schema: { summary: 'All rules', tags, response: { 200: { type: 'array', items: ruleSchema }, 503: errorSchema } },
    handler: async () => {
      const last = await lastAlerts();
      return (await desk.list()).map((rule) => toBody(rule, last));
    },
  });
  app.get<ById>('/api/alert-rules/:id', {
    schema: { summary: 'One rule', tags, params: ruleIdSchema, response: { 200: ruleSchema, ...errors } },
    handler: async ({ params }) => toBody(await desk.get(params.id), await lastAlerts()),
  });
};

const writeRoutes = (app: FastifyInstance, { desk, lastAlerts }: RuleRouteOptions): void => {
  const response = { 200: ruleSchema, ...errors };
  app.post('/api/alert-rules', {
    schema: { summary: 'Make a rule', tags, response: { 201: ruleSchema, ...errors } },
    handler: async ({ body }, reply) => reply.code(201).send(toBody(await desk.create(draftOf(body)), new Map())),
  });
  app.put<ById>('/api/alert-rules/:id', {
    schema: { summary: 'Replace a rule', tags, params: ruleIdSchema, response },
    handler: async ({ params, body }) => {
      const rule = await desk.replace(params.id, without(draftOf(body), READ_ONLY));
      return toBody(rule, await lastAlerts());
    },
  });
  app.delete<ById>('/api/alert-rules/:id', {
    schema: { summary: 'Remove a rule', tags, params: ruleIdSchema },
    handler: async ({ params }, reply) => {
      await desk.remove(params.id);
      return reply.code(204).send();
    },
  });
  for (const [action, enabled] of [['enable', true] as const, ['disable', false] as const]) {
    app.post<ById>(`/api/alert-rules/:id/${action}`, {
      schema: { summary: `${enabled ? 'Enable' : 'Disable'} a rule`, tags, params: ruleIdSchema, response },
      handler: async ({ params }) => toBody(await desk.change(params.id, { enabled }), await lastAlerts()),
    });
  }
};

const SERVICE_RULE_FIELDS = ['service', 'threshold', 'windowMinutes', 'cooldownMinutes'];

/** The whole rule that the short form stands for. Throws an `ApiError`. */
const serviceDraft = (body: unknown): RuleDraft => {
  const draft = draftOf(body);
  const problems: FieldProblem[] = Object.keys(draft)
    .filter((field) => !SERVICE_RULE_FIELDS.includes(field))
    .map((field) => ({ field, message: 'is not a known field' }));
  const { service } = draft;
  if (typeof service !== 'string' || service === '')
    problems.push({ field: 'service', message: 'must name a service' });
  if (problems.length > 0) throw invalidRequest(problems);
  const name = `Errors of ${String(service)}`.slice(0, 200);
  return { ...draft, name, type: 'ERROR_THRESHOLD', condition: 'count >= threshold' };
};

const enabledOf = (body: unknown): boolean => {
  const { enabled, ...others } = draftOf(body);
  const problems = Object.keys(others).map((field) => ({ field, message: 'is not a known field' }));
  if (typeof enabled === 'boolean' && problems.length === 0) return enabled;
  const missing = typeof enabled === 'boolean' ? [] : [{ field: 'enabled', message: 'must be true or false' }];
  throw invalidRequest([...missing, ...problems]);
};

const serviceRoutes = (app: FastifyInstance, { desk, lastAlerts }: RuleRouteOptions): void => {
  app.get('/api/alerts/rules', {
    schema: {
      ...{ summary: 'All rules, in short', tags },
      response: { 200: { type: 'array', items: serviceRuleSchema }, 503: errorSchema },
    },
    handler: async () => {
      const last = await lastAlerts();
      return (await desk.list()).map((rule) => toServiceBody(rule, last));
    },
  });
  app.post('/api/alerts/rules', {
    schema: {
      summary: 'Make a rule about the errors of a service',
      description: 'It raises an alert when the errors of the window reach the threshold.',
      ...{ tags, response: { 201: serviceRuleSchema, ...errors } },
    },
    handler: async ({ body }, reply) =>
      reply.code(201).send(toServiceBody(await desk.create(serviceDraft(body)), new Map())),
  });
  app.patch<ById>('/api/alerts/rules/:id', {
    schema: {
      ...{ summary: 'Enable or disable a rule', tags, params: ruleIdSchema },
      response: { 200: serviceRuleSchema, ...errors },
    },
    handler: async ({ params, body }) =>
      toServiceBody(await desk.change(params.id, { enabled: enabledOf(body) }), await lastAlerts()),
  });
  app.delete<ById>('/api/alerts/rules/:id', {
    schema: { summary: 'Remove a rule', tags, params: ruleIdSchema },
    handler: async ({ params }, reply) => {
      await desk.remove(params.id);
      return reply.code(204).send();
    },
  });
};

export const ruleRoutes = (app: FastifyInstance, options: RuleRouteOptions): void => {
  readRoutes(app, options);
  writeRoutes(app, options);
  serviceRoutes(app, options);
};
