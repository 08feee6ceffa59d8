/**
 * The services as containers, from the compose file of this repository. Invariant: Docker is used only when its engine
 * answers quickly, and each data folder has a compose project, and so containers and volumes, of its own.
 */
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { CommandMissing, runCommand } from './child-process.ts';
import type { CommandOutcome } from './child-process.ts';
import type { Reporter } from './report.ts';
import { portVariables, projectRoot } from './settings.ts';
import type { Environment, ServiceName, StackSettings } from './settings.ts';
import { StackFailure } from './stack-failure.ts';

const engineTimeoutMs = 4_000;
const startTimeoutMs = 15 * 60_000;
const stopTimeoutMs = 120_000;

/** Whether an engine answers within a few seconds. */
export async function dockerEngineAnswers(environment: Environment, signal: AbortSignal): Promise<boolean> {
  return dockerSucceeds(['info', '--format', '{{.ServerVersion}}'], environment, signal);
}

/** Whether an engine answers and `docker compose` can be used. */
export async function dockerComposeAnswers(environment: Environment, signal: AbortSignal): Promise<boolean> {
  return (
    (await dockerEngineAnswers(environment, signal)) && dockerSucceeds(['compose', 'version'], environment, signal)
  );
}

async function dockerSucceeds(
  args: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const command = { command: 'docker', args, cwd: projectRoot, environment };
    return (await runCommand(command, { timeoutMs: engineTimeoutMs, signal })).code === 0;
  } catch (error) {
    if (error instanceof CommandMissing) return false;
    throw error;
  }
}

export interface ComposeServices {
  /** Ends the containers; their volumes stay. */
  stop(): Promise<void>;
}

export interface ComposeOptions {
  readonly settings: StackSettings;
  readonly environment: Environment;
  readonly services: readonly ServiceName[];
  /** Remove the volumes first. */
  readonly fresh: boolean;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** Starts the containers and waits until they are healthy. */
export async function startComposeServices(options: ComposeOptions): Promise<ComposeServices> {
  const { reporter, services, signal } = options;
  const compose = composeRunner(options);
  if (options.fresh) await compose(['down', '--volumes'], stopTimeoutMs, signal);
  reporter.line(`Starting ${services.join(', ')} with Docker compose`);
  const outcome = await compose(['up', '--detach', '--wait', ...services], startTimeoutMs, signal);
  if (outcome.code !== 0) {
    throw new StackFailure(
      `Docker compose could not start ${services.join(', ')}; free the ports it names or set other ones ` +
        `(${services.map((name) => portVariables[name].variable).join(', ')}).\n${lastOf(outcome.output)}`,
    );
  }
  return {
    async stop() {
      await compose(['down'], stopTimeoutMs, new AbortController().signal);
    },
  };
}

/** The compose project of a data folder. */
export function composeProject(dataDir: string): string {
  const readable = basename(dataDir)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '');
  return `alerts-${readable}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
}

type ComposeRunner = (args: readonly string[], timeoutMs: number, signal: AbortSignal) => Promise<CommandOutcome>;

function composeRunner({ settings, environment, reporter }: ComposeOptions): ComposeRunner {
  const ports = Object.entries(portVariables).map(([name, { variable }]) => {
    return [variable, String(settings.ports[name as keyof typeof portVariables])] as const;
  });
  const shared = [
    'compose',
    '--file',
    join(projectRoot, 'docker-compose.yml'),
    '--project-name',
    composeProject(settings.dataDir),
  ];
  return (args, timeoutMs, signal) =>
    runCommand(
      {
        command: 'docker',
        args: [...shared, ...args],
        cwd: projectRoot,
        environment: { ...environment, ...Object.fromEntries(ports) },
      },
      { timeoutMs, signal, onOutput: (text) => reporter.progress(lastOf(text, 1)) },
    );
}

function lastOf(output: string, count = 12): string {
  return output
    .trim()
    .split(/[\r\n]+/)
    .slice(-count)
    .join('\n');
}
