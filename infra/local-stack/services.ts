/**
 * Kafka, the schema registry and the database of a stack, wherever they come from. Invariant: for each service the order is
 * the address given from outside, then Docker, then binaries; and every service answers before its address is handed out.
 */
import { join } from 'node:path';
import { ensureArtefact } from './artefact-cache.ts';
import type { Closers } from './closers.ts';
import { dockerComposeAnswers, startComposeServices } from './docker-services.ts';
import { requireJava } from './java.ts';
import { prepareKafka } from './kafka.ts';
import { mysqlUrl, prepareMariadb } from './mariadb.ts';
import { requireFreePorts } from './ports.ts';
import { acceptsConnections, httpStatus, mysqlAnswers, parseHostPort } from './probes.ts';
import { prepareRegistry, registryUrl } from './registry.ts';
import type { Reporter } from './report.ts';
import { addressVariables } from './settings.ts';
import type { Addresses, Environment, ServiceName, StackSettings } from './settings.ts';
import { StackFailure } from './stack-failure.ts';
import type { ServiceProcess, SupervisedProcess } from './supervised-process.ts';
import { waitUntil } from './wait.ts';

/** Where a service comes from: an address given from outside, a container, or a process started from a binary. */
export type ServiceSource = 'given' | 'docker' | 'binaries';
export type ServiceSources = Readonly<Record<ServiceName, ServiceSource>>;

export interface ServiceContext {
  readonly settings: StackSettings;
  readonly environment: Environment;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Whether data of earlier runs is to go. */
  readonly fresh: boolean;
  /** Takes what has to be ended, in the order of starting. */
  readonly closers: Closers;
  /** Called with each process before it starts, and to be told of every change. */
  supervise(spec: ServiceProcess): SupervisedProcess;
}

export interface RunningServices {
  readonly addresses: Addresses;
  readonly sources: ServiceSources;
}

export const serviceNames: readonly ServiceName[] = ['kafka', 'registry', 'mysql'];
const givenTimeoutMs = 30_000;

/** Decides for each service; Docker is asked only when a service needs it. */
export async function chooseSources(
  given: Partial<Addresses>,
  hasDocker: () => Promise<boolean>,
): Promise<ServiceSources> {
  const isOpen = serviceNames.some((name) => given[name] === undefined);
  const own: ServiceSource = isOpen && (await hasDocker()) ? 'docker' : 'binaries';
  const source = (name: ServiceName): ServiceSource => (given[name] === undefined ? own : 'given');
  return { kafka: source('kafka'), registry: source('registry'), mysql: source('mysql') };
}

/** Brings up what is not given, and returns when everything answers. */
export async function startServices(context: ServiceContext): Promise<RunningServices> {
  const { settings, environment, signal } = context;
  const sources = await chooseSources(settings.given, () => dockerComposeAnswers(environment, signal));
  const from = (source: ServiceSource): ServiceName[] => serviceNames.filter((name) => sources[name] === source);

  await Promise.all(from('given').map((name) => requireGiven(name, settings.given[name] ?? '', context)));
  if (from('docker').length > 0) {
    const services = await startComposeServices({ ...context, services: from('docker') });
    context.closers.add('containers', () => services.stop());
  }
  if (from('binaries').length > 0) await startBinaries(from('binaries'), context);

  const { ports, given } = settings;
  return {
    sources,
    addresses: {
      kafka: given.kafka ?? `127.0.0.1:${ports.kafka}`,
      registry: given.registry ?? registryUrl(ports.registry),
      mysql: given.mysql ?? mysqlUrl(ports.mysql),
    },
  };
}

async function requireGiven(name: ServiceName, address: string, { signal }: ServiceContext): Promise<void> {
  const variable = addressVariables[name];
  const answers = probeFor(name, address, variable);
  if (await waitUntil(answers, { timeoutMs: givenTimeoutMs, everyMs: 500, signal })) return;
  throw new StackFailure(
    `${variable} names a service that does not answer within ${givenTimeoutMs / 1000} s: start it, correct the address, ` +
      'or unset the variable to have one started here.',
  );
}

/** Asks only what any server answers before encryption and passwords; the processes themselves do the rest. */
function probeFor(name: ServiceName, address: string, variable: string): () => Promise<boolean> {
  switch (name) {
    case 'kafka': {
      const brokers = address.split(',').map((broker) => parseHostPort(broker, variable));
      return async () => (await Promise.all(brokers.map(acceptsConnections))).includes(true);
    }
    case 'registry':
      return async () => (await httpStatus(address)) !== undefined;
    case 'mysql': {
      const url = URL.canParse(address) ? new URL(address) : undefined;
      if (url === undefined || url.hostname === '') {
        throw new StackFailure(`${variable} is no address; give it as mysql://user:password@host:port/database.`);
      }
      return () => mysqlAnswers({ host: url.hostname, port: Number(url.port || 3306) });
    }
  }
}

async function startBinaries(names: readonly ServiceName[], context: ServiceContext): Promise<void> {
  const { settings, environment, reporter, signal } = context;
  await requireFreePorts(new Map(names.map((name) => [name, settings.ports[name]])));
  const java = names.some((name) => name !== 'mysql') ? await requireJava(environment, signal) : '';
  const folders = new Map<ServiceName, string>();
  // One download after the other: they share the line they show their progress on.
  for (const name of names) folders.set(name, await ensureArtefact(name, { ...context, cacheDir: settings.cacheDir }));

  reporter.line(`Starting ${names.join(', ')} from binaries in ${settings.cacheDir}`);
  await startTogether(names, context, (name, starting) => prepare(name, java, folders.get(name) ?? '', starting));
}

/** Starts services side by side; the first failure ends the waiting for the others, and all are settled on return. */
async function startTogether(
  names: readonly ServiceName[],
  context: ServiceContext,
  describe: (name: ServiceName, starting: ServiceContext) => Promise<ServiceProcess>,
): Promise<void> {
  const processes = new Map<ServiceName, SupervisedProcess>();
  for (const name of names) context.closers.add(name, () => processes.get(name)?.stop());

  const failure = new AbortController();
  const starting = { ...context, signal: AbortSignal.any([context.signal, failure.signal]) };
  const start = async (name: ServiceName): Promise<void> => {
    try {
      const process = context.supervise(await describe(name, starting));
      starting.signal.throwIfAborted();
      processes.set(name, process);
      await process.launch();
      await process.becomesReady('fail', starting.signal);
    } catch (error) {
      failure.abort(error);
    }
  };
  await Promise.all(names.map(start));
  failure.signal.throwIfAborted();
}

async function prepare(
  name: ServiceName,
  java: string,
  binaries: string,
  context: ServiceContext,
): Promise<ServiceProcess> {
  const { settings, signal } = context;
  const { dataDir } = settings;
  const port = settings.ports[name];
  const logFile = join(dataDir, 'logs', `${name}.log`);
  switch (name) {
    case 'kafka':
      return prepareKafka({ java, binaries, dataDir, logFile, port, signal });
    case 'registry':
      return prepareRegistry({ java, binaries, dataDir, logFile, port });
    case 'mysql':
      return prepareMariadb({ binaries, dataDir, logFile, port, signal });
  }
}
