/**
 * Which web sites may call the gateway from a browser.
 *
 * Invariant: without any the gateway says nothing about origins, so browsers keep every other site's pages away from it.
 */
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

const PREFLIGHT_SECONDS = 600;

/** Before access is controlled: a browser asks without a key whether it may ask with one. */
export const allowOrigins = async (app: FastifyInstance, origins: readonly string[]): Promise<void> => {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-API-Key', 'X-Request-ID', 'traceparent'],
    exposedHeaders: ['Retry-After', 'X-Request-ID', 'X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'],
    maxAge: PREFLIGHT_SECONDS,
    strictPreflight: true,
  });
};
