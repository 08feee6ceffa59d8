/**
 * The stack that the demo plays on: the one that runs, or one of its own.
 *
 * Invariant: a stack that was started here is stopped here, in order; one that was found is left as it is.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpStatus } from '../local-stack/probes.ts';
import { projectRoot } from '../local-stack/settings.ts';
import { StackFailure } from '../local-stack/stack-failure.ts';
import { waitUntil } from '../local-stack/wait.ts';

export interface RunningStack {
  stop(): Promise<void>;
}

const FOUND_READY_MS = 60_000;
/** The first start downloads the services. */
const STARTED_READY_MS = 20 * 60_000;
const STOP_MS = 60_000;
const ASK_EVERY_MS = 500;

/** Beyond the reach of the terminal's Ctrl-C: the demo still needs the stack then, to put the rules back. */
const startStack = (environment: NodeJS.ProcessEnv) => {
  const child = spawn(process.execPath, [join(projectRoot, 'bin', 'start.ts')], {
    cwd: projectRoot,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const exited = once(child, 'exit');
  return {
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stop: async () => {
      child.kill('SIGTERM');
      const inTime = await Promise.race([exited.then(() => true), sleep(STOP_MS, false, { ref: false })]);
      if (!inTime) child.kill('SIGKILL');
    },
  };
};

/** Resolves when the gateway at the address is ready. Rejects with `StackFailure`, or when the signal aborts. */
export const findOrStartStack = async (
  gatewayUrl: string,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<RunningStack> => {
  const isReady = async (): Promise<boolean> => (await httpStatus(`${gatewayUrl}/ready`)) === 200;
  const waiting = { everyMs: ASK_EVERY_MS, signal };
  if ((await httpStatus(`${gatewayUrl}/live`)) !== undefined) {
    say(`Using the stack behind ${gatewayUrl}`);
    if (await waitUntil(isReady, { ...waiting, timeoutMs: FOUND_READY_MS })) return { stop: async () => {} };
    throw new StackFailure(`The gateway at ${gatewayUrl} is not ready; ${gatewayUrl}/ready says what is missing.`);
  }
  say(`Nothing answers at ${gatewayUrl}; starting a stack`);
  const stack = startStack(environment);
  try {
    const ready = await waitUntil(async () => stack.hasEnded() || (await isReady()), {
      ...waiting,
      timeoutMs: STARTED_READY_MS,
    });
    if (!ready || stack.hasEnded()) throw new StackFailure('The stack did not start; its lines above say why.');
    return stack;
  } catch (error) {
    await stack.stop();
    throw error;
  }
};
