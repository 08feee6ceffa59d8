/**
 * A stack in the foreground of a terminal. Invariant: the first Ctrl-C ends everything in order, the second at once, and the
 * process ends with code 0 only when the stack had been up and was ended on purpose.
 */
import { killLiveGroups } from './child-process.ts';
import { createReporter } from './report.ts';
import { readSettings } from './settings.ts';
import type { Environment } from './settings.ts';
import { startStack } from './stack.ts';
import { StackFailure } from './stack-failure.ts';
import { renderTable } from './table.ts';

export interface ForegroundOptions {
  readonly fresh: boolean;
  readonly servicesOnly: boolean;
}

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal and npm each pass on the same Ctrl-C, so that what follows at once is not a second one. */
const sameKeystrokeMs = 500;

/** Runs a stack until it is told to end; returns the exit code. */
export async function runInForeground(options: ForegroundOptions, environment: Environment): Promise<number> {
  const reporter = createReporter(process.stdout);
  const stop = new AbortController();
  listenForStop(stop, () => reporter.line('Stopping; press Ctrl-C again to stop at once'));
  const began = performance.now();
  try {
    const settings = readSettings(environment, process.cwd());
    const stack = await startStack({ ...options, settings, environment, reporter, signal: stop.signal });
    reporter.line(`\n${renderTable(stack.rows())}\n`);
    reporter.line(`Ready after ${((performance.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops everything.`);
    await untilAborted(stop.signal);
    await stack.stop();
    reporter.line('Stopped; the data stays for the next start');
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      reporter.line('Stopped before it was ready');
      return 130;
    }
    if (!(error instanceof StackFailure)) throw error;
    reporter.line(`\n${error.message}`);
    return 1;
  }
}

function listenForStop(stop: AbortController, onFirst: () => void): void {
  let firstMs = 0;
  const handle = (): void => {
    if (!stop.signal.aborted) {
      firstMs = performance.now();
      onFirst();
      stop.abort();
    } else if (performance.now() - firstMs > sameKeystrokeMs) {
      killLiveGroups();
      process.exit(130);
    }
  };
  for (const signal of stopSignals) process.on(signal, handle);
}

/** Keeps the process alive meanwhile, also when it has no children of its own. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const keepAlive = setInterval(() => {}, 60_000);
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(keepAlive);
}
