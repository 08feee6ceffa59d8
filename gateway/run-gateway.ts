/**
 * Runs a gateway from its first request to its last.
 *
 * Invariant: while it stops, it takes no connections, finishes the requests under way and only then lets go of what they need; the
 * wait for them is bounded.
 */
import type { Clock, Logger } from '../connectors/log.ts';
import type { GatewayConfig } from './config.ts';
import type { Gateway } from './gateway.ts';
import type { IdempotencyStore } from './idempotency/idempotency.ts';

export interface RunningGateway {
  /** The address it listens on. */
  readonly url: string;
  stop(): Promise<void>;
}

const CLEAN_UP_EVERY_MS = 10 * 60_000;

/** Deletes expired keys now and then; what one gateway misses, another or the next round finds. */
const cleanUp = async (store: IdempotencyStore, clock: Clock, logger: Logger, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    try {
      const deleted = await store.deleteExpired();
      if (deleted > 0) logger.info('expired idempotency keys deleted', { deleted });
    } catch (error) {
      logger.warn('expired idempotency keys were not deleted', { err: error });
    }
    await clock.sleep(CLEAN_UP_EVERY_MS, signal);
  }
};

/** Listens; rejects when the port is taken. */
export const runGateway = async (
  { server, follow }: Gateway,
  { host, port, closeTimeoutMs }: Pick<GatewayConfig, 'host' | 'port' | 'closeTimeoutMs'>,
  store: IdempotencyStore,
  clock: Clock,
  logger: Logger,
): Promise<RunningGateway> => {
  const url = await server.listen({ host, port });
  const ending = new AbortController();
  const background = Promise.all([follow(ending.signal), cleanUp(store, clock, logger, ending.signal)]);
  logger.info('gateway is up', { url });
  return {
    url,
    stop: async () => {
      const closed = new AbortController();
      void clock.sleep(closeTimeoutMs, closed.signal).then(() => {
        if (!closed.signal.aborted) server.server.closeAllConnections();
      });
      await server.close();
      closed.abort();
      ending.abort();
      await background;
    },
  };
};
