/**
 * `alerts up`: the local stack as a background process.
 *
 * Invariant: what runs is the same program as `npm start`, with its output in `DATA_DIR/logs/stack.log`; the command succeeds only
 * when the stack says that it is ready, and a start that fails or is interrupted leaves nothing running.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines, logExcerpt, startLogFile } from '../../infra/local-stack/log-file.ts';
import { httpStatus } from '../../infra/local-stack/probes.ts';
import { projectRoot, readSettings } from '../../infra/local-stack/settings.ts';
import { readStackRecord, type StackRecord } from '../../infra/local-stack/state-file.ts';
import type { CommandContext } from '../context.ts';
import { failure, interruption, refusal } from '../exit-codes.ts';
import { runningStack, stopStack } from './running-stack.ts';

export interface UpOptions {
  readonly fresh?: boolean;
  readonly servicesOnly?: boolean;
}

const READY_TIMEOUT_MS = 30 * 60_000;
const LOOK_EVERY_MS = 500;

export async function up(context: CommandContext, options: UpOptions): Promise<void> {
  const { environment, reporter } = context;
  const { dataDir } = readSettings(environment, process.cwd());
  const running = runningStack(dataDir);
  if (running !== undefined) throw refusal(`A stack runs on ${dataDir} already (process ${running.pid}).`);
  const logFile = join(dataDir, 'logs', 'stack.log');
  const interrupts = context.interrupts();
  const child = start(options, logFile, environment);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  reporter.line(`Starting the stack; its output goes to ${logFile}`);
  let exit: { readonly code: number | null } | undefined;
  void exited.then((code) => {
    exit = { code };
  });
  for (const deadlineMs = performance.now() + READY_TIMEOUT_MS; ; await sleep(LOOK_EVERY_MS)) {
    if (exit !== undefined) throw failure(`The stack ended with code ${exit.code}.${logExcerpt(logFile)}`);
    const record = await readyRecord(dataDir, options);
    if (record !== undefined) {
      child.unref();
      showRecord(context, record, logFile);
      return;
    }
    if (interrupts.aborted || performance.now() > deadlineMs) {
      await stopStack(dataDir, reporter);
      if (interrupts.aborted) throw interruption('The start was interrupted; what had been started was stopped.');
      throw failure(
        `The stack was not ready within ${READY_TIMEOUT_MS / 60_000} min and was stopped.${logExcerpt(logFile)}`,
      );
    }
    reporter.progress(lastLines(logFile, 1)[0] ?? 'Starting');
  }
}

function start(options: UpOptions, logFile: string, environment: CommandContext['environment']): ChildProcess {
  mkdirSync(join(logFile, '..'), { recursive: true });
  startLogFile(logFile);
  const log = openSync(logFile, 'a');
  const flags = [...(options.fresh ? ['--fresh'] : []), ...(options.servicesOnly ? ['--services-only'] : [])];
  try {
    // A session of its own, so that neither Ctrl-C nor the end of this terminal reaches it.
    return spawn(process.execPath, [join(projectRoot, 'bin/start.ts'), ...flags], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...environment },
    });
  } finally {
    closeSync(log);
  }
}

/** The record of the stack once it is ready. */
async function readyRecord(dataDir: string, { servicesOnly }: UpOptions): Promise<StackRecord | undefined> {
  const record = runningStack(dataDir) === undefined ? undefined : readStackRecord(dataDir);
  if (record?.addresses === undefined) return undefined;
  if (servicesOnly) return record;
  return record.gatewayUrl !== undefined && (await httpStatus(`${record.gatewayUrl}/ready`)) === 200
    ? record
    : undefined;
}

function showRecord(context: CommandContext, { addresses, gatewayUrl, processes }: StackRecord, logFile: string): void {
  const shown = Object.entries(addresses ?? {}).map(([name, address]) => [name, withoutPassword(address)] as const);
  context.show({ addresses: Object.fromEntries(shown), gatewayUrl, processes, logFile }, () =>
    [
      ...shown.map(([name, address]) => `${name.padEnd(9)} ${address}`),
      ...(gatewayUrl === undefined ? [] : [`gateway   ${gatewayUrl}`]),
      'The stack is ready; `alerts down` stops it.',
    ].join('\n'),
  );
}

const withoutPassword = (address: string): string => address.replace(/\/\/([^:@/]+):[^@/]*@/, '//$1:***@');
