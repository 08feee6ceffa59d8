/**
 * What a gateway serves besides driver alerts: a part for each subject, put together by whoever starts the gateway.
 *
 * Invariant: parts know nothing of each other; each brings its routes and what has to run while they are served.
 */
import type { FastifyInstance } from 'fastify';

export interface GatewayPart {
  /** Declares the routes on a server that already checks who may call them. */
  routes(app: FastifyInstance): void | Promise<void>;
  /** Runs until the signal aborts; does not reject. */
  follow?(signal: AbortSignal): Promise<void>;
}
