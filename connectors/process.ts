/**
 * How every process of ours starts and ends.
 *
 * Invariant: SIGINT and SIGTERM stop it in order, once, with exit code 0; an error ends it with exit code 1 and a sentence for
 * the operator; a second signal while it stops ends it at once.
 */
import type { Logger } from '../streams/ports.ts';
import type { LogFields } from '../streams/ports.ts';
import { ConfigError } from './config/settings.ts';
import { createLogger } from './observability/pino-logger.ts';

export interface RunningProcess {
  readonly logger: Logger;
  /** Bounded in time. */
  readonly stop: () => Promise<void>;
}

export interface ProcessHooks {
  readonly environment: NodeJS.ProcessEnv;
  /** For an error that ends the process: it is stopped in order and exits with 1. */
  readonly fail: (message: string, fields?: LogFields) => void;
}

/** Starts the process; resolves when it is up. */
export async function runProcess(
  service: string,
  start: (hooks: ProcessHooks) => Promise<RunningProcess>,
): Promise<void> {
  let running: RunningProcess | undefined;
  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    process.exitCode = exitCode;
    try {
      await running?.stop();
    } catch (error) {
      running?.logger.error('The process did not stop in order', { err: error });
      process.exitCode = 1;
    }
    process.exit();
  };
  const fail = (message: string, fields: LogFields = {}): void => {
    (running?.logger ?? createLogger({ service })).error(message, fields);
    void stop(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      void stop(0);
    });
  }
  try {
    running = await start({ environment: process.env, fail });
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    else fail(`The ${service} cannot start: ${error instanceof Error ? error.message : String(error)}`, { err: error });
  }
}
