/**
 * What the environment asks of a local stack: ports, places and addresses of services that run elsewhere. Invariant: a
 * value that cannot be used is refused here, in one sentence that names its variable.
 */
import { join, resolve } from 'node:path';
import { StackFailure } from './stack-failure.ts';

/** The root of the repository. */
export const projectRoot = resolve(import.meta.dirname, '../..');

export type Environment = Readonly<Record<string, string | undefined>>;

/** The port of everything in a stack that listens. */
export interface StackPorts {
  readonly gateway: number;
  readonly processor: number;
  readonly sink: number;
  readonly notifier: number;
  readonly kafka: number;
  readonly registry: number;
  readonly mysql: number;
}

export type PortName = keyof StackPorts;

/** The variable and the default of each port. */
export const portVariables: Readonly<Record<PortName, { readonly variable: string; readonly port: number }>> = {
  gateway: { variable: 'GATEWAY_PORT', port: 4000 },
  processor: { variable: 'PROCESSOR_PORT', port: 4001 },
  sink: { variable: 'SINK_PORT', port: 4002 },
  notifier: { variable: 'NOTIFIER_PORT', port: 4003 },
  kafka: { variable: 'KAFKA_PORT', port: 9092 },
  registry: { variable: 'REGISTRY_PORT', port: 8081 },
  mysql: { variable: 'MYSQL_PORT', port: 3306 },
};

export type ServiceName = 'kafka' | 'registry' | 'mysql';

/** The variable that gives the address of a service that runs elsewhere. */
export const addressVariables: Readonly<Record<ServiceName, string>> = {
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  mysql: 'MYSQL_URL',
};

/** Addresses as clients take them: `host:port,...`, an HTTP base URL, `mysql://user:password@host:port/database`. */
export type Addresses = Readonly<Record<ServiceName, string>>;

export interface StackSettings {
  readonly ports: StackPorts;
  /** Addresses given from outside; a service named here is used as it is. */
  readonly given: Partial<Addresses>;
  /** Absolute; everything one stack keeps is below it. */
  readonly dataDir: string;
  /** Absolute; downloaded binaries, shared by every stack. */
  readonly cacheDir: string;
  /** Absolute; the rules the set-up step seeds. */
  readonly rulesFile: string;
}

/** Reads the settings; relative places are resolved against `workingDir`. */
export function readSettings(environment: Environment, workingDir: string): StackSettings {
  const place = (variable: string, fallback: string): string =>
    resolve(workingDir, nonEmpty(environment, variable) ?? fallback);
  return {
    ports: readPorts(environment),
    given: readGivenAddresses(environment),
    dataDir: place('DATA_DIR', '.data'),
    cacheDir: place('SERVICES_CACHE_DIR', join(projectRoot, '.cache/services')),
    rulesFile: place('RULES_FILE', 'rules.json'),
  };
}

function readPorts(environment: Environment): StackPorts {
  const port = (name: PortName): number => {
    const { variable, port: fallback } = portVariables[name];
    const text = nonEmpty(environment, variable);
    return text === undefined ? fallback : parsePort(variable, text);
  };
  const ports: StackPorts = {
    gateway: port('gateway'),
    processor: port('processor'),
    sink: port('sink'),
    notifier: port('notifier'),
    kafka: port('kafka'),
    registry: port('registry'),
    mysql: port('mysql'),
  };
  refuseSharedPorts(ports);
  return ports;
}

function parsePort(variable: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    throw new StackFailure(`${variable} is "${text}", which is not a port; set it to a number from 1 to 65535.`);
  }
  return port;
}

function refuseSharedPorts(ports: StackPorts): void {
  const owners = new Map<number, string>();
  for (const [name, { variable }] of Object.entries(portVariables)) {
    const port = ports[name as PortName];
    const owner = owners.get(port);
    if (owner !== undefined) {
      throw new StackFailure(`${owner} and ${variable} are both ${port}; set one of them to another port.`);
    }
    owners.set(port, variable);
  }
}

function readGivenAddresses(environment: Environment): Partial<Addresses> {
  const given: Partial<Record<ServiceName, string>> = {};
  for (const [service, variable] of Object.entries(addressVariables)) {
    const address = nonEmpty(environment, variable);
    if (address !== undefined) given[service as ServiceName] = address;
  }
  return given;
}

function nonEmpty(environment: Environment, variable: string): string | undefined {
  const text = environment[variable]?.trim();
  return text === undefined || text === '' ? undefined : text;
}
