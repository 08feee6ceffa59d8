/**
 * The services the integration tests run on, for one run of vitest: given addresses, else containers where a Docker engine
 * answers, else local binaries on free ports with a data folder of their own. Invariant: what was started here is ended
 * here, also when tests or the start itself fail, and nothing that was given is touched.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDataDir } from '../../infra/local-stack/data-dir.ts';
import { dockerEngineAnswers } from '../../infra/local-stack/docker-services.ts';
import { freePorts } from '../../infra/local-stack/ports.ts';
import { createReporter, silentReporter } from '../../infra/local-stack/report.ts';
import { serviceNames } from '../../infra/local-stack/services.ts';
import { addressVariables, portVariables, readSettings } from '../../infra/local-stack/settings.ts';
import type { Addresses, Environment, StackSettings } from '../../infra/local-stack/settings.ts';
import { StackFailure } from '../../infra/local-stack/stack-failure.ts';
import { startStack } from '../../infra/local-stack/stack.ts';
import { startServiceContainers } from './service-containers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    services: Addresses;
  }
}

export interface TestServices {
  readonly addresses: Addresses;
  stop(): Promise<void>;
}

const folderPrefix = 'alerts-test-services-';
const startTimeoutMs = 25 * 60_000;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Ending by a signal skips the tear-down; ending through an exit at least takes the processes along.
  const exitOnTerm = (): never => process.exit(143);
  process.once('SIGTERM', exitOnTerm);
  const services = await startTestServices(process.env);
  for (const name of serviceNames) process.env[addressVariables[name]] = services.addresses[name];
  project.provide('services', services.addresses);
  return async () => {
    await services.stop();
    process.off('SIGTERM', exitOnTerm);
  };
}

/** Starts whatever the environment does not give. */
export async function startTestServices(environment: Environment): Promise<TestServices> {
  const { given } = readSettings(environment, process.cwd());
  if (serviceNames.every((name) => given[name] !== undefined)) {
    return { addresses: given as Addresses, stop: async () => {} };
  }
  const signal = AbortSignal.timeout(startTimeoutMs);
  if (await dockerEngineAnswers(environment, signal)) return startServiceContainers(given);
  await removeAbandoned(signal);
  return startLocalServices(environment, signal);
}

async function startLocalServices(environment: Environment, signal: AbortSignal): Promise<TestServices> {
  const dataDir = mkdtempSync(join(tmpdir(), folderPrefix));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true });
  try {
    const settings = await settingsOnFreePorts(environment, dataDir);
    const reporter = createReporter(process.stderr);
    const stack = await startStack({ settings, environment, reporter, signal, fresh: false, servicesOnly: true });
    return {
      addresses: stack.addresses,
      stop: async () => {
        await stack.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Settings of a stack that meets no other one. */
export async function settingsOnFreePorts(environment: Environment, dataDir: string): Promise<StackSettings> {
  const variables = Object.values(portVariables).map(({ variable }) => variable);
  const ports = await freePorts(variables.length);
  const assigned = Object.fromEntries(variables.map((variable, index) => [variable, String(ports[index])]));
  return readSettings({ ...environment, ...assigned, DATA_DIR: dataDir }, process.cwd());
}

/** Ends what killed test runs left behind. */
async function removeAbandoned(signal: AbortSignal): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(folderPrefix))) {
    const folder = join(tmpdir(), name);
    try {
      const lock = await openDataDir(folder, silentReporter, signal);
      rmSync(folder, { recursive: true, force: true });
      lock.release();
    } catch (error) {
      // A folder in use belongs to another run that goes on.
      if (!(error instanceof StackFailure)) throw error;
    }
  }
}
