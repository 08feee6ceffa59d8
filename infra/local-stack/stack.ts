/**
 * A whole local stack: services, set-up, processes. Invariant: it is either up and ready or nothing of it runs, and what
 * runs is written down in its data folder at every moment.
 */
import { relative } from 'node:path';
import { appNames, startApps } from './app-processes.ts';
import { Closers } from './closers.ts';
import { emptyDataDir, openDataDir } from './data-dir.ts';
import { composeProject } from './docker-services.ts';
import { requireFreePorts } from './ports.ts';
import type { Reporter } from './report.ts';
import { serviceNames, startServices } from './services.ts';
import type { RunningServices, ServiceSource } from './services.ts';
import type { Addresses, Environment, ServiceName, StackSettings } from './settings.ts';
import { removeStackRecord, writeStackRecord } from './state-file.ts';
import { SupervisedProcess } from './supervised-process.ts';
import type { ServiceProcess } from './supervised-process.ts';
import type { StackRow } from './table.ts';

export interface StackOptions {
  readonly settings: StackSettings;
  /** What the processes inherit, and where Java and Docker are looked for. */
  readonly environment: Environment;
  readonly reporter: Reporter;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
  /** Begin without the data of earlier runs. */
  readonly fresh: boolean;
  /** Leave out set-up and the processes of the alert system. */
  readonly servicesOnly: boolean;
}

export interface RunningStack {
  readonly addresses: Addresses;
  /** What runs where, at this moment. */
  rows(): StackRow[];
  /** Ends everything, last started first. */
  stop(): Promise<void>;
}

/** Starts a stack and returns when it is ready; rejects with a `StackFailure` after ending what had been started. */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { settings, reporter, signal } = options;
  const closers = new Closers(reporter);
  try {
    const lock = await openDataDir(settings.dataDir, reporter, signal);
    closers.addQuietly('the lock', () => lock.release());
    if (options.fresh) discardData(settings, reporter);
    return await bringUp(options, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function bringUp(options: StackOptions, closers: Closers): Promise<RunningStack> {
  const { settings } = options;
  const { dataDir, ports } = settings;
  const processes: SupervisedProcess[] = [];
  const placed: { addresses?: Addresses; gatewayUrl?: string } = {};
  const record = (): void => {
    const running = processes.flatMap(({ spec, identity }) =>
      identity === undefined ? [] : [{ name: spec.name, ...identity }],
    );
    writeStackRecord(dataDir, { ...placed, processes: running });
  };
  const supervise = (spec: ServiceProcess): SupervisedProcess => {
    const supervised = new SupervisedProcess(spec, options.reporter, record);
    processes.push(supervised);
    return supervised;
  };
  closers.addQuietly('the record', () => removeStackRecord(dataDir));

  if (!options.servicesOnly) await requireFreePorts(new Map(appNames.map((name) => [name, ports[name]])));
  const services = await startServices({ ...options, closers, supervise });
  const { addresses } = services;
  placed.addresses = addresses;
  if (!options.servicesOnly) placed.gatewayUrl = `http://127.0.0.1:${ports.gateway}`;
  record();
  if (!options.servicesOnly) await startApps({ ...options, addresses, closers, supervise });
  return {
    addresses,
    rows: () => inOrder([...placedRows(services, settings), ...processes.map(processRow)]),
    stop: () => closers.closeAll(),
  };
}

function discardData(settings: StackSettings, reporter: Reporter): void {
  emptyDataDir(settings.dataDir);
  reporter.line(`Removed the data in ${settings.dataDir}`);
  const given = Object.keys(settings.given);
  if (given.length > 0) reporter.line(`What is stored outside stays as it is: ${given.join(', ')}`);
}

function processRow({ spec, state, identity }: SupervisedProcess): StackRow {
  const pid = identity === undefined ? '-' : String(identity.pid);
  return { name: spec.name, address: spec.address, state, pid, log: shortPath(spec.logFile) };
}

/** Services first, then processes, each in the order of the data flow. */
function inOrder(rows: readonly StackRow[]): StackRow[] {
  const order = [...serviceNames, ...appNames] as readonly string[];
  return rows.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
}

/** The services that are no processes of this stack. */
function placedRows({ sources, addresses }: RunningServices, settings: StackSettings): StackRow[] {
  const entries = Object.entries(sources) as [ServiceName, ServiceSource][];
  return entries.flatMap(([name, source]) => {
    if (source === 'binaries') return [];
    const log = source === 'docker' ? `docker compose -p ${composeProject(settings.dataDir)} logs ${name}` : '-';
    return [{ name, address: withoutPassword(addresses[name]), state: source, pid: '-', log }];
  });
}

/** As seen from where the command was given, when that is shorter to read. */
function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.password === '') return address;
  url.password = '***';
  return url.href;
}
