/**
 * `/v1/escalation-policies` and `/v1/services`: what incidents are escalated by, and which services depend on which.
 *
 * Invariant: a change that was answered is on the compacted topic that the topology reads, and this gateway shows it.
 */
import type { FastifyInstance } from 'fastify';
import { recoveryOf } from '../../connectors/log.ts';
import type { EscalationPolicy, ServiceDependencies } from '../../schemas/escalation-policy.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import { errorSchema } from '../http/schemas.ts';
import type { TopicTable } from '../tables/topic-table.ts';
import {
  dependenciesBody,
  dependenciesSchema,
  idParams,
  newPolicyBody,
  policyBody,
  policySchema,
  serviceParams,
} from './incident-schemas.ts';
import type { UserStore } from './user-store.ts';
import { invalid, requireUsers } from './validation.ts';

export interface PolicyRouteOptions {
  readonly policies: TopicTable<EscalationPolicy>;
  readonly services: TopicTable<ServiceDependencies>;
  readonly users: UserStore;
}

interface PolicyFields {
  readonly name: string;
  readonly tiers: readonly { readonly delayMinutes: number; readonly assignee?: string | null }[];
  readonly enabled?: boolean;
  readonly severities?: EscalationPolicy['severities'];
  readonly services?: readonly string[] | null;
  readonly repeat?: number;
  readonly driverSourceTypes?: readonly string[] | null;
}

interface ById {
  Params: { id: string };
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const reaching = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    if (recoveryOf(cause) !== 'retry') throw cause;
    throw unavailable('TABLE_UNAVAILABLE', 'This cannot be read or changed at the moment.', 2, { cause });
  }
};

const toPolicy = (id: string, fields: PolicyFields): EscalationPolicy => {
  const { name, tiers, enabled = true, severities = null, services = null, repeat = 0 } = fields;
  if (repeat > 0 && tiers.every(({ delayMinutes }) => delayMinutes === 0)) {
    throw invalid([{ field: 'repeat', message: 'needs a tier with a delayMinutes above 0' }]);
  }
  return {
    ...{ id, name, enabled, severities, services, repeat },
    tiers: tiers.map(({ delayMinutes, assignee = null }) => ({ delayMinutes, assignee })),
    driverSourceTypes: fields.driverSourceTypes ?? null,
  };
};

const policyNotFound = (): ApiError =>
  new ApiError(404, 'POLICY_NOT_FOUND', 'There is no escalation policy with this id.');

const policyWrites = (app: FastifyInstance, { policies, users }: PolicyRouteOptions): void => {
  const tags = ['escalation policies'];
  const put = async (id: string, fields: PolicyFields): Promise<EscalationPolicy> => {
    const assignees = fields.tiers.map(({ assignee }, tier) => [`tiers.${tier}.assignee`, assignee] as const);
    await requireUsers(users, Object.fromEntries(assignees));
    const policy = toPolicy(id, fields);
    await reaching(policies.write(id, json(policy)));
    return policy;
  };
  app.post<{ Body: PolicyFields & { readonly id: string } }>('/v1/escalation-policies', {
    schema: {
      summary: 'Make an escalation policy',
      ...{ tags, body: newPolicyBody, response: { 201: policySchema, 400: errorSchema, 409: errorSchema } },
    },
    handler: async ({ body: { id, ...fields } }, reply) => {
      if ((await reaching(policies.entries())).has(id)) {
        throw new ApiError(409, 'POLICY_EXISTS', 'There is an escalation policy with this id.');
      }
      return reply.code(201).send(await put(id, fields));
    },
  });
  app.put<ById & { Body: PolicyFields }>('/v1/escalation-policies/:id', {
    schema: {
      summary: 'Change an escalation policy',
      description: 'Incidents that are being escalated go on as they began.',
      ...{ tags, params: idParams, body: policyBody, response: { 200: policySchema, 404: errorSchema } },
    },
    handler: async ({ params, body }) => {
      if (!(await reaching(policies.entries())).has(params.id)) throw policyNotFound();
      return put(params.id, body);
    },
  });
  app.delete<ById>('/v1/escalation-policies/:id', {
    schema: { summary: 'Remove an escalation policy', tags, params: idParams },
    handler: async ({ params }, reply) => {
      if (!(await reaching(policies.entries())).has(params.id)) throw policyNotFound();
      await reaching(policies.write(params.id, null));
      return reply.code(204).send();
    },
  });
};

const policyReads = (app: FastifyInstance, { policies }: PolicyRouteOptions): void => {
  const tags = ['escalation policies'];
  app.get('/v1/escalation-policies', {
    schema: {
      summary: 'All escalation policies',
      ...{ tags, response: { 200: { type: 'object', properties: { items: { type: 'array', items: policySchema } } } } },
    },
    handler: async () => ({ items: [...(await reaching(policies.entries())).values()] }),
  });
  app.get<ById>('/v1/escalation-policies/:id', {
    schema: {
      summary: 'One escalation policy',
      ...{ tags, params: idParams, response: { 200: policySchema, 404: errorSchema } },
    },
    handler: async ({ params }) => {
      const policy = (await reaching(policies.entries())).get(params.id);
      if (policy === undefined) throw policyNotFound();
      return policy;
    },
  });
};

const serviceRoutes = (app: FastifyInstance, { services }: PolicyRouteOptions): void => {
  const tags = ['services'];
  app.get('/v1/services', {
    schema: {
      summary: 'Services and what they depend on',
      tags,
      response: { 200: { type: 'object', properties: { items: { type: 'array', items: dependenciesSchema } } } },
    },
    handler: async () => ({ items: [...(await reaching(services.entries())).values()] }),
  });
  interface ByService {
    Params: { service: string };
  }
  app.put<ByService & { Body: { readonly dependsOn: readonly string[] } }>('/v1/services/:service/dependencies', {
    schema: {
      summary: 'Declare what a service depends on',
      description: 'Alerts of services that depend on each other are brought together into one incident.',
      ...{
        tags,
        params: serviceParams,
        body: dependenciesBody,
        response: { 200: dependenciesSchema, 400: errorSchema },
      },
    },
    handler: async ({ params: { service }, body: { dependsOn } }) => {
      const declared = { service, dependsOn };
      await reaching(services.write(service, json(declared)));
      return declared;
    },
  });
  app.delete<ByService>('/v1/services/:service/dependencies', {
    schema: { summary: 'Declare nothing about a service', tags, params: serviceParams },
    handler: async ({ params: { service } }, reply) => {
      await reaching(services.write(service, null));
      return reply.code(204).send();
    },
  });
};

export const policyRoutes = (app: FastifyInstance, options: PolicyRouteOptions): void => {
  policyReads(app, options);
  policyWrites(app, options);
  serviceRoutes(app, options);
};
