/**
 * The OpenAPI document and its page at `/docs`, made from the schemas that validate the requests.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { openRoutes } from './access.ts';

const DESCRIPTION = `Takes alerts about drivers in and shows what became of them.

Beyond a limit of requests the answer is 429 with \`Retry-After\`; reads, alerts and changes are counted apart.

Every error has the form \`{code, message, request_id, details}\`. Every response carries \`X-Request-ID\`; send your own to find
a request in the logs. Times in answers are ISO 8601, UTC.`;

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
} as const;

/** Before the routes: it collects them as they are added. */
export const openApi = async (app: FastifyInstance, asksForKey: boolean): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Alert escalation', description: DESCRIPTION, version: '1' },
      tags: [{ name: 'alerts' }, { name: 'operation' }],
      ...(asksForKey ? { components: { securitySchemes }, security: [{ bearer: [] }, { apiKey: [] }] } : {}),
    },
    transform: ({ schema, url, route }) => ({
      schema: asksForKey && route.config?.access === 'open' ? { ...schema, security: [] } : schema,
      url,
    }),
  });
  await app.register(
    openRoutes(async (docs) => void (await docs.register(swaggerUi, { routePrefix: '/docs', staticCSP: true }))),
  );
};
