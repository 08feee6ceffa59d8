/**
 * The processes of the alert system itself, run beside the services. Invariant: the set-up step has ended well before any
 * of them starts, and the system counts as up only when the gateway says that the whole path works.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeExit, runCommand } from './child-process.ts';
import type { ProcessCommand } from './child-process.ts';
import type { Closers } from './closers.ts';
import { logExcerpt, startLogFile } from './log-file.ts';
import { httpStatus } from './probes.ts';
import type { Reporter } from './report.ts';
import { addressVariables, portVariables, projectRoot } from './settings.ts';
import type { Addresses, Environment, PortName, ServiceName, StackSettings } from './settings.ts';
import { StackFailure } from './stack-failure.ts';
import type { ServiceProcess, SupervisedProcess } from './supervised-process.ts';

export interface AppContext {
  readonly settings: StackSettings;
  readonly environment: Environment;
  readonly addresses: Addresses;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly closers: Closers;
  supervise(spec: ServiceProcess): SupervisedProcess;
}

type AppName = 'processor' | 'sink' | 'notifier' | 'gateway';

/** In starting order; the gateway is last up and first down, so that nothing is accepted that cannot be processed. */
export const appNames: readonly AppName[] = ['processor', 'sink', 'notifier', 'gateway'];

const setupTimeoutMs = 180_000;
const readyTimeoutMs = 180_000;
const stopTimeoutMs = 30_000;

/** Runs the set-up step, starts the processes and returns when the gateway is ready. */
export async function startApps(context: AppContext): Promise<void> {
  const { reporter, signal, closers } = context;
  requireScripts();
  reporter.line('Setting up topics, schemas and tables');
  await runSetup(context);
  reporter.line(`Starting ${appNames.join(', ')}`);
  const processes: SupervisedProcess[] = [];
  for (const name of appNames) {
    const process = context.supervise(describeApp(name, context));
    closers.add(name, () => process.stop());
    await process.launch();
    processes.push(process);
  }
  reporter.progress('Waiting until the gateway is ready');
  await Promise.all(processes.map((process) => process.becomesReady('restart', signal)));
}

/** What every process of the system is told by its environment. */
export function appEnvironment({ environment, addresses, settings }: AppContext): Environment {
  const told: Record<string, string | undefined> = {
    ...environment,
    DATA_DIR: settings.dataDir,
    RULES_FILE: settings.rulesFile,
  };
  for (const [service, variable] of Object.entries(addressVariables))
    told[variable] = addresses[service as ServiceName];
  for (const [name, { variable }] of Object.entries(portVariables))
    told[variable] = String(settings.ports[name as PortName]);
  return told;
}

const scriptOf = (name: AppName | 'setup'): string => join(projectRoot, 'bin', `${name}.ts`);

function appCommand(name: AppName | 'setup', context: AppContext): ProcessCommand {
  // The warning is of kafkajs on Node 24: it passes timers a delay below zero, which the timers treat as at once.
  const args = ['--disable-warning=TimeoutNegativeWarning', scriptOf(name)];
  return { command: process.execPath, args, cwd: projectRoot, environment: appEnvironment(context) };
}

function describeApp(name: AppName, context: AppContext): ServiceProcess {
  const { settings } = context;
  const address = `http://127.0.0.1:${settings.ports[name]}`;
  const probe = `${address}/ready`;
  return {
    name,
    address,
    command: appCommand(name, context),
    logFile: join(settings.dataDir, 'logs', `${name}.log`),
    isReady: async () => (await httpStatus(probe)) === 200,
    readyTimeoutMs,
    stopTimeoutMs,
  };
}

async function runSetup(context: AppContext): Promise<void> {
  const logFile = join(context.settings.dataDir, 'logs', 'setup.log');
  startLogFile(logFile);
  const onOutput = (text: string): void => appendFileSync(logFile, text);
  const { signal } = context;
  const outcome = await runCommand(appCommand('setup', context), { timeoutMs: setupTimeoutMs, signal, onOutput });
  if (outcome.code === 0) return;
  const what = outcome.timedOut ? `took longer than ${setupTimeoutMs / 1000} s` : describeExit(outcome);
  throw new StackFailure(`The set-up step ${what}; correct what its log names and start again.${logExcerpt(logFile)}`);
}

function requireScripts(): void {
  const missing = (['setup', ...appNames] as const).map(scriptOf).filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new StackFailure(`${missing.join(', ')} missing: restore the repository, or start with --services-only.`);
  }
}
