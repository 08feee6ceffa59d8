#!/usr/bin/env node
/**
 * `npx alerts …`: the command for whoever operates the system.
 */
import { runCli } from '../cli/run.ts';

/** Ctrl-C once ends the command in order, twice at once. */
const interrupts = (): AbortSignal => {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) process.exit(130);
      ending.abort();
    });
  }
  return ending.signal;
};

const { env, stdin, stdout, stderr } = process;
const exitCode = await runCli(process.argv.slice(2), { environment: env, stdin, stdout, stderr, interrupts });
// What a command gave up waiting for must not keep the terminal waiting.
process.exit(exitCode);
